package caddymodule

import (
	"net/http"
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

// TestAFolderWhoseIndexIsPricedAloneIsTold: a file server delivers the page at both.
func TestAFolderWhoseIndexIsPricedAloneIsTold(t *testing.T) {
	for name, tc := range map[string]struct{ matcher, free string }{
		"an ending":            {"path *.html", "/a/"},
		"an ending below":      {"path /posts/*.html", "/posts/"},
		"all indexes":          {"path */index.html", "/a/a/"},
		"some indexes":         {"path /posts/*/index.html", "/posts/a/"},
		"what begins so":       {"path /posts/index*", "/posts/"},
		"a regex":              {"path_regexp ^/posts/index\\.html$", "/posts/"},
		"a regex of an ending": {"path_regexp ^/posts/.*\\.html$", "/posts/"},
		"the page itself":      {"path /posts/index.html", ""},
		"the folder":           {"path /posts/*", ""},
		"both":                 {"path /posts/*.html /posts", ""},
		"some pages":           {"path /posts/a*", ""},
		"another ending":       {"path *.pdf", ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log")
			if err := validate(t, "{\n\tadmin off\n\tlog {\n\t\toutput file "+file+"\n\t}\n}\nhttp://localhost:1 {\n\t@p "+tc.matcher+"\n\tpaywall @p 0.20\n\tfile_server\n}\n"); err != nil {
				t.Fatal(err)
			}
			logged := readLog(t, file)
			told := strings.Count(logged, "the index page of a folder and not the folder")
			if tc.free == "" && told > 0 || tc.free != "" && (told != 1 || !strings.Contains(logged, `"free":"`+tc.free+`"`) || !strings.Contains(logged, `"at":"Caddyfile:`)) {
				t.Errorf("%s", logged)
			}
		})
	}
}

// TestAnExactIndexIsItsFolder: it is sold at either name, and under one.
func TestAnExactIndexIsItsFolder(t *testing.T) {
	folder := files(t, map[string]string{"posts/index.html": "<title>x</title>canary"})
	s := newSite(t, "welcome 9.00", "root * "+folder+"\n\tpaywall /posts/index.html 0.50\n\tfile_server", http.NotFoundHandler())
	_, bought := s.unlock(s.wallet(), s.offer("/posts/"))
	for _, path := range []string{"/posts/", "/posts/index.html"} {
		if a := s.get(path); a.StatusCode != http.StatusPaymentRequired || strings.Contains(a.body, "canary") {
			t.Errorf("%s: %s: %s", path, a.Status, a.body)
		}
		if a := s.get(path, "Authorization", "Bearer "+bought.Token); a.StatusCode != http.StatusOK {
			t.Errorf("%s, bought as %s: %s", path, bought.Resource, a.Status)
		}
	}
}

// TestANameInAnotherCompositionIsPassedOnIfItIsFree: a file whose name is kept in NFD.
func TestANameInAnotherCompositionIsPassedOnIfItIsFree(t *testing.T) {
	folder := files(t, map[string]string{"cafe\u0301.txt": "free"})
	s := newSite(t, "", "root * "+folder+"\n\tpaywall /articles/* 0.50\n\tfile_server", http.NotFoundHandler())
	if a := s.get("/cafe%CC%81.txt"); a.StatusCode != http.StatusOK || a.body != "free" {
		t.Errorf("%s: %s", a.Status, a.body)
	}
}
