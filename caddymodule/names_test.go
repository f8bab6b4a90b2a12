package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

// folderOf makes a folder with these files, each of which holds its own name.
func folderOf(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		name := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("<!doctype html><title>On "+file+"</title><p>canary of "+file), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// priceOf is what the gate asks for a path, and what the command says of it.
func (s *site) priceOf(path string) (gate, command wire.Price) {
	s.t.Helper()
	a := s.get(path, "Accept", "application/json")
	switch a.StatusCode {
	case http.StatusPaymentRequired:
		var problem struct{ Price, Resource string }
		a.json(s.t, &problem)
		gate = wire.Price{Status: "priced", Price: problem.Price, Resource: problem.Resource}
	case http.StatusOK, http.StatusNotFound, http.StatusMovedPermanently, http.StatusPermanentRedirect:
		gate.Status = "open"
	case http.StatusForbidden:
		gate.Status = "misconfigured"
	default:
		gate.Status = "refused"
	}
	_, body := admin(s.t, http.MethodGet, "/paywall/price?url="+url.QueryEscape(s.url+path), "")
	if err := json.Unmarshal([]byte(body), &command); err != nil {
		s.t.Fatalf("%s: %s", path, body)
	}
	if command.Status == "free" || command.Status == "unpriced" {
		command.Status, command.Resource = "open", ""
	}
	return gate, command
}

// wantPrice expects one answer of gate and command; "" for what costs nothing.
func (s *site) wantPrice(path, price string) {
	s.t.Helper()
	gate, command := s.priceOf(path)
	if gate.Price != price || command.Price != price || gate.Status != command.Status || gate.Resource != command.Resource ||
		(price == "") != (gate.Status == "open") {
		s.t.Errorf("%s: the gate says %s %q for %s, the command %s %q for %s (%s), want %q",
			path, gate.Status, gate.Price, gate.Resource, command.Status, command.Price, command.Resource, command.Why, price)
	}
}

// TestEveryNameOfAStaticPageHasItsPrice: whatever the site's own routes make of
// an address, the gate and the command say the same.
func TestEveryNameOfAStaticPageHasItsPrice(t *testing.T) {
	dir := folderOf(t, "index.html", "essays/mud.html", "essays/sand.html", "essays/index.html", "essays/welcome.html",
		"magazine/issue-1/index.html", "magazine/issue-2/index.html", "magazine/issue-1/pic.jpg", "posts/a/index.html", "old.html")
	s := newSite(t, "", `root * `+dir+`
	try_files {path} {path}.html
	@long path_regexp ^/posts/\w+$
	paywall {
		free /
		free /essays
		free /essays/welcome
		free /old
		price /essays/mud 0.20
		price /magazine/issue-1 5.00
		price @long 0.70
		price /magazine/* 0.30
		price 0.50
	}
	file_server {
		root `+dir+`
	}`, new(articles))
	for path, want := range map[string]string{
		"/": "", "/index.html": "", "/essays/": "", "/essays/index.html": "", "/essays.html": "",
		"/essays/mud": "0.20", "/essays/mud.html": "0.20",
		"/essays/sand": "0.50", "/essays/sand.html": "0.50",
		"/essays/welcome": "", "/essays/welcome.html": "",
		"/magazine/issue-1/": "5.00", "/magazine/issue-1/index.html": "5.00",
		"/magazine/issue-2/": "0.30", "/magazine/issue-2/index.html": "0.30",
		"/posts/a/": "0.70", "/posts/a/index.html": "0.70",
		"/old": "", "/old.html": "",
	} {
		s.wantPrice(path, want)
	}
}

// TestAPageIsBoughtOnceByAllItsNames: and what was bought by one opens by another.
func TestAPageIsBoughtOnceByAllItsNames(t *testing.T) {
	dir := folderOf(t, "articles/ferry/index.html", "articles/plain.html", "articles/other/index.html", "articles/index.html")
	s := newSite(t, "welcome 5.00", `root * `+dir+`
	try_files {path} {path}.html
	paywall /articles/* 0.20
	file_server {
		root `+dir+`
	}`, new(articles))
	for _, names := range [][]string{
		{"/articles/ferry/", "/articles/ferry/index.html"},
		{"/articles/other/index.html", "/articles/other/"},
		{"/articles/plain.html", "/articles/plain"},
	} {
		key := s.wallet()
		_, r := s.unlock(key, s.offer(names[0]))
		for _, name := range names {
			if a := s.get(name, "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary") {
				t.Errorf("bought as %s, by its token at %s: %s", names[0], name, a.Status)
			}
			if a := s.get(name, "Cookie", "paywall_wallet="+key); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary") {
				t.Errorf("bought as %s, by its wallet at %s: %s", names[0], name, a.Status)
			}
		}
		for _, other := range []string{"/articles/ferry/", "/articles/plain", "/articles/plain.html", "/articles/other/index.html"} {
			if other != names[0] && other != names[1] {
				if a := s.get(other, "Cookie", "paywall_wallet="+key); a.StatusCode != http.StatusPaymentRequired {
					t.Errorf("bought %s, at %s: %s", names[0], other, a.Status)
				}
			}
		}
	}
	s.verify()
}

// TestTheBundleOfAPageOpensWithIt: README's own line, and a picture beside the
// article, as Hugo has it.
func TestTheBundleOfAPageOpensWithIt(t *testing.T) {
	dir := folderOf(t, "articles/ferry/index.html", "articles/ferry/pic.jpg", "articles/ferry/img/map.svg", "articles/ferry/tape.mp3", "articles/other/pic.jpg")
	s := newSite(t, "welcome 5.00", `paywall /articles/* 0.20
	file_server {
		root `+dir+`
	}`, new(articles))
	key := s.wallet()
	bought := s.do(http.MethodPost, "/.paywall/unlock", "offer="+s.offer("/articles/ferry/"), "Content-Type", "application/x-www-form-urlencoded",
		"Accept", "text/html", "Sec-Fetch-Site", "same-origin", "Cookie", "paywall_wallet="+key)
	var cookie *http.Cookie
	for _, c := range bought.Cookies() {
		if c.Name == "paywall_access" {
			cookie = c
		}
	}
	if cookie == nil || strings.TrimSuffix(cookie.Path, "/") != "/articles/ferry" {
		t.Fatalf("bought: %s, cookies %v", bought.Status, bought.Cookies())
	}
	for path, want := range map[string]int{
		"/articles/ferry/": 200, "/articles/ferry/pic.jpg": 200, "/articles/ferry/img/map.svg": 200, "/articles/ferry/tape.mp3": 402, "/articles/other/pic.jpg": 402,
	} {
		for _, sent := range []string{"paywall_access=" + cookie.Value, "paywall_wallet=" + key} {
			if a := s.get(path, "Cookie", sent); a.StatusCode != want {
				t.Errorf("%s by %.14s: %s, want %d", path, sent, a.Status, want)
			}
		}
		if a := s.get(path); a.StatusCode != http.StatusPaymentRequired {
			t.Errorf("%s by nobody: %s", path, a.Status)
		}
	}
	s.verify()
}

// TestThePriceCommandFollowsTheSitesRoutes: rewrites before the gate, of any kind.
func TestThePriceCommandFollowsTheSitesRoutes(t *testing.T) {
	s := newSite(t, "", `@print path_regexp print ^/print/(.*)$
	rewrite @print /articles/{re.print.1}
	redir /moved /articles/a
	uri /old/* strip_prefix /old
	uri /blog/* replace /blog/ /magazine/
	map {path} {target} {
		/nick /articles/dear
		default ""
	}
	@nick not vars {target} ""
	rewrite @nick {target}
	paywall {
		price /articles/dear 2.00
		price /articles/* 0.20
		price /magazine/* 0.50
		free *
	}
	handle_path /shop/* {
		reverse_proxy UPSTREAM
	}
	reverse_proxy UPSTREAM`, new(articles))
	for path, want := range map[string]string{
		"/articles/a": "0.20", "/articles/dear": "2.00", "/print/a": "0.20", "/print/dear": "2.00", "/old/articles/a": "0.20", "/old/about": "",
		"/blog/x": "0.50", "/nick": "2.00", "/about": "", "/moved": "",
	} {
		if path == "/moved" {
			if a := s.get(path); a.StatusCode != http.StatusFound {
				t.Errorf("%s: %s", path, a.Status)
			}
			if _, command := s.priceOf(path); !strings.Contains(command.Why, "answers before the gate") {
				t.Errorf("%s: %+v", path, command)
			}
			continue
		}
		s.wantPrice(path, want)
	}
}

// TestAFrontControllerSellsEachArticleForItsOwnPrice: all are rewritten to one script.
func TestAFrontControllerSellsEachArticleForItsOwnPrice(t *testing.T) {
	dir := folderOf(t, "index.php", "style.css")
	s := newSite(t, "", `root * `+dir+`
	try_files {path} /index.php?{query}
	paywall {
		price /articles/dear 2.00
		price /articles/* 0.20
		free /about
		price 0.50
	}
	reverse_proxy UPSTREAM`, new(articles))
	for path, want := range map[string]string{
		"/articles/dear": "2.00", "/articles/a": "0.20", "/other": "0.50", "/about": "0.50",
	} {
		s.wantPrice(path, want)
	}
}
