package caddymodule

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestAPatternThatEndsWithThePageIsTold: a site that delivers the article at
// "/node/7.json" too would give it away, and nobody would see that.
func TestAPatternThatEndsWithThePageIsTold(t *testing.T) {
	const open = "@p path_regexp PATTERN\n\tpaywall @p 0.20"
	for name, tc := range map[string]struct{ site, pattern, free string }{
		"of the directive":  {open, `^/node/[0-9]+$`, "/node/0.json"},
		"with a name":       {"@p path_regexp page PATTERN\n\tpaywall @p 0.20", `^/(news|blog)/\d{4}/[\w-]+$`, "/news/0000/a.json"},
		"beside a path":     {"@p {\n\t\tpath /node/*\n\t\tpath_regexp PATTERN\n\t}\n\tpaywall @p 0.20", `/[0-9]+$`, ""}, // "/0" is no such path
		"anything before":   {open, `^/.+/[a-z]+$`, "/a/a.json"},
		"cheaper after all": {"@p path_regexp PATTERN\n\tpaywall /node/* {\n\t\tprice @p 0.20\n\t\tprice 0.10\n\t}", `^/node/[0-9]+$`, ""},
		"free after all":    {"@p path_regexp PATTERN\n\tpaywall /node/* {\n\t\tprice @p 0.20\n\t\tfree /node/*\n\t}", `^/node/[0-9]+$`, "/node/0.json"},
		"refused after all": {"@p path_regexp PATTERN\n\tpaywall /node/* {\n\t\tprice @p 0.20\n\t}", `^/node/[0-9]+$`, ""},
		"open":              {open, `^/node/[0-9]+`, ""},
		"as it is told":     {open, `^/node/[0-9]+(?:[./].*)?$`, ""},
		"all names":         {open, `^/node/[^/]+$`, ""},
		"everything":        {open, `^/node/.*$`, ""},
		"an ending":         {open, `^/node/[0-9]+\.html$`, ""},
		"perhaps an ending": {open, `^/node/[0-9]+(\.html)?$`, ""},
		"what is free":      {"@p path_regexp PATTERN\n\tpaywall /node/* {\n\t\tfree @p\n\t\tprice 0.20\n\t}", `^/node/[0-9]+$`, ""},
		"what is left out":  {"@p not path_regexp PATTERN\n\tpaywall @p 0.20", `^/node/[0-9]+$`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log")
			site := strings.Replace(tc.site, "PATTERN", tc.pattern, 1)
			if err := validate(t, "{\n\tadmin off\n\tlog {\n\t\toutput file "+file+"\n\t}\n}\nhttp://localhost:1 {\n\t"+site+"\n\treverse_proxy localhost:2\n}\n"); err != nil {
				t.Fatal(err)
			}
			logged := readLog(t, file)
			told := strings.Count(logged, "a path_regexp ends with the name of a page")
			if tc.free == "" && told > 0 || tc.free != "" && (told != 1 || !strings.Contains(logged, `"free":"`+tc.free+`"`) || !strings.Contains(logged, `"at":"Caddyfile:`)) {
				t.Errorf("%s", logged)
			}
		})
	}
}
