package caddymodule

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// pageOf is a page long enough for a teaser, whose first paragraph says who wrote it.
func pageOf(who string) string {
	return "<!doctype html><title>" + who + " title</title><article><p>The free part by " + who + " is this.</p>" +
		strings.Repeat("<p>The canary of "+who+" sings on and on, for whoever has paid for it.</p>", 60) + "</article>"
}

// files makes a folder of files, by name.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dirFS is a file system that the config names.
type dirFS struct {
	fs.FS `json:"-"`
	Dir   string
}

func init() { caddy.RegisterModule(dirFS{}) }

func (dirFS) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.fs.testdir", New: func() caddy.Module { return new(dirFS) }}
}

func (d *dirFS) Provision(caddy.Context) error {
	d.FS = os.DirFS(d.Dir)
	return nil
}

func (d *dirFS) UnmarshalCaddyfile(c *caddyfile.Dispenser) error {
	c.Next()
	c.Args(&d.Dir)
	return nil
}

// fastCGI is a site like PHP's, which tells what it was asked.
func fastCGI(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		_ = fcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			env := fcgi.ProcessEnv(r)
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, pageOf(filepath.Base(env["DOCUMENT_ROOT"])+" "+r.URL.Path))
		}))
	}()
	return listener.Addr().String()
}

// TestTheProbeSeesTheSiteAsTheRequestDoes, whatever handlers before the gate have set
// for those after it; and never the working directory of the process.
func TestTheProbeSeesTheSiteAsTheRequestDoes(t *testing.T) {
	site := files(t, map[string]string{
		"articles/a.html": pageOf("site"), "articles/b.php": "<?php", "index.php": "<?php",
		"articles/t.html": strings.Replace(pageOf("site"), "The free part by site", `The free part by {{placeholder "http.vars.who"}}`, 1),
	})
	decoy := files(t, map[string]string{"articles/a.html": pageOf("decoy"), "articles/draft.html": pageOf("decoy"), "articles/t.html": pageOf("decoy")})
	t.Chdir(decoy)
	const gate = `paywall /articles/* 0.20 {
		teaser article {
			paragraphs 1
		}
	}
	`
	for name, tc := range map[string]struct{ body, path, want string }{
		"root":            {"root * " + site + "\n" + gate + "file_server", "/articles/a.html", "The free part by site is this."},
		"root in a block": {gate + "handle {\nroot * " + site + "\nfile_server\n}", "/articles/a.html", "The free part by site is this."},
		"vars":            {"vars dir " + site + "\n" + gate + "file_server {\nroot {vars.dir}\n}", "/articles/a.html", "The free part by site is this."},
		"map": {"map {path} {folder} {\n~^/articles/ " + site + "\ndefault /nowhere\n}\n" + gate + "file_server {\nroot {folder}\n}",
			"/articles/a.html", "The free part by site is this."},
		"fs":        {"fs elsewhere\nroot * .\n" + gate + "file_server", "/articles/a.html", "The free part by site is this."},
		"templates": {"root * " + site + "\nvars who her\n" + gate + "templates\nfile_server", "/articles/t.html", "The free part by her is this."},
		"php":       {"root * " + site + "\n" + gate + "php_fastcgi FCGI", "/articles/b.php", "The free part by " + filepath.Base(site) + " /articles/b.php is this."},
		"regexp": {"@a path_regexp part ^/articles/(.)\nroot @a " + site + "\nvars @a name {re.part.1}\n" + gate + "rewrite * /articles/{vars.name}.html\nfile_server",
			"/articles/a.html", "The free part by site is this."},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.ReplaceAll(tc.body, "FCGI", fastCGI(t))
			global := "welcome 0.60"
			if name == "fs" {
				global += "\n}\nfilesystem elsewhere testdir " + site + "\nservers {"
			}
			s := newSite(t, global, body, http.NotFoundHandler())
			for range 2 {
				a := s.get(tc.path, "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
				if a.StatusCode != http.StatusOK || !strings.Contains(a.body, tc.want) || strings.Contains(a.body, "canary") || strings.Contains(a.body, "decoy") {
					t.Errorf("%s %v: %.600s", a.Status, a.Header, a.body)
				}
			}
			// What lies in the working directory alone is no page of this site.
			if a := s.get("/articles/draft.html", "Accept", "text/html"); strings.Contains(a.body, "decoy") || a.StatusCode == http.StatusOK && name != "php" && name != "regexp" {
				t.Errorf("a draft: %s: %.300s", a.Status, a.body)
			}
		})
	}
}

// TestTheProbeIsNotTheReader: what handlers before the gate took from a reader's
// cookies is not told to the site in the name of all.
func TestTheProbeIsNotTheReader(t *testing.T) {
	s := newSite(t, "welcome 0.60", `vars who {http.request.cookie.session}
	map {http.request.cookie.plan} {plan} {
		"" none
		default {http.request.cookie.plan}
	}
	paywall /articles/* 0.20 {
		teaser article {
			paragraphs 1
		}
	}
	header Content-Type text/html
	respond "<title>x</title><article><p>The free part for ({vars.who}) ({plan}) ({http.request.cookie.session}) is this.</p>`+strings.Repeat("<p>canary</p>", 99)+`</article>"`, http.NotFoundHandler())
	a := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Accept", "text/html", "Cookie", "session=alice; plan=gold")
	if a.StatusCode != http.StatusOK || strings.Contains(a.body, "alice") || strings.Contains(a.body, "gold") || !strings.Contains(a.body, "The free part for () (none) () is this.") {
		t.Errorf("%s: %s", a.Status, a.body)
	}
}

func TestAFileOfTheHostIsNeitherSoldNorFound(t *testing.T) {
	site := files(t, map[string]string{"a.html": pageOf("site")})
	t.Chdir("/")
	s := newSite(t, "welcome 0.60", "root * "+site+"\npaywall 0.20\nfile_server", http.NotFoundHandler())
	for path, status := range map[string]int{"/etc/passwd": 404, "/etc/no-such-file": 404, "/a.html": 402} {
		if a := s.get(path); a.StatusCode != status {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}

// TestAPageIncludesPartsOfWhatWasBought by templates' httpInclude, and of nothing else;
// no header makes a client's request one of those.
func TestAPageIncludesPartsOfWhatWasBought(t *testing.T) {
	site := files(t, map[string]string{
		"albums/a/index.html": `<title>Album</title><p>{{httpInclude "/albums/a/part.html"}}</p>`, "albums/a/part.html": "the canary part {{.Req.Header.Get \"Paywall-Status\"}}",
		"albums/b/index.html": `<title>Other</title>{{httpInclude "/albums/a/part.html"}}`, "front.html": `{{httpInclude "/albums/a/part.html"}}`,
	})
	s := newSite(t, "welcome 9.00", `@paid path /albums/*
	paywall @paid {
		price /albums/* 0.20 {
			per /albums/*
		}
	}
	templates
	root `+site+`
	file_server`, http.NotFoundHandler())
	offered := s.get("/albums/a/")
	if offered.StatusCode != http.StatusPaymentRequired || strings.Contains(offered.body, "canary") {
		t.Fatalf("%s: %s", offered.Status, offered.body)
	}
	_, bought := s.unlock(s.wallet(), s.offer("/albums/a/"))
	a := s.get("/albums/a/", "Authorization", "Bearer "+bought.Token)
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "<p>the canary part paid</p>") {
		t.Errorf("%s: %s", a.Status, a.body)
	}
	for _, path := range []string{"/albums/a/part.html", "/albums/b/", "/front.html", "/albums/a/"} {
		a := s.get(path, "Caddy-Templates-Include", "1", "Paywall-Status", "paid", "Paywall-Resource", "/albums/a")
		if strings.Contains(a.body, "canary") || a.StatusCode == http.StatusOK {
			t.Errorf("%s: %s: %s", path, a.Status, a.body)
		}
	}
}
