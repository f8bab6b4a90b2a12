package gate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

const testBar = `<div class="paywall-bar"><form action="/.paywall/refund">undo</form></div>`

const barPage = "<!doctype html><html><head><title>A page</title></head><body class=\"x\"><article>" + canary + "</article></body></html>"

// barSite is a site whose bought pages get a bar, with a page that a reader
// bought just now. asking are the header lines of that reader.
func barSite(t testing.TB) (s *site, asking []string) {
	s = newSite(t)
	s.gate.o.Refund = 30 * time.Minute
	s.gate.o.Bar = func(_ *http.Request, u *paywall.Unlock) ([]byte, error) {
		if u.Paid != price("0.20") {
			t.Errorf("the bar is about %+v", u)
		}
		return []byte(testBar), nil
	}
	s.upstream = func(w http.ResponseWriter, _ *http.Request) error { return deliverPage(w, barPage) }
	key := paywall.NewWalletKey()
	s.ledger.give(key, s.origin, paywall.Unlock{
		ID: "u1", Resource: pagePath, Paid: price("0.20"), At: testNow, RefundableUntil: testNow.Add(30 * time.Minute),
	})
	return s, []string{accessCookie(s.access(pagePath, nil)) + "; __Host-paywall_wallet=" + string(key), "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept-Encoding: gzip, br"}
}

// deliverPage answers with a page and all that there is to say about its bytes.
func deliverPage(w http.ResponseWriter, page string) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", fmt.Sprint(len(page)))
	for _, name := range wholePage[1:] {
		h.Set(name, "of these bytes")
	}
	_, err := io.WriteString(w, page)
	return err
}

func TestBoughtPageGetsItsBar(t *testing.T) {
	s, asking := barSite(t)
	res := s.do("GET", pagePath, asking...)
	wantPaid(t, &http.Response{StatusCode: res.StatusCode, Header: res.Header, Body: io.NopCloser(strings.NewReader(barPage))})
	want := strings.Replace(barPage, `<body class="x">`, `<body class="x">`+testBar, 1)
	if got := body(t, res); got != want {
		t.Errorf("the page is\n%s", got)
	}
	for _, name := range wholePage {
		if got := res.Header[name]; got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := s.last().Header["Accept-Encoding"]; !slices.Equal(got, []string{"identity"}) {
		t.Errorf("the site was asked for %q", got)
	}
	if vary := res.Header.Get("Vary"); vary != "Cookie, Authorization" {
		t.Errorf("Vary: %q", vary)
	}
}

// TestWithoutABarNothingChanges: neither the page, nor what the site is asked,
// nor what the ledger is.
func TestWithoutABarNothingChanges(t *testing.T) {
	cookies := func(asking []string) string { return asking[0] }
	for name, change := range map[string]func(*site, []string) []string{
		"off":                      func(s *site, a []string) []string { s.gate.o.Bar = nil; return a },
		"the time to undo is over": func(s *site, a []string) []string { s.wait(30 * time.Minute); return a },
		"an older token": func(s *site, a []string) []string {
			old := s.access(pagePath, func(a *token.Access) { a.IssuedAt = testNow.Add(-30 * time.Minute) })
			_, wallet, _ := strings.Cut(a[0], "; ")
			return append(a[1:], accessCookie(old)+"; "+wallet)
		},
		"no wallet": func(_ *site, a []string) []string { first, _, _ := strings.Cut(a[0], ";"); return append(a[1:], first) },
		"two wallets": func(_ *site, a []string) []string {
			return append(a, "Cookie: __Host-paywall_wallet="+string(paywall.NewWalletKey()))
		},
		"a script": func(_ *site, a []string) []string { return []string{cookies(a), "Sec-Fetch-Mode: cors", a[3]} },
		"an image": func(_ *site, a []string) []string { return []string{cookies(a), "Sec-Fetch-Mode: no-cors", a[3]} },
		"a frame": func(_ *site, a []string) []string {
			return []string{cookies(a), "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", a[3]}
		},
		"a range":           func(_ *site, a []string) []string { return append(a, "Range: bytes=0-9") },
		"if it was changed": func(_ *site, a []string) []string { return append(a, `If-None-Match: "x"`) },
		"if it is newer": func(_ *site, a []string) []string {
			return append(a, "If-Modified-Since: Sun, 22 Nov 2026 10:00:00 GMT")
		},
		"if it is the same": func(_ *site, a []string) []string { return append(a, `If-Match: "x"`) },
		"a part if it is":   func(_ *site, a []string) []string { return append(a, `If-Range: "x"`) },
		"if it was unchanged": func(_ *site, a []string) []string {
			return append(a, "If-Unmodified-Since: Sun, 22 Nov 2026 10:00:00 GMT")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, asking := barSite(t)
			asking = change(s, asking)
			res := s.do("GET", pagePath, asking...)
			if got := wantStatus(t, res, 200); got != barPage {
				t.Errorf("the page is\n%s", got)
			}
			if res.Header.Get("Etag") == "" || res.Header.Get("Content-Length") != fmt.Sprint(len(barPage)) {
				t.Errorf("its headers are %v", res.Header)
			}
			if got := s.last().Header.Get("Accept-Encoding"); got != "gzip, br" {
				t.Errorf("the site was asked for %q", got)
			}
			if s.ledger.asked > 0 {
				t.Errorf("the ledger was asked %d times", s.ledger.asked)
			}
		})
	}
}

// TestLedgerDecidesAboutTheBar: where it says nothing, or something else, the page
// stays as it is.
func TestLedgerDecidesAboutTheBar(t *testing.T) {
	for name, change := range map[string]func(*site){
		"away":           func(s *site) { s.down = errSite },
		"failing":        func(s *site) { s.ledger.fails = errSite },
		"no such wallet": func(s *site) { clear(s.ledger.wallets) },
		"not owned":      func(s *site) { clear(s.ledger.owned) },
		"took nothing, or cannot be undone any more": func(s *site) {
			for key, u := range s.ledger.owned {
				u.RefundableUntil = testNow
				s.ledger.owned[key] = u
			}
		},
		"no bar can be made": func(s *site) {
			s.gate.o.Bar = func(*http.Request, *paywall.Unlock) ([]byte, error) { return nil, errSite }
		},
	} {
		s, asking := barSite(t)
		change(s)
		if got := wantStatus(t, s.do("GET", pagePath, asking...), 200); got != barPage {
			t.Errorf("%s: the page is\n%s", name, got)
		}
		if got := s.last().Header.Get("Accept-Encoding"); got != "gzip, br" {
			t.Errorf("%s: the site was asked for %q", name, got)
		}
	}
}

// TestRenewedPageGetsItsBar: the token was lost, the wallet was not.
func TestRenewedPageGetsItsBar(t *testing.T) {
	s, asking := barSite(t)
	_, wallet, _ := strings.Cut(asking[0], "; ")
	res := s.do("GET", pagePath, append(asking[1:], "Cookie: "+wallet)...)
	if got := wantStatus(t, res, 200); !strings.Contains(got, testBar) || len(res.Cookies()) != 1 {
		t.Errorf("with %v the page is\n%s", res.Header, got)
	}
}

// TestOtherAnswersStayAsTheyAre, byte for byte and with all their headers.
func TestOtherAnswersStayAsTheyAre(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, barPage)
	_ = z.Close()
	for name, test := range map[string]struct {
		status int
		header []string
		body   string
	}{
		"404":                 {404, nil, barPage},
		"203":                 {203, nil, barPage},
		"206":                 {206, []string{"Content-Range: bytes 0-9/100"}, barPage},
		"500":                 {500, nil, barPage},
		"compressed":          {200, []string{"Content-Encoding: gzip"}, zipped.String()},
		"in two codings":      {200, []string{"Content-Encoding: identity, br"}, barPage},
		"plain text":          {200, []string{"Content-Type: text/plain"}, barPage},
		"json":                {200, []string{"Content-Type: application/json"}, `{"html":"<body>"}`},
		"xhtml":               {200, []string{"Content-Type: application/xhtml+xml"}, barPage},
		"an image":            {200, []string{"Content-Type: image/svg+xml"}, barPage},
		"no type":             {200, []string{"Content-Type: "}, barPage},
		"a broken type":       {200, []string{"Content-Type: text/html; charset"}, barPage},
		"utf-16":              {200, []string{"Content-Type: text/html; charset=UTF-16LE"}, barPage},
		"japanese in 7 bits":  {200, []string{"Content-Type: text/html; charset=iso-2022-jp"}, barPage},
		"a download":          {200, []string{`Content-Disposition: Attachment; filename="x.html"`}, barPage},
		"a page without body": {200, nil, "<title>x</title><article>" + canary + "</article>"},
		"a huge head":         {200, nil, "<title>x</title><style>" + strings.Repeat("x", barSearch) + "</style><body>" + canary},
		"nothing":             {200, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, asking := barSite(t)
			s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
				h := w.Header()
				h.Set("Content-Type", "text/html")
				h.Set("Etag", `"x"`)
				h.Set("Content-Length", fmt.Sprint(len(test.body)))
				for _, line := range test.header {
					field, value, _ := strings.Cut(line, ": ")
					h.Set(field, value)
				}
				w.WriteHeader(test.status)
				half := len(test.body) / 2
				_, err1 := io.WriteString(w, test.body[:half])
				_, err2 := io.WriteString(w, test.body[half:])
				return errors.Join(err1, err2)
			}
			res := s.do("GET", pagePath, asking...)
			if got := wantStatus(t, res, test.status); got != test.body {
				t.Errorf("it became\n%.300s", got)
			}
			page := test.status == 200 && len(test.header) == 0 // that lacks its body tag, which shows only later
			if !page && (res.Header.Get("Etag") == "" || res.Header.Get("Content-Length") == "") {
				t.Errorf("its headers are %v", res.Header)
			}
		})
	}
}

// TestHeadOfABarredPageSaysTheSame as GET does.
func TestHeadOfABarredPageSaysTheSame(t *testing.T) {
	s, asking := barSite(t)
	get, head := s.do("GET", pagePath, asking...), s.do("HEAD", pagePath, asking...)
	if !maps.EqualFunc(get.Header, head.Header, slices.Equal) {
		t.Errorf("HEAD says %v, GET %v", head.Header, get.Header)
	}
}

// TestBarIsPutInWhereverThePageIsCut: in parts of each length, written, copied and
// flushed.
func TestBarIsPutInWhereverThePageIsCut(t *testing.T) {
	want := strings.Replace(barPage, `<body class="x">`, `<body class="x">`+testBar, 1)
	for part := 1; part <= len(barPage); part++ {
		s, asking := barSite(t)
		s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			for from := 0; from < len(barPage); from += part {
				piece := barPage[from:min(from+part, len(barPage))]
				if n, err := io.Copy(w, strings.NewReader(piece)); err != nil || n != int64(len(piece)) {
					t.Fatalf("wrote %d of %d: %v", n, len(piece), err)
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Fatal(err)
				}
			}
			return nil
		}
		if got := wantStatus(t, s.do("GET", pagePath, asking...), 200); got != want {
			t.Fatalf("in parts of %d the page is\n%s", part, got)
		}
	}
}

// TestPageWithABarIsNotHeldBack: what the site has sent, the reader has.
func TestPageWithABarIsNotHeldBack(t *testing.T) {
	s, asking := barSite(t)
	rec := httptest.NewRecorder()
	s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		sent := ""
		for _, piece := range []string{"<!doctype html><bo", "dy class='", "x'", ">", "text <body> "} {
			if _, err := io.WriteString(w, piece); err != nil {
				t.Error(err)
			}
			sent += piece
			if got := strings.Replace(rec.Body.String(), testBar, "", 1); got != sent {
				t.Errorf("of %q the reader has %q", sent, got)
			}
		}
		return nil
	}
	if err := s.gate.ServeHTTP(rec, request(t, "GET", pagePath, asking...), s); err != nil {
		t.Fatal(err)
	}
	if got := rec.Body.String(); got != "<!doctype html><body class='x'>"+testBar+"text <body> " {
		t.Errorf("the page is %q", got)
	}
}

// TestBarLeadsToThisSite whatever the page says its addresses begin with.
func TestBarLeadsToThisSite(t *testing.T) {
	s, asking := barSite(t)
	s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
		return deliverPage(w, `<head><base href="https://cdn.example/"></head><body>`)
	}
	if got := wantStatus(t, s.do("GET", pagePath, asking...), 200); !strings.Contains(got, `action="https://site.test/.paywall/refund"`) {
		t.Errorf("the page is\n%s", got)
	}
}

// TestBarSpeaksTheChosenLanguage: its cookie does not reach the site.
func TestBarSpeaksTheChosenLanguage(t *testing.T) {
	s, asking := barSite(t)
	var spoken string
	s.gate.o.Bar = func(r *http.Request, _ *paywall.Unlock) ([]byte, error) {
		spoken = r.Header.Get("Cookie")
		return []byte(testBar), nil
	}
	asking[0] += "; __Host-paywall_lang=ar"
	wantStatus(t, s.do("GET", pagePath, asking...), 200)
	if spoken != "__Host-paywall_lang=ar" || s.last().Header["Cookie"] != nil {
		t.Errorf("the bar is asked for with %q, the page with %v", spoken, s.last().Header)
	}
}

// TestAReaderWhoLeavesEndsThePage: an error in the middle of it goes to the site.
func TestAReaderWhoLeavesEndsThePage(t *testing.T) {
	for left := range 2 {
		s, asking := barSite(t)
		var got error
		s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			_, got = io.WriteString(w, barPage)
			return nil
		}
		w := &leaver{blank: blank{make(http.Header)}, left: left}
		if err := s.gate.ServeHTTP(w, request(t, "GET", pagePath, asking...), s); err != nil || !errors.Is(got, errSite) {
			t.Errorf("after %d writes: %v, %v", left, got, err)
		}
	}
}

// leaver is a reader who leaves after some writes.
type leaver struct {
	blank
	left int
}

func (w *leaver) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errSite
	}
	return len(p), nil
}

// FuzzBar: without the bar, what goes out is what came in.
func FuzzBar(f *testing.F) {
	for _, body := range bodyPages {
		page, _ := placed(body)
		f.Add(page, 3, "text/html", "")
	}
	f.Add(barPage, 10, "text/html; charset=utf-8", "identity")
	f.Add(barPage, 10, "text/plain", "")
	s, asking := barSite(f)
	f.Fuzz(func(t *testing.T, page string, part int, contentType, coding string) {
		if part < 1 || strings.Contains(page, "paywall-bar") {
			return
		}
		s.t = t
		s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
			w.Header()["Content-Type"] = []string{contentType}
			w.Header()["Content-Encoding"] = []string{coding}
			for from := 0; from < len(page); from += part {
				if _, err := io.WriteString(w, page[from:min(from+part, len(page))]); err != nil {
					return err
				}
			}
			return nil
		}
		res := s.do("GET", pagePath, asking...)
		s.asked = nil
		got := body(t, res)
		if without := strings.Replace(got, testBar, "", 1); without != page {
			t.Errorf("%q became %q", page, got)
		}
	})
}
