package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRulesThatNeverApplyAreRefused: hidden by an earlier one, or outside of
// the directive's matcher.
func TestRulesThatNeverApplyAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ site, want string }{
		"dearer after all":        {"paywall {\n\t\tprice /a/* 0.20\n\t\tprice /a/long/* 0.50\n\t}", "rule never applies: the one before it (Caddyfile:10) matches all that it does, and the first that matches decides; write this one first, at Caddyfile:11"},
		"free after all":          {"paywall /a/* {\n\t\tprice /a/* 0.20\n\t\tfree /a/welcome\n\t}", "(Caddyfile:10) matches all that it does"},
		"page after its section":  {"paywall /a/* {\n\t\tprice /a/* 0.20\n\t\tprice /a/x 0.50\n\t}", "write this one first, at Caddyfile:11"},
		"after two":               {"@ab path /a/x /b/x\n\tpaywall {\n\t\tprice /a/* 0.20\n\t\tprice /b/* 0.30\n\t\tprice @ab 0.50\n\t}", "rule never applies"},
		"suffix in a section":     {"@mp3 path *.mp3\n\tpaywall /a/* {\n\t\tprice @mp3 0.20\n\t\tprice /a/*.mp3 0.50\n\t}", "rule never applies"},
		"in capitals":             {"paywall {\n\t\tprice /Magazine/* 0.20\n\t\tprice /magazine/long* 0.50\n\t}", "rule never applies"},
		"first line's price":      {"paywall {\n\t\tprice /a/* 0.20\n\t\tfree /a/b/*\n\t\tprice 0.30\n\t}", "rule never applies"},
		"price outside":           {"paywall /a/* {\n\t\tprice /magazine/* 0.50\n\t}", "/magazine/* is outside of the directive's matcher; widen the matcher of paywall, or remove the line, at Caddyfile:10"},
		"price outside of two":    {"@p path /a/* /b/*\n\tpaywall @p 0.20 {\n\t\tprice /c/* 0.50\n\t}", "/c/* is outside"},
		"free outside":            {"paywall /a/* 0.20 {\n\t\tfree /b/x\n\t}", "/b/x is outside of the directive's matcher"},
		"free what is left out":   {"@css path *.css\n\t@p {\n\t\tpath /a/*\n\t\tnot path *.css\n\t}\n\tpaywall @p 0.20 {\n\t\tfree @css\n\t}", "*.css is outside"},
		"price the section":       {"paywall /a/* 0.20 {\n\t\tprice /a 0.50\n\t}", "/a is outside"},
		"per outside":             {"paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tper /b/*\n\t\t}\n\t}", "per /b/*: "},
		"per outside of its rule": {"paywall {\n\t\tprice /a/* 0.20 {\n\t\t\tper /albums/*\n\t\t}\n\t}", "per /albums/*: the price is for no path below it"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, "", tc.site, tc.want) })
	}
}

// TestOneResourceHasOnePrice: what is bought as a whole is not sold in a part, or
// by another name, for less.
func TestOneResourceHasOnePrice(t *testing.T) {
	album := "price /albums/* 3.00 {\n\t\t\tper /albums/*\n\t\t}"
	for name, site := range map[string]string{
		"the album's page":        "paywall {\n\t\tprice /albums/x 0.10\n\t\t" + album + "\n\t}",
		"in capitals":             "paywall {\n\t\tprice /Albums/X 0.10\n\t\t" + album + "\n\t}",
		"two groups":              "paywall {\n\t\tprice /albums/x/* 1.00 {\n\t\t\tper /albums/*\n\t\t}\n\t\t" + album + "\n\t}",
		"tracks by their ending":  "@mp3 path *.mp3\n\tpaywall {\n\t\tprice @mp3 3.00 {\n\t\t\tper /albums/*\n\t\t}\n\t\tprice 0.20\n\t}",
		"tracks within a matcher": "@mp3 path *.mp3\n\tpaywall /albums/* {\n\t\tprice @mp3 3.00 {\n\t\t\tper /albums/*\n\t\t}\n\t\tprice 0.20\n\t}",
		"another access":          "paywall {\n\t\tprice /albums/x 3.00 {\n\t\t\taccess 1d\n\t\t}\n\t\t" + album + "\n\t}",
		"groups of two depths":    "paywall {\n\t\tprice /a/b/* 0.50 {\n\t\t\tper /a/*\n\t\t}\n\t\tprice /a/* 1.00 {\n\t\t\tper /a/*\n\t\t}\n\t}",
	} {
		t.Run(name, func(t *testing.T) { refused(t, "", site, "two prices for one resource") })
	}
}

// TestOrdinaryTablesAreAccepted: what looks alike and is right.
func TestOrdinaryTablesAreAccepted(t *testing.T) {
	for name, site := range map[string]string{
		"the folder of the list": "paywall /a/* {\n\t\tfree /a/\n\t\tprice 0.20\n\t}",
		"exceptions first":       "paywall /a/* {\n\t\tfree /a/welcome\n\t\tprice /a/long/* 0.50\n\t\tprice /a/x 0.30\n\t\tprice 0.20\n\t}",
		"one more than a prefix": "paywall {\n\t\tprice /a/* 0.20\n\t\tprice /a* 0.50\n\t}",
		"the list itself":        "paywall {\n\t\tprice /a/* 0.20\n\t\tfree /a\n\t\tprice 0.30\n\t}",
		"singles and albums":     "paywall {\n\t\tprice /albums/*/single.mp3 0.50\n\t\tprice /albums/* 3.00 {\n\t\t\tper /albums/*\n\t\t}\n\t}",
		"free cover":             "paywall {\n\t\tfree /albums/*/cover.jpg\n\t\tprice /albums/* 3.00 {\n\t\t\tper /albums/*\n\t\t}\n\t}",
		"the same price twice":   "paywall {\n\t\tprice /albums/x 3.00\n\t\tprice /albums/* 3.00 {\n\t\t\tper /albums/*\n\t\t}\n\t}",
		"two kinds of albums":    "paywall {\n\t\tprice /albums/* 3.00 {\n\t\t\tper /albums/*\n\t\t}\n\t\tprice /music/* 3.00 {\n\t\t\tper /music/* /music/live/*\n\t\t}\n\t\tprice /albumsold/* 1.00\n\t}",
		"suffix within":          "@css path *.css\n\t@mp3 path *.mp3\n\tpaywall /a/* {\n\t\tfree @css\n\t\tprice @mp3 1.00\n\t\tprice 0.20\n\t}",
		"substring within":       "@draft path */draft*\n\tpaywall /a/* {\n\t\tfree @draft\n\t\tprice 0.20\n\t}",
		"glob within":            "paywall /a/* {\n\t\tfree /a/*/preview\n\t\tprice 0.20\n\t}",
		"regexp first":           "@long path_regexp ^/a/long-\n\tpaywall /a/* {\n\t\tprice @long 1.00\n\t\tprice 0.20\n\t}",
		"regexp as the matcher":  "@long path_regexp ^/a/long-\n\tpaywall @long {\n\t\tfree /a/long-welcome\n\t\tprice 0.20\n\t}",
		"redundant last line":    "@p path /a/* /b/*\n\tpaywall @p 0.20 {\n\t\tprice /a/* 0.30\n\t\tprice /b/* 0.40\n\t}",
		"address decides":        "@office remote_ip 10.0.0.0/8\n\tpaywall /a/* {\n\t\tfree @office\n\t\tprice /a/x 0.50\n\t\tprice 0.20\n\t}",
		"not":                    "@p {\n\t\tpath /a/*\n\t\tnot path /a/open/*\n\t}\n\tpaywall @p 0.20 {\n\t\tprice /a/o* 0.50\n\t}",
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, "{\n\tadmin off\n}\nhttp://localhost:1 {\n\t"+site+"\n\treverse_proxy localhost:2\n}\n"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhoeverAsksDecidesNothing: a matcher that the client fulfils, or escapes,
// gives nothing away.
func TestWhoeverAsksDecidesNothing(t *testing.T) {
	named := func(matcher, block string) string {
		return "@m {\n\t\t" + matcher + "\n\t}\n\tpaywall " + block
	}
	free := "/a/* 0.20 {\n\t\tfree @m\n\t}"
	for name, tc := range map[string]struct{ site, want string }{
		"method":             {named("path /a/*\n\t\tmethod GET HEAD", "@m 0.20"), "would read for nothing (method: every method is gated, so leave it out), at Caddyfile:"},
		"not method":         {named("path /a/*\n\t\tnot method POST", "@m 0.20"), "(method: "},
		"header":             {named("header User-Agent *Mozilla*", "@m 0.20"), "(header: "},
		"not header":         {named("path /a/*\n\t\tnot header X-App *", "@m 0.20"), "(header: "},
		"header_regexp":      {named("header_regexp User-Agent Mozilla", "@m 0.20"), "(header_regexp: "},
		"protocol":           {named("protocol https", "@m 0.20"), "(protocol: "},
		"query":              {named("query p=*", "@m 0.20"), "so make it part of the page's name with the line: query p)"},
		"query beside one":   {named("query p=* page=*", "@m 0.20 {\n\t\tquery p\n\t}"), "add or leave out page, so make it part of the page's name with the line: query p page)"},
		"not query":          {named("not query print=1", "@m 0.20"), "query: "},
		"method in CEL":      {named("expression path('/a/*') && method('GET')", "@m 0.20"), "(expression with method: "},
		"header in CEL":      {named("expression `header({'X-App': '*'})`", "@m 0.20"), "(expression with header: "},
		"query in CEL":       {named("expression `query({'p': '*'})`", "@m 0.20"), "with the line: query p)"},
		"not in CEL":         {named("expression `path('/a/*') && !method('POST')`", "@m 0.20"), "(expression with method: "},
		"placeholder in CEL": {named("expression `ph(req, 'http.request.uri.path') == '/a'`", "@m 0.20"), "ph() in the matcher expression does not see every spelling"},
		"file in CEL":        {named("expression `file({'root': '/srv', 'try_files': ['{http.request.uri.path}']})`", "@m 0.20"), "does not see every spelling"},
		"capitals in CEL":    {named("expression `path_regexp('^/Articles/')`", "@m 0.20"), "write (?i) at the head of the pattern"},
		"free by header":     {named("header X-Member yes", free), "whoever asks decides whether this free line matches, and would read for nothing (header: "},
		"free by method":     {named("method OPTIONS", free), "(method: "},
		"free by query":      {named("query amp=1", free), "with the line: query amp)"},
		"free unless query":  {named("not query p=*", "0.20 {\n\t\tfree @m\n\t}"), "with the line: query p)"},
		"free by host":       {"@m host api.example\n\tpaywall /a/* 0.20 {\n\t\tfree @m\n\t}\n}\nhttp://:2 {\n\t@m host api.example\n\tpaywall /b/* 0.20 {\n\t\tfree @m\n\t}", "(host: the client writes the Host header, so name the host in the site's address"},
		"price before free":  {named("header User-Agent *Mozilla*", "/a/* {\n\t\tprice @m 0.20\n\t\tfree /a/*\n\t}"), "would get to a free line below it (header: "},
	} {
		t.Run(name, func(t *testing.T) { refused(t, "", tc.site, tc.want) })
	}
	t.Run("address behind a proxy", func(t *testing.T) {
		refused(t, "}\n\tservers {\n\t\ttrusted_proxies static private_ranges", named("client_ip 10.0.0.0/8", free), "add trusted_proxies_strict")
	})
	for name, site := range map[string]string{
		"query that is a name":        named("path /\n\t\tquery p=*", "@m 0.20 {\n\t\tquery p\n\t}"),
		"query in CEL that is a name": named("expression `query({'p': '*'})`", "@m 0.20 {\n\t\tquery p\n\t}"),
		"words in CEL":                named("expression `path('/a/method(x)', '/header/*')`", "@m 0.20"),
		"another price":               named("header X-App *", "/a/* {\n\t\tprice @m 0.10\n\t\tprice 0.20\n\t}"),
		"the operator's network":      named("remote_ip 10.0.0.0/8", free),
		"client_ip":                   named("client_ip 10.0.0.0/8", free),
		"host of the site":            named("host localhost\n\t\tpath /a/*", "@m 0.20"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, "{\n\tadmin off\n}\nhttp://localhost:1 {\n\t"+site+"\n\treverse_proxy localhost:2\n}\n"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPathsWithoutARuleAreTold: at load, once, before a reader finds them refused.
func TestPathsWithoutARuleAreTold(t *testing.T) {
	for site, want := range map[string]string{
		"paywall {\n\t\tprice /a/* 0.20\n\t}":                                       `"paths":["*"]`,
		"@p path /a/* /b/* /c\n\tpaywall @p {\n\t\tprice /a/* 0.20\n\t}":            `"paths":["/b/*","/c"]`,
		"@p path /a/* /b/*\n\tpaywall @p {\n\t\tprice /a/* 0.2\n\t\tfree /b/*\n\t}": "",
		"paywall /a/* 0.20": "",
	} {
		file := filepath.Join(t.TempDir(), "log")
		if err := validate(t, "{\n\tadmin off\n\tlog {\n\t\toutput file "+file+"\n\t}\n}\nhttp://localhost:1 {\n\t"+site+"\n\treverse_proxy localhost:2\n}\n"); err != nil {
			t.Error(err)
		}
		logged := readLog(t, file)
		told := strings.Contains(logged, "includes paths that no rule prices")
		if told != (want != "") || !strings.Contains(logged, want) {
			t.Errorf("%s: %s", site, logged)
		}
	}
}

// readLog reads what a server logged into a file; none was made if that is nothing.
func readLog(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}

// TestLogoBehindThePaywallIsTold: it would be a broken image on every page.
func TestLogoBehindThePaywallIsTold(t *testing.T) {
	for site, want := range map[string]bool{
		"paywall /a/* 0.20": true,
		"paywall /a/* 0.20 {\n\t\tfree /a/logo.svg\n\t}": false,
		"paywall /b/* 0.20": false,
	} {
		file := filepath.Join(t.TempDir(), "log")
		if err := validate(t, "{\n\tadmin off\n\tlog {\n\t\toutput file "+file+"\n\t}\n\tpaywall {\n\t\tui {\n\t\t\tlogo /a/logo.svg\n\t\t}\n\t}\n}\nhttp://localhost:1 {\n\t"+site+"\n\treverse_proxy localhost:2\n}\n"); err != nil {
			t.Error(err)
		}
		if logged := readLog(t, file); strings.Contains(logged, "the logo of the pages is behind the paywall") != want {
			t.Errorf("%s: %s", site, logged)
		}
	}
}
