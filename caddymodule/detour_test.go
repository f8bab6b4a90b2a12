package caddymodule

import (
	"strings"
	"testing"
)

// TestInvokeIsFollowed: a named route stands where it is invoked.
func TestInvokeIsFollowed(t *testing.T) {
	for name, tc := range map[string]struct{ named, site, want string }{
		"delivers some":              {"reverse_proxy localhost:2", "route {\n\t\thandle /old/* {\n\t\t\tinvoke named\n\t\t}\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}", "after invoke named (reverse_proxy), which already answers"},
		"delivers files":             {"file_server {\n\t\troot /srv\n\t}", "route {\n\t\tinvoke /old/* named\n\t\tpaywall /a/* 0.20\n\t}", "after invoke named (file_server), which already answers"},
		"delivers deeper":            {"handle /x/* {\n\t\treverse_proxy localhost:2\n\t}", "route {\n\t\tinvoke named\n\t\tpaywall /a/* 0.20\n\t}", "after invoke named (reverse_proxy), which already answers"},
		"invokes another":            {"invoke other\n}\n&(other) {\n\treverse_proxy localhost:2", "route {\n\t\tinvoke /x/* named\n\t\tpaywall /a/* 0.20\n\t}", "after invoke other (reverse_proxy), which already answers"},
		"answers all":                {"respond ok", "route {\n\t\tinvoke named\n\t\tpaywall /a/* 0.20\n\t}", "already answers"},
		"answers some":               {"respond ok", "route {\n\t\tinvoke /health named\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}", ""},
		"sets a header":              {"header X-Robots-Tag noai", "route {\n\t\tinvoke named\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}", ""},
		"after the gate":             {"reverse_proxy localhost:1", "paywall /a/* 0.20\n\tinvoke named", ""},
		"invokes itself":             {"handle /x/* {\n\t\tinvoke named\n\t}", "route {\n\t\tinvoke named\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}", ""},
		"another host's":             {"reverse_proxy localhost:2", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n}\nhttp://longer.example {\n\tinvoke named", ""},
		"in error pages":             {"reverse_proxy localhost:2", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\tinvoke named\n\t}", "as they came"},
		"in error pages, rewritten":  {"rewrite * /sorry\n\treverse_proxy localhost:2", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\tinvoke named\n\t}", ""},
		"in error pages, by rewrite": {"rewrite * {uri}\n\treverse_proxy localhost:2", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\tinvoke named\n\t}", "that the request decides ({http.request.uri})"},
		"in an answer's way":         {"rewrite * /a/x\n\treverse_proxy localhost:2", "paywall /a/* 0.20\n\treverse_proxy localhost:1 {\n\t\thandle_response {\n\t\t\tinvoke named\n\t\t}\n\t}", "/a/x, which has a price"},
	} {
		t.Run(name, func(t *testing.T) {
			expectRefusal(t, "&(named) {\n\t"+tc.named+"\n}\n"+block("http://a.example", tc.site), tc.want)
		})
	}
}

// TestErrorPagesLeadToNothingPriced: the address that an error page is rewritten to
// must not be the request's to decide, nor have a price.
func TestErrorPagesLeadToNothingPriced(t *testing.T) {
	const decides = "that the request decides"
	for name, tc := range map[string]struct{ errors, want string }{
		"the address itself":       {"rewrite * {uri}\n\treverse_proxy localhost:2", decides},
		"the path":                 {"rewrite * {path}\n\tfile_server", decides},
		"the path below":           {"rewrite * /backup{path}\n\treverse_proxy localhost:2", decides},
		"a prefix taken away":      {"rewrite * /backup{uri}\n\turi strip_prefix /backup\n\treverse_proxy localhost:2", decides},
		"what was asked for":       {"rewrite * {http.request.orig_uri}\n\treverse_proxy localhost:2", decides},
		"the path asked for":       {"rewrite * {http.request.orig_uri.path}\n\treverse_proxy localhost:2", decides},
		"a header":                 {"rewrite * {header.X-Page}\n\treverse_proxy localhost:2", decides},
		"the query":                {"rewrite * {query.page}\n\treverse_proxy localhost:2", decides},
		"a file's name":            {"rewrite * /{file}\n\treverse_proxy localhost:2", decides},
		"a variable":               {"vars page {uri}\n\trewrite * {vars.page}\n\treverse_proxy localhost:2", decides},
		"the error's words":        {"rewrite * /{err.message}\n\tfile_server", decides},
		"only the query":           {"rewrite * ?from=error\n\treverse_proxy localhost:2", "as they came"},
		"only the method":          {"method GET\n\treverse_proxy localhost:2", "as they came"},
		"only a prefix":            {"uri strip_prefix /x\n\treverse_proxy localhost:2", "as they came"},
		"for some":                 {"@gone expression {err.status_code} == 404\n\trewrite @gone /sorry\n\treverse_proxy localhost:2", "as they came"},
		"whatever file there is":   {"root * /srv\n\ttry_files {path} /sorry.html\n\tfile_server", "as they came"},
		"whatever file, or none":   {"root * /srv\n\ttry_files {path} /sorry.html =404\n\tfile_server", decides},
		"PHP":                      {"php_fastcgi localhost:9", "hands requests to reverse_proxy"},
		"a proxy's own rewrite":    {"reverse_proxy localhost:2 {\n\t\trewrite {uri}\n\t}", decides},
		"a proxy's price":          {"reverse_proxy localhost:2 {\n\t\trewrite /a/x\n\t}", "/a/x, which has a price"},
		"a proxy's method":         {"reverse_proxy localhost:2 {\n\t\tmethod GET\n\t}", "as they came"},
		"what an answer leads to":  {"rewrite * /sorry\n\treverse_proxy localhost:2 {\n\t\thandle_response {\n\t\t\trewrite * {http.request.orig_uri}\n\t\t\treverse_proxy localhost:3\n\t\t}\n\t}", decides},
		"a priced page":            {"rewrite * /a/sorry\n\tfile_server", "/a/sorry, which has a price"},
		"a priced page by status":  {"rewrite * /a/{err.status_code}.html\n\tfile_server", "which has a price"},
		"a priced page by host":    {"rewrite * /{host}/sorry.html\n\tfile_server", ""},
		"a priced page by a step":  {"rewrite * /x/a/sorry\n\turi strip_prefix /x\n\tfile_server", "/a/sorry, which has a price"},
		"a priced page by a regex": {"rewrite * /x/sorry\n\turi path_regexp ^/x /a\n\tfile_server", "/a/sorry, which has a price"},
		"a file that is priced":    {"root * /srv\n\ttry_files /sorry.html /a/sorry.html =404\n\tfile_server", "/a/sorry.html, which has a price"},
		"one page":                 {"rewrite * /sorry.html\n\tfile_server", ""},
		"a page for each status":   {"rewrite * /{err.status_code}.html\n\tfile_server", ""},
		"a page below a prefix":    {"rewrite * /x/sorry\n\turi strip_prefix /x\n\tfile_server", ""},
		"files":                    {"root * /srv\n\ttry_files /{err.status_code}.html /sorry.html =404\n\tfile_server", ""},
		"a page that is told why":  {"rewrite * /sorry.html?from={uri}\n\treverse_proxy localhost:2", ""},
		"a proxy that is told one": {"reverse_proxy localhost:2 {\n\t\trewrite /sorry\n\t}", ""},
		"words":                    {"respond \"{err.status_code} {uri}\"", ""},
		"another host":             {"redir https://status.example{uri}", ""},
		"its own gate":             {"paywall /a/* 0.20\n\treverse_proxy localhost:2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := sells + "\n\thandle_errors {\n\t\t" + strings.ReplaceAll(tc.errors, "\n", "\n\t") + "\n\t}"
			expectRefusal(t, block("http://a.example", body), tc.want)
			expectRefusal(t, block("http://a.example, http://longer.example", sells)+block(":80", strings.Replace(body, sells, "respond ok", 1)), tc.want)
		})
	}
}

// TestNothingInterceptsTheGate: what stands before it sees its answers, and may
// lead requests elsewhere because of them.
func TestNothingInterceptsTheGate(t *testing.T) {
	for name, tc := range map[string]struct{ before, want string }{
		"to the site":           {"intercept {\n\t\t\t@unpaid status 402 303\n\t\t\thandle_response @unpaid {\n\t\t\t\treverse_proxy localhost:2\n\t\t\t}\n\t\t}", "as they came"},
		"by a rewrite":          {"intercept {\n\t\t\t@unpaid status 402\n\t\t\thandle_response @unpaid {\n\t\t\t\trewrite * {uri}\n\t\t\t\tfile_server\n\t\t\t}\n\t\t}", "that the request decides"},
		"to a page":             {"intercept {\n\t\t\t@unpaid status 402\n\t\t\thandle_response @unpaid {\n\t\t\t\trewrite * /sorry\n\t\t\t\tfile_server\n\t\t\t}\n\t\t}", ""},
		"to words":              {"intercept {\n\t\t\t@unpaid status 402\n\t\t\thandle_response @unpaid {\n\t\t\t\trespond no\n\t\t\t}\n\t\t}", ""},
		"an authorization's no": {"reverse_proxy localhost:2 {\n\t\t\t@yes status 2xx\n\t\t\thandle_response @yes {\n\t\t\t\trequest_header X-User {rp.header.X-User}\n\t\t\t}\n\t\t\t@no status 401\n\t\t\thandle_response @no {\n\t\t\t\treverse_proxy localhost:1\n\t\t\t}\n\t\t}", "as they came"},
	} {
		t.Run(name, func(t *testing.T) {
			expectRefusal(t, block("http://a.example", "route {\n\t\t"+tc.before+"\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}"), tc.want)
		})
	}
}

// TestUnknownHandlersFailNothing: plugins that this package has not heard of.
func TestUnknownHandlersFailNothing(t *testing.T) {
	expectRefusal(t, block("http://a.example", "route {\n\t\ttracing {\n\t\t\tspan a\n\t\t}\n\t\tmap {host} {x} {\n\t\t\tdefault 1\n\t\t}\n\t\trequest_body {\n\t\t\tmax_size 1MB\n\t\t}\n\t\tpaywall /a/* 0.20\n\t\ttemplates\n\t\tpush\n\t\treverse_proxy localhost:1\n\t}"), "")
}

// expectRefusal validates a config; with "" it must be accepted.
func expectRefusal(t *testing.T, sites, want string) {
	t.Helper()
	err := validate(t, sitesConfig(t, sites))
	switch {
	case err == nil && want != "":
		t.Errorf("accepted:\n%s", sites)
	case err != nil && want == "":
		t.Errorf("%v\n%s", err, sites)
	case err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Caddyfile:")):
		t.Errorf("refused with %q, want %q with file and line", err, want)
	}
}

// TestAQueryThatTheRequestDecidesIsNoErrorPage: where the query tells articles apart.
func TestAQueryThatTheRequestDecidesIsNoErrorPage(t *testing.T) {
	expectRefusal(t, block("http://a.example", "paywall /index.php 0.20 {\n\t\tquery p\n\t}\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\trewrite * /index.php?{query}\n\t\treverse_proxy localhost:2\n\t}"),
		"the request decides the query")
}
