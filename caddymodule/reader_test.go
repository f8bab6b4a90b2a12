package caddymodule

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// reader is a browser without its window: cookies, and redirects that are followed.
type reader struct {
	*site
	cookies   http.CookieJar // nil: off
	redirects int            // since the last click
	sent      int            // bytes of the largest Cookie header so far
}

func (s *site) reader() *reader {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &reader{site: s, cookies: jar}
}

// open goes to a page as a click on a link does.
func (b *reader) open(path string) *answer { return b.request(http.MethodGet, path, "") }

// press sends a form, given as name, value, name, value …
func (b *reader) press(path string, fields ...string) *answer {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.request(http.MethodPost, path, form.Encode())
}

func (b *reader) request(method, path, body string) *answer {
	b.t.Helper()
	for b.redirects = 0; ; b.redirects++ {
		if b.redirects > 20 {
			b.t.Fatalf("more than twenty redirects, the last to %s", path)
		}
		headers := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Origin", b.url}
		if method == http.MethodPost {
			headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
		}
		if line := b.cookieLine(path); line != "" {
			b.sent = max(b.sent, len(line))
			headers = append(headers, "Cookie", line)
		}
		a := b.do(method, path, body, headers...)
		if b.cookies != nil {
			b.cookies.SetCookies(b.at(path), a.Cookies())
		}
		if a.StatusCode != http.StatusSeeOther && a.StatusCode != http.StatusPermanentRedirect {
			return a
		}
		method, body, path = http.MethodGet, "", a.Header.Get("Location")
	}
}

// cookieLine is the Cookie header that the reader sends to a page.
func (b *reader) cookieLine(path string) string {
	b.t.Helper()
	if b.cookies == nil {
		return ""
	}
	var pairs []string
	for _, c := range b.cookies.Cookies(b.at(path)) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

func (b *reader) at(path string) *url.URL {
	b.t.Helper()
	at, err := url.Parse(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

// buy reads an article that the reader does not own, by way of its button.
func (b *reader) buy(path string) {
	b.t.Helper()
	page := b.open(path)
	if !strings.Contains(page.body, "and read</button>") {
		b.t.Fatalf("%s is not sold: %s\n%s", path, page.Status, page.body)
	}
	form := []string{"offer", between(page.body, `name="offer" value="`, `"`)}
	if key := between(page.body, `name="new_wallet" value="`, `"`); key != "" {
		form = append(form, "new_wallet", key)
	}
	b.wantArticle(b.press("/.paywall/unlock", form...), path)
}

// reads opens an article that the reader owns: no way over the checkout.
func (b *reader) reads(path string) {
	b.t.Helper()
	b.wantArticle(b.open(path), path)
	if b.redirects > 0 {
		b.t.Errorf("%s was read after %d redirects", path, b.redirects)
	}
}

func (b *reader) wantArticle(a *answer, path string) {
	b.t.Helper()
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary of ") {
		b.t.Fatalf("%s: %s\n%s", path, a.Status, a.body)
	}
}

func (b *reader) recoveryCode() string {
	b.t.Helper()
	code := between(b.open("/.paywall/wallet").body, `<code dir="ltr">`, "<")
	if code == "" {
		b.t.Fatal("no recovery code on the wallet page")
	}
	return code
}

// between is the text after one mark up to the next, "" if there is none.
func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}
