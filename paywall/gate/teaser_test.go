package gate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/teaser"
)

// What people are shown of a page before they pay.

func TestD02ATeaserIsTheSitesPageWithAnOffer(t *testing.T) {
	s := newTeasingSite(t)
	for range 2 { // asked, and remembered
		b := wantTeaser(t, s.look(pagePath))
		if !strings.Contains(b, "form false") || strings.Contains(b, "<script>") {
			t.Errorf("%s", b)
		}
		_, raw, _ := strings.Cut(b, "form false, ")
		raw, _, _ = strings.Cut(raw, "</b>")
		offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
		if err != nil || offer.Resource != pagePath || offer.URL != pagePath {
			t.Errorf("the offer %s: %+v, %v", raw, offer, err)
		}
	}
	if n := len(s.asked); n != 1 {
		t.Errorf("the site was asked %d times", n)
	}
}

func TestWhoHasAWalletBuysFromTheTeaser(t *testing.T) {
	s := newTeasingSite(t)
	key, other := string(paywall.NewWalletKey()), string(paywall.NewWalletKey())
	for cookies, form := range map[string]bool{
		"session=x": false, "__Host-paywall_wallet=" + key: true,
		"__Host-paywall_wallet=" + key + "; __Host-paywall_wallet=" + other: false, // whose it is cannot be known
	} {
		if b := wantTeaser(t, s.look(pagePath, "Cookie: "+cookies, "Sec-Fetch-Site: same-origin")); !strings.Contains(b, fmt.Sprint("form ", form)) {
			t.Errorf("%s: %s", cookies, b)
		}
	}
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		_, err := io.WriteString(w, "<form>"+longRead(r.URL.Path)+"</form>")
		return err
	}
	b := wantStatus(t, s.look("/articles/p2", "Cookie: __Host-paywall_wallet="+key), 200)
	if !strings.Contains(b, "form false") {
		t.Errorf("a form in a form: %s", b)
	}
}

func TestWhoPaidGetsTheWholePage(t *testing.T) {
	s := newTeasingSite(t)
	wantTeaser(t, s.look(pagePath))
	wantPaid(t, s.look(pagePath, accessCookie(s.access(pagePath, nil))))
	wantTeaser(t, s.look(pagePath))
}

func TestOnlyNavigationsAreShownATeaser(t *testing.T) {
	s := newTeasingSite(t)
	for _, header := range [][]string{{"Accept: application/json"}, {"Sec-Fetch-Mode: cors", "Accept: text/html"}, nil} {
		if res := s.do("GET", pagePath, header...); res.StatusCode != http.StatusPaymentRequired {
			t.Errorf("%v: %d", header, res.StatusCode)
		} else {
			wantPaywall(t, res)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		wantRedirect(t, s.do(method, pagePath, "Sec-Fetch-Mode: navigate"))
	}
	wantTeaser(t, s.do("GET", pagePath, "User-Agent: Googlebot/2.1", "Accept: text/html,application/signed-exchange;v=b3,*/*"))
	get, head := s.look(pagePath), s.do("HEAD", pagePath, "Sec-Fetch-Mode: navigate")
	if b := wantStatus(t, head, 200); b != "" || fmt.Sprint(head.Header) != fmt.Sprint(get.Header) {
		t.Errorf("HEAD: %v and %q, GET: %v", head.Header, b, get.Header)
	}
}

// TestD07ATeaserKnowsNoConditions, nor ranges (D08).
func TestD07ATeaserKnowsNoConditions(t *testing.T) {
	s := newTeasingSite(t)
	for _, header := range []string{
		"If-None-Match: *", `If-None-Match: "` + canary + `"`, "If-Modified-Since: Sun, 22 Nov 2026 10:00:00 GMT", "If-Match: *", "If-Unmodified-Since: Sun, 22 Nov 2020 10:00:00 GMT",
		"Range: bytes=0-99", "If-Range: x",
	} {
		wantTeaser(t, s.look(pagePath, header))
	}
}

// TestD05WhatAClientSendsIsNotShownToOthers: a site repeats in its page what it
// was asked with.
func TestD05WhatAClientSendsIsNotShownToOthers(t *testing.T) {
	s := newTeasingSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Language", "en")
		w.Header().Set("Content-Security-Policy", "style-src 'self'")
		w.Header().Set("Content-Type", "text/html")
		var sent strings.Builder
		_ = r.Header.Write(&sent)
		_, err := io.WriteString(w, longRead(r.URL.RequestURI()+strings.ReplaceAll(sent.String(), "\r\n", " ")+r.Host))
		return err
	}
	for _, header := range []string{
		"X-Forwarded-Host: evil.test", "X-Forwarded-Scheme: evil", "X-Forwarded-For: evil", "Forwarded: host=evil", "X-Host: evil", "User-Agent: evil", "Accept-Language: evil",
		"Rsc: evil", "X-Anything: evil", "Cookie: session=evil", "Via: evil", "X-Forwarded-Proto: evil",
	} {
		s.wait(pageTTL)
		b := wantTeaser(t, s.look(pagePath, header))
		if strings.Contains(b, "evil") || !strings.Contains(b, "X-Forwarded-Proto: https") {
			t.Errorf("%s: %s", header, b)
		}
	}
	s.wait(pageTTL)
	r := request(t, "GET", pagePath, "Sec-Fetch-Mode: navigate")
	r.Host = "evil.test" // a site with one origin and a server for all hosts
	_ = body(t, s.send(r))
	if b := wantTeaser(t, s.look(pagePath)); strings.Contains(b, "evil") {
		t.Errorf("another host: %s", b)
	}
	b := wantTeaser(t, s.look(pagePath+"?q=evil"))
	if strings.Contains(b, "at "+pagePath+"?") {
		t.Errorf("a query: %s", b)
	}
}

// TestTheTeaserIsToldTheChosenLanguage: it is our cookie, which the site never
// sees, but the offer's words follow it.
func TestTheTeaserIsToldTheChosenLanguage(t *testing.T) {
	s := newTeasingSite(t)
	box := s.gate.o.Box
	var asked *http.Request
	s.gate.o.Box = func(r *http.Request, o *paywall.Offer, raw string, form bool) ([]byte, error) {
		asked = r
		return box(r, o, raw, form)
	}
	key := string(paywall.NewWalletKey())
	wantTeaser(t, s.look(pagePath, "Accept-Language: fr", "Cookie: a=b; __Host-paywall_lang=de; __Host-paywall_wallet="+key+"; paywall_lang=nl"))
	if c := fmt.Sprint(asked.Cookies()); c != "[__Host-paywall_lang=de]" || asked.Header.Get("Accept-Language") != "fr" {
		t.Errorf("the offer was made for %s, %v", c, asked.Header)
	}
	for _, r := range s.asked {
		if strings.Contains(fmt.Sprint(r.Header), "paywall_") {
			t.Errorf("the site was told %v", r.Header)
		}
	}
}

func TestLaterPagesHaveNoTeaserOfTheirOwn(t *testing.T) {
	s := newTeasingSite(t)
	s.gate.o.Canonicalizer.QueryKeys = []string{"p"}
	for target, shown := range map[string]string{
		pagePath + "?page=2":             pagePath,
		pagePath + "?utm_source=x&gclid": pagePath,
		pagePath + "/":                   pagePath + "/",
		pagePath + "?page=2&p=7":         pagePath + "?p=7",
		pagePath + "?p=7":                pagePath + "?p=7",
	} {
		b := wantTeaser(t, s.look(target))
		if !strings.Contains(b, freeText+" at "+shown+"</p>") {
			t.Errorf("%s is shown %s", target, b)
		}
		_, raw, _ := strings.Cut(b, "form false, ")
		raw, _, _ = strings.Cut(raw, "</b>")
		if offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin); err != nil || offer.URL != target {
			t.Errorf("the offer leads to %s: %v", offer.URL, err)
		}
	}
	for _, track := range []string{"/albums/x/side-b", "/albums/x/1", "/albums/x/2?utm=x"} {
		wantRedirect(t, s.look(track))
	}
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.RawQuery == "" {
			return status(404)(w, r)
		}
		return writeLongRead(w, r)
	}
	wantRedirect(t, s.look("/articles/only-parts?page=2"))
}

func TestRewrittenAddressesShowWhatTheyName(t *testing.T) {
	s := newTeasingSite(t)
	s.original = func(r *http.Request) string { return r.Header.Get("X-Original") }
	for original, want := range map[string]bool{pagePath: true, pagePath + "?page=2": false, "/free/p1": false} {
		res := s.look(pagePath+"?made=up", "X-Original: "+original)
		if want {
			wantTeaser(t, res)
		} else {
			wantRedirect(t, res)
		}
	}
}

// encoded answers in a content coding that nobody asked for.
func encoded(t *testing.T, coding string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding: %q", got)
		}
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		w.Header().Set("Content-Encoding", coding)
		var b bytes.Buffer
		var to io.WriteCloser = gzip.NewWriter(&b)
		if coding == "zstd" {
			var err error
			if to, err = zstd.NewWriter(&b); err != nil {
				return err
			}
		}
		_, _ = io.WriteString(to, "<title>Caf\xe9</title><article><p>La cloche du caf\xe9.</p><p>"+strings.Repeat(canary+" word ", 20))
		_ = to.Close()
		_, err := w.Write(b.Bytes())
		return err
	}
}

func TestD11CompressedPagesAreCutAsWell(t *testing.T) {
	for coding, want := range map[string]bool{"gzip": true, "zstd": true, "br": false, "gzip, br": false} {
		s := newTeasingSite(t)
		s.upstream = encoded(t, coding)
		res := s.look(pagePath)
		if !want {
			wantRedirect(t, res)
			continue
		}
		b := wantStatus(t, res, 200)
		wantNoCanary(t, res, b)
		if !strings.Contains(b, "<p>La cloche du café.</p>") || !strings.Contains(b, "<b>Café for 0.20") || res.Header["Content-Encoding"] != nil {
			t.Errorf("%s: %v, %s", coding, res.Header, b)
		}
	}
}

func TestWhatIsNoPageHasNoTeaser(t *testing.T) {
	for name, upstream := range map[string]func(http.ResponseWriter, *http.Request) error{
		"audio":                     withHeader("Content-Type", "audio/mpeg"),
		"XHTML":                     withHeader("Content-Type", "application/xhtml+xml"),
		"no type":                   withHeader("Content-Type", ""),
		"a download":                withHeader("Content-Disposition", `Attachment; filename="x.html"`),
		"different for each reader": withHeader("Vary", "Accept-Encoding, *"),
		"several languages":         withHeader("Vary", "accept-language"),
		"a part": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusPartialContent)
			_, err := io.WriteString(w, longRead("/"))
			return err
		},
		"too long": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			_, err := io.WriteString(w, strings.Replace(longRead("/"), "</article>", strings.Repeat("<p>word ", teaser.MaxPage/8)+"</article>", 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTeasingSite(t)
			s.upstream = upstream
			wantRedirect(t, s.look(pagePath))
		})
	}
}

func withHeader(name, value string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		w.Header()[name] = []string{value}
		_, err := io.WriteString(w, longRead("/"))
		return err
	}
}

func TestWhatTheSiteDoesNotDeliverHasNoTeaser(t *testing.T) {
	for name, tc := range failing {
		t.Run(name, func(t *testing.T) {
			s := newTeasingSite(t)
			s.upstream = func(w http.ResponseWriter, r *http.Request) error { return tc.upstream(w, r) }
			w := newRecorder()
			func() {
				defer func() { _ = recover() }()
				_ = s.gate.ServeHTTP(w, request(t, "GET", pagePath, "Sec-Fetch-Mode: navigate"), s)
			}()
			wantNoCanary(t, w.Result(), w.Body.String())
			if tc.status != 0 && w.Code != tc.status || w.Code == 200 {
				t.Errorf("status %d", w.Code)
			}
		})
	}
}

func TestAPageThatCannotBeCutIsToldOnce(t *testing.T) {
	s := newTeasingSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		_, err := io.WriteString(w, strings.ReplaceAll(longRead("/"), "article>", "main>"))
		return err
	}
	for i := range 3 * maxReported {
		s.wait(time.Minute)
		wantRedirect(t, s.look(pagePath))
		wantRedirect(t, s.look(fmt.Sprint("/articles/x", i)))
	}
	if n := strings.Count(s.logs.String(), "resource="+pagePath+" "); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := strings.Count(s.logs.String(), "\n"); n != maxReported {
		t.Errorf("%d lines in the log", n)
	}
	if !strings.Contains(s.logs.String(), "nothing on the page matches the selector") {
		t.Errorf("%.300s", s.logs.String())
	}
}

func TestAnOfferThatCannotBeWrittenIsARedirect(t *testing.T) {
	s := newTeasingSite(t)
	s.gate.o.Box = func(*http.Request, *paywall.Offer, string, bool) ([]byte, error) {
		return nil, errors.New("no template")
	}
	wantRedirect(t, s.look(pagePath))
	if !strings.Contains(s.logs.String(), "no template") {
		t.Error("nothing in the log")
	}
}

func TestACrowdAtATeaserAsksOnce(t *testing.T) {
	s := newTeasingSite(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { wantTeaser(t, s.look(pagePath)) })
	}
	wg.Wait()
	if n := len(s.asked); n != 1 {
		t.Errorf("the site was asked %d times", n)
	}
	s.wait(pageTTL)
	wantTeaser(t, s.look(pagePath))
	if n := len(s.asked); n != 2 {
		t.Errorf("after a minute: asked %d times", n)
	}
}

// TestRememberedTeasersAreBounded: by their bytes, not by their number.
func TestRememberedTeasersAreBounded(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	const size = 100 << 10
	for i := range 2000 {
		if _, err := p.load(t.Context(), testKey("", "", fmt.Sprint(i), ""), testNow, func() (*page, error) {
			return &page{until: testNow.Add(pageTTL), cut: &cutPage{Page: &teaser.Page{Before: make([]byte, size)}}}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	p.cache.CleanUp()
	if n := p.cache.EstimatedSize(); n < 100 || n*size > maxPages*pageWeight {
		t.Errorf("%d pages of %d KiB are remembered", n, size>>10)
	}
}

func BenchmarkTeaser(b *testing.B) {
	s := newTeasingSite(b)
	r := request(b, "GET", pagePath, "Accept: text/html", "Sec-Fetch-Mode: navigate")
	w := &blank{make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		if err := s.gate.ServeHTTP(w, r, s); err != nil {
			b.Fatal(err)
		}
	}
}
