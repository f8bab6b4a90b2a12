package caddymodule

import (
	"strings"
	"testing"
)

// refused loads a site with this line of the global option, and these of the
// site, and wants one sentence with file and line.
func refused(t *testing.T, global, site, want string) {
	t.Helper()
	err := validate(t, "{\n\tadmin off\n\tpaywall {\n\t\tcurrency EUR\n\t\t"+global+"\n\t}\n}\nhttp://localhost:1 {\n\t"+site+"\n}\n")
	switch {
	case err == nil:
		t.Errorf("accepted: %s\n%s", global, site)
	case !strings.Contains(err.Error(), want):
		t.Errorf("refused with %q, want %q", err, want)
	case !strings.Contains(err.Error(), "Caddyfile:"):
		t.Errorf("no file and line in %q", err)
	}
}

// TestSlipsAreToldWhatToWrite: what newcomers write, and the line that they meant.
func TestSlipsAreToldWhatToWrite(t *testing.T) {
	in := func(line string) string { return "paywall /a/* 0.20 {\n\t\t" + line + "\n\t}" }
	price := func(line string) string {
		return "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\t" + line + "\n\t\t}\n\t}"
	}
	for name, tc := range map[string]struct{ global, site, want string }{
		"no slash":              {"", "paywall articles/* 0.20", "a path begins with a slash; write: paywall /articles/* 0.20, at Caddyfile:9"},
		"no slash in price":     {"", in("price articles/x 0.50"), "write: price /articles/x 0.50, at Caddyfile:10"},
		"no slash, no price":    {"", "paywall articles/*", "a path begins with a slash"},
		"ending":                {"", in("free *.css"), "needs a named matcher: @files path *.css, then: free @files"},
		"ending with a price":   {"", "paywall *.mp3 0.20", "@files path *.mp3, then: paywall @files 0.20"},
		"two paths":             {"", "paywall /a/* /b/* 0.20", "several paths need a named matcher: @paid path /a/* /b/*, then: paywall @paid 0.20"},
		"price first":           {"", "paywall 0.20 /a/*", "the path comes first, then the price; write: paywall /a/* 0.20"},
		"price before a name":   {"", "@p path /a/*\n\tpaywall 0.20 @p", "write: paywall @p 0.20"},
		"free for two":          {"", in("free /a/x /a/y"), "free takes one path"},
		"share outside":         {"", in("share ada 70%"), "share belongs into the block of a price"},
		"access outside":        {"", in("access 30d"), "access belongs into the block of a price"},
		"per outside":           {"", in("per /a/*"), "per belongs into the block of a price"},
		"welcome in a site":     {"", in("welcome 0.60"), "into the block of paywall in the global options"},
		"pirce":                 {"", in("pirce /a/x 0.50"), "unrecognized subdirective: pirce; did you mean price?, at Caddyfile:10"},
		"teasers":               {"", in("teasers article"), "did you mean teaser?"},
		"gift-links":            {"", in("gift-links 5 per month"), "did you mean gift_links?"},
		"giftlinks":             {"", in("giftlinks 5 per month"), "did you mean gift_links?"},
		"crawler":               {"", in("crawler google"), "did you mean crawlers?"},
		"origins":               {"", in("origins https://a.example"), "did you mean origin?"},
		"acces":                 {"", price("acces 30d"), "unrecognized subdirective of price: acces; did you mean access?"},
		"shares":                {"", price("shares ada 70%"), "did you mean share?"},
		"paragraph":             {"", in("teaser article {\n\t\t\tparagraph 3\n\t\t}"), "did you mean paragraphs?"},
		"curency":               {"curency EUR", "paywall /a/* 0.20", "unrecognized option of paywall: curency; did you mean currency?"},
		"refunds":               {"refunds 30m", "paywall /a/* 0.20", "did you mean refund?"},
		"colour":                {"ui {\n\t\t\tacent \"#0b6e4f\"\n\t\t}", "paywall /a/* 0.20", "did you mean accent?"},
		"missing brace":         {"", "paywall /a/* {\n\t\tprice 0.20\n\treverse_proxy localhost:1\n}", "is a } missing before this line?, at Caddyfile:11"},
		"missing brace, header": {"", "paywall /a/* {\n\t\tprice 0.20\n\theader X-A b\n}", "is a } missing before this line?"},
		"access in two words":   {"", price("access 30 days"), "write it in one word: access 30d, at Caddyfile:11"},
		"access of weeks":       {"", price("access 2 weeks"), "write it in one word: access 14d"},
		"access of a month":     {"", price("access 1 month"), "write it in one word: access 30d"},
		"access of 1mo":         {"", price("access 1mo"), "access 1mo is not a duration; write it in one word: access 30d"},
		"access of 30":          {"", price("access 30"), "access \"30\" is not a duration such as 30m, 24h or 30d"},
		"access of nothing":     {"", price("access"), "write: access 30d"},
		"refund in two words":   {"refund 30 minutes", "paywall /a/* 0.20", "write it in one word: refund 30m, at Caddyfile:5"},
		"refund off":            {"refund off", "paywall /a/* 0.20", "refund \"off\" is not a duration"},
		"comma":                 {"", "paywall /a/* 0,20", "is not a decimal such as 0.20, with a point"},
		"share without a sign":  {"", price("share ada 70"), "write the part in percent, with its sign, such as: share ada 70%, at Caddyfile:11"},
		"share of a part":       {"", price("share ada 0.7"), "share ada 0.7: write the part in percent"},
		"share of nobody":       {"", price("share 70%"), "write: share alice 70%"},
		"query with a mark":     {"", in("query ?p"), "query \"?p\": write the parameter's name alone, such as: query p, at Caddyfile:10"},
		"query with a value":    {"", in("query p=*"), "write the parameter's name alone"},
		"queries in a list":     {"", in("query p,page"), "write the parameter's name alone"},
		"query twice":           {"", in("query p p"), "query p is given twice"},
		"query with a block":    {"", in("query p {\n\t\t\tx\n\t\t}"), "query takes no block"},
		"query of nothing":      {"", in("query"), "write: query p"},
		"origin with a block":   {"", in("origin https://a.example {\n\t\t\tx\n\t\t}"), "origin takes no block"},
		"origin of spaces":      {"", in("origin \"https://a b.example\""), "origin"},
		"bad selector":          {"", in("teaser div[ {\n\t\t\twords 3\n\t\t}"), "at Caddyfile:10"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, tc.global, tc.site, tc.want) })
	}
}

// TestAccessOutlastsRefund: what is read out before the undo ends would be free.
func TestAccessOutlastsRefund(t *testing.T) {
	site := func(access string) string {
		return "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\taccess " + access + "\n\t\t}\n\t}"
	}
	for name, tc := range map[string]struct{ global, access, want string }{
		"a minute":          {"", "1m", "access is 1m and refund 30m"},
		"the same":          {"", "30m", "access must last longer than refund"},
		"a day and a week":  {"refund 7d", "24h", "access is 24h and refund 168h"},
		"for some rules":    {"refund 1h", "59m", "at Caddyfile:10"},
		"in minutes and up": {"refund 90m", "90m", "access is 1h30m and refund 1h30m"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, tc.global, site(tc.access), tc.want) })
	}
	for global, access := range map[string]string{"refund 0": "1m", "refund 5m": "6m", "": "31m"} {
		if err := validate(t, "{\n\tadmin off\n\tpaywall {\n\t\t"+global+"\n\t}\n}\nhttp://localhost:1 {\n\t"+site(access)+"\n}\n"); err != nil {
			t.Errorf("%s, access %s: %v", global, access, err)
		}
	}
}

// TestOriginsAreASCII: in tokens and comparisons, as browsers send them.
func TestOriginsAreASCII(t *testing.T) {
	for written, want := range map[string]string{
		"https://bücher.example":                "https://xn--bcher-kva.example",
		"https://BÜCHER.Example:443":            "https://xn--bcher-kva.example",
		"https://bu\u0308cher.example.":         "https://xn--bcher-kva.example", // another composition, and the root's dot
		"https://xn--bcher-kva.example":         "https://xn--bcher-kva.example",
		"HTTPS://News.Example.:443":             "https://news.example",
		"http://news.example:80":                "http://news.example",
		"http://news.example:8080":              "http://news.example:8080",
		"https://straße.example":                "https://xn--strae-oqa.example",
		"https://書店。example":                    "https://xn--hxt89p.example",
		"https://my_site.internal":              "https://my_site.internal",
		"http://[2001:DB8::1]:80":               "http://[2001:db8::1]",
		"https://ไทย.example":                   "https://xn--o3cw4h.example",
		"https://xn--bcher-kva.example.:8443":   "https://xn--bcher-kva.example:8443",
		"https://\u0645\u062B\u0627\u0644.test": "https://xn--mgbh0fb.test",
	} {
		origin, err := newOrigin(written)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if got := origin(nil); got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
	for _, written := range []string{"https://", "https://a\u0000b.example", "https://xn--a.example.", "https://a..example", "https://.", "https://a/b", "ftp://a.example"} {
		if _, err := newOrigin(written); err == nil {
			t.Errorf("%q is accepted", written)
		}
	}
}
