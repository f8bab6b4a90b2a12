package gate

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// Area B: what headers can and cannot do.

// aliases are spellings of a header name that some site takes for it.
func aliases(name string) []string {
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."),
		strings.Replace(name, "-", "_", 1), strings.ToUpper(strings.ReplaceAll(name, "-", "_")),
	}
}

func TestB01B02ClientsCannotSpeakForTheGate(t *testing.T) {
	s := newSite(t)
	paid := accessCookie(s.access(pagePath, nil))
	for _, name := range []string{"Paywall-Status", "Paywall-Resource", "Paywall-Account", "Paywall-X.y_z", "Paywall"} {
		for _, alias := range aliases(name) {
			for _, target := range []string{pagePath, "/free/page", "/articles/welcome"} {
				s.asked = nil
				s.do("GET", target, alias+": evil", paid)
				for name, values := range s.last().Header {
					if slices.Contains(values, "evil") {
						t.Errorf("%s reached the site as %s on %s", alias, name, target)
					}
				}
			}
		}
	}
}

func TestHeadersThatOnlyLookLikeOursStay(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"Paywallet", "Paywall2", "X-Paywall-Status", "X-Forwarded-For", "X-Original", "X-Http-Methods", "Pay-Wall"} {
		s.do("GET", "/free/page", name+": kept")
		if s.last().Header[name] == nil {
			t.Errorf("%s was dropped", name)
		}
	}
}

func TestB04ConnectionCannotDropHeadersBehindTheGate(t *testing.T) {
	for _, sent := range []string{
		"Cookie, Authorization, Host, Cache-Control, Range", "keep-alive", "Keep-Alive, Paywall-Status", "close,Cookie",
		"Paywall-Status , close", "Upgrade", "X-Forwarded-For",
	} {
		s := newSite(t)
		s.do("GET", pagePath, "Connection: "+sent, accessCookie(s.access(pagePath, nil)))
		if got, there := s.last().Header["Connection"]; there {
			t.Errorf("%s: the site got %q", sent, got)
		}
		wantPaywall(t, s.do("GET", pagePath, "Connection: "+sent))
	}
}

func TestB06B07OnlyTheRequestLineDecides(t *testing.T) {
	s := newSite(t)
	paid := accessCookie(s.access(pagePath, nil))
	for _, name := range []string{
		"X-Original-Url", "X-Rewrite-Url", "X-Original-Uri", "X-Envoy-Original-Path", "X-Forwarded-Uri", "X-Forwarded-Path",
		"X-Forwarded-Prefix", "X-Request-Uri", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
		"X-Script-Name", "X-Forwarded-Script-Name", "Script-Name", "Path-Info", "X-Forwarded-Context", "X-Forwarded-Root", "X-Rewrite-Path",
		"X-Original-Method", "X-Forwarded-Method", "X-Forwarded-Servlet", "X-Context-Path", "X-Forwarded-Pathbase", "X-Replaced-Path",
		"X-Invoke-Path", "X-Matched-Path", "X-Waws-Unencoded-Url", "X-Accel-Mapping", "X-Sendfile-Type",
	} {
		for _, alias := range aliases(name) {
			wantPaywall(t, s.do("GET", pagePath, alias+": /free/page"))
			wantStatus(t, s.do("GET", "/free/page", alias+": "+pagePath), 200)
			if s.last().Header[alias] != nil {
				t.Errorf("%s reached the site", alias)
			}
			wantPaid(t, s.do("GET", pagePath, alias+": DELETE", paid))
			if s.last().Header[alias] != nil {
				t.Errorf("%s reached the site", alias)
			}
		}
	}
}

func TestB09ForwardedHostChangesNothing(t *testing.T) {
	s := newSite(t)
	for _, header := range []string{"X-Forwarded-Host: evil.test", "X-Forwarded-Proto: javascript", "Forwarded: host=evil.test", "X-Host: evil.test"} {
		res := s.do("GET", pagePath, header, "Accept: text/html")
		wantPaywall(t, res)
		raw := strings.TrimPrefix(res.Header.Get("Location"), "/.paywall/unlock?offer=")
		if offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin); err != nil || offer.URL != pagePath {
			t.Errorf("%s: %+v, %v", header, offer, err)
		}
	}
}

func TestB10NobodyIsLetInForItsName(t *testing.T) {
	s := newSite(t)
	for _, header := range []string{
		"User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "User-Agent: kube-probe/1.30", "User-Agent: GoogleHC/1.0",
		"User-Agent: ELB-HealthChecker/2.0", "Referer: https://www.google.com/", "X-Forwarded-For: 127.0.0.1", "Paywall-Status: probe",
	} {
		wantPaywall(t, s.do("GET", pagePath, header))
	}
}

func TestB11SeveralAuthorizationsOpenNothing(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	for _, header := range [][]string{
		{"Authorization: Bearer " + good, "Authorization: Bearer bad"},
		{"Authorization: Bearer bad", "Authorization: Bearer " + good},
		{"Authorization: Basic QTpC", "Authorization: Bearer " + good},
		{"Authorization: Bearer " + good, "Authorization: Bearer " + good},
	} {
		wantStatus(t, s.do("GET", pagePath, header...), 400)
		wantStatus(t, s.do("GET", "/free/page", header...), 200)
		if got := s.last().Header["Authorization"]; strings.Contains(strings.Join(got, " "), good) {
			t.Errorf("the site got our token: %q", got)
		}
	}
	for _, value := range []string{
		"Bearer " + good + "," + good, "Bearer a," + good, "Bearer " + good + " ", "Bearer  " + good, "Bearer\t" + good, "Bearer " + good + " x",
		"Bearer", "Bearer ", good, "Token " + good, "Bearer=" + good,
	} {
		s.asked = nil
		res := s.do("GET", pagePath, "Authorization: "+value)
		if value == "Bearer "+good+" " { // white space around a header's value is not part of it (RFC 9110, 5.5)
			wantPaid(t, res)
			continue
		}
		wantPaywall(t, res)
		for _, r := range s.asked {
			if got := r.Header["Authorization"]; got != nil {
				t.Errorf("%.20s: the probe carried %q", value, got)
			}
		}
	}
}

func TestB11OurTokenNeverReachesTheSite(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	for _, value := range []string{"Bearer " + good, "bearer  " + good, "Bearer\t" + good, "Bearer " + good + ",x"} {
		for _, target := range []string{"/free/page", "/articles/welcome", "/free/page;a=%2f"} {
			s.do("GET", target, "Authorization: "+value)
			if got := s.last().Header["Authorization"]; got != nil {
				t.Errorf("%.12q: the site got %q", value, got)
			}
		}
	}
}

// TestAWalletKeySentToAPageNeverReachesTheSite: it is money, and it opens
// nothing there. Another's opaque token of that shape is left alone.
func TestAWalletKeySentToAPageNeverReachesTheSite(t *testing.T) {
	targets := []string{pagePath, "/free/page", "/articles/welcome", "/free/page;a=%2f"}
	s := newSite(t)
	key, foreign := paywall.NewWalletKey(), paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
	for _, form := range []string{"Bearer ", "bearer  ", "Bearer\t"} {
		for _, target := range targets {
			if target == pagePath {
				wantPaywall(t, s.do("GET", pagePath, "Authorization: "+form+string(key)))
			}
			s.do("GET", target, "Authorization: "+form+string(key), accessCookie(s.access(pagePath, nil)))
			if got := s.last().Header["Authorization"]; got != nil {
				t.Errorf("%s: the site got %q", target, got)
			}
			value := form + string(foreign)
			s.do("GET", target, "Authorization: "+value, accessCookie(s.access(pagePath, nil)))
			if got := s.last().Header["Authorization"]; !slices.Equal(got, []string{value}) {
				t.Errorf("%s: the site got %q of its own %q", target, got, value)
			}
		}
	}
	s.ledger.asked = 0
	for _, value := range []string{"Bearer opaque", "Bearer " + strings.Repeat("A", 42), "Bearer " + strings.Repeat("!", 43), "Basic " + string(key)} {
		s.do("GET", "/free/page", "Authorization: "+value)
		if got := s.last().Header["Authorization"]; !slices.Equal(got, []string{value}) || s.ledger.asked != 0 {
			t.Errorf("%s: the site got %q, the ledger was asked %d times", value, got, s.ledger.asked)
		}
	}
	// Whose it is cannot be known while the store is away or failing.
	for _, away := range []func(){func() { s.ledger.fails = paywall.ErrUnavailable }, func() { s.down = paywall.ErrUnavailable }} {
		away()
		for _, k := range []paywall.WalletKey{key, foreign} {
			s.do("GET", "/free/page", "Authorization: Bearer "+string(k))
			if got := s.last().Header["Authorization"]; got != nil {
				t.Errorf("the site got %q", got)
			}
		}
	}
}

func TestB12TokensInTheQueryAreIgnored(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	for _, key := range []string{"access_token", "token", "paywall_access", "__Secure-paywall_access"} {
		wantPaywall(t, s.do("GET", pagePath+"?"+key+"="+good))
	}
}

// TestB15TrailersCannotSpeakForTheGate runs over a real connection: trailers
// arrive when a body has been read, also those that were not announced.
func TestB15TrailersCannotSpeakForTheGate(t *testing.T) {
	s := newSite(t)
	got := make(chan http.Header, 1)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("Paywall-Status") == "probe" {
			return article(w, r)
		}
		_, err := io.Copy(io.Discard, r.Body)
		got <- r.Trailer.Clone()
		return err
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = s.gate.ServeHTTP(w, r, siteOnly{s}) }))
	defer server.Close()
	good := s.access(pagePath, nil)
	post := func(target string) string {
		return raw(t, server, "POST "+target+" HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Paywall-Status\r\nConnection: close\r\n\r\n"+
			"3\r\nabc\r\n0\r\nX-Sum: 1\r\nPaywall-Status: paid\r\nPAYWALL_RESOURCE: x\r\nAuthorization: Bearer "+good+"\r\n\r\n")
	}
	if answer := post("/free/page"); !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Fatal(answer)
	}
	if trailer := <-got; len(trailer) != 1 || trailer.Get("X-Sum") != "1" {
		t.Errorf("the site got %v", trailer)
	}
	if answer := post(pagePath); !strings.HasPrefix(answer, "HTTP/1.1 402") {
		t.Error(answer)
	}
}

// siteOnly drops what a test does not look at.
type siteOnly struct{ s *site }

func (h siteOnly) ServeHTTP(w http.ResponseWriter, r *http.Request) error { return h.s.upstream(w, r) }

func TestB17TheSiteCannotSpeakForTheGate(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		for _, cookie := range []string{
			"__Host-paywall_wallet=evil; Path=/; Secure", "__Secure-paywall_access=evil", "paywall_access=evil", " paywall_wallet =evil",
			"__HOST-PAYWALL_WALLET=evil", "=__Host-paywall_wallet=evil", "__Host-paywall_lang=evil", "session=kept; Path=/", "paywall_access_of_ours=kept", "last=kept",
		} {
			w.Header().Add("Set-Cookie", cookie)
		}
		for _, alias := range aliases("Paywall-Status") {
			w.Header()[alias] = []string{"evil"}
		}
		return article(w, r)
	}
	for _, target := range []string{pagePath, "/articles/welcome", "/free/page"} {
		res := s.do("GET", target, accessCookie(s.access(pagePath, nil)))
		wantStatus(t, res, 200)
		if got := res.Header["Set-Cookie"]; !slices.Equal(got, []string{"session=kept; Path=/", "paywall_access_of_ours=kept", "last=kept"}) {
			t.Errorf("%s: Set-Cookie %q", target, got)
		}
		for name, values := range res.Header {
			if slices.Contains(values, "evil") {
				t.Errorf("%s: %s came through", target, name)
			}
		}
	}
}

func TestB18TheSitesOwnRefusalsPass(t *testing.T) {
	s := newSite(t)
	for _, code := range []int{401, 402, 403} {
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("WWW-Authenticate", `Basic realm="site"`)
			return status(code)(w, r)
		}
		for i, r := range []*http.Request{
			request(t, "GET", "/free/page"), request(t, "GET", pagePath, accessCookie(s.access(pagePath, nil))), request(t, "GET", pagePath),
		} {
			s.wait(pageTTL)
			res := s.send(r)
			if b := wantStatus(t, res, code); strings.HasPrefix(b, "the site's own") != (i < 2) || res.Header.Get("WWW-Authenticate") != `Basic realm="site"` {
				t.Errorf("%s: %s %v", r.RequestURI, b, res.Header)
			}
		}
	}
}

func FuzzCleanHeader(f *testing.F) {
	for _, name := range append(append([]string{"Connection", "Upgrade", "Http2-Settings", "X-Forwarded-For", ""}, forgeable...), aliases("Paywall-Status")...) {
		f.Add(name, "keep-alive, upgrade", "websocket")
	}
	f.Add("paywall\xff", "close,,", "h2c")
	f.Fuzz(func(t *testing.T, name, connection, upgrade string) {
		h := http.Header{name: {"x"}, "Connection": {connection}, "Upgrade": {upgrade}, "Accept": {"kept"}}
		cleanHeader(h)
		if h.Get("Accept") != "kept" {
			t.Fatal("an innocent header was dropped")
		}
		for name := range h {
			cgi := cgiName(name)
			if cgi == "PAYWALL" || strings.HasPrefix(cgi, "PAYWALL_") || slices.ContainsFunc(forgeable, func(l string) bool { return cgiName(l) == cgi }) {
				t.Fatalf("%q stayed, which a CGI site takes for %s", name, cgi)
			}
		}
		if _, there := h[name]; !there && name != "Connection" && name != "Upgrade" {
			cgi := cgiName(name)
			if !strings.HasPrefix(cgi, "PAYWALL") && !strings.HasPrefix(cgi, "X_") && cgi != "SCRIPT_NAME" && cgi != "PATH_INFO" && name != "Http2-Settings" {
				t.Fatalf("%q was dropped", name)
			}
		}
		websocket := strings.EqualFold(upgrade, "websocket")
		if h["Upgrade"] != nil && !websocket {
			t.Fatalf("Upgrade: %q stayed", upgrade)
		}
		if left := h["Connection"]; left != nil && (!websocket || len(left) != 1 || left[0] != "Upgrade") {
			t.Fatalf("Connection: %q became %q", connection, left)
		}
	})
}

// cgiName is what a CGI site makes of a header name (RFC 3875, 4.1.18, read widely).
func cgiName(name string) string {
	return string(bytes.Map(func(r rune) rune {
		if r < 0x80 && alphanumeric(byte(r)) {
			return r
		}
		return '_'
	}, bytes.ToUpper([]byte(name))))
}

func FuzzTakeCookies(f *testing.F) {
	f.Add("a=b; __Secure-paywall_access=x; c=d")
	f.Add("paywall_wallet=k;paywall_wallet=l")
	f.Add("\npaywall_access=x; a=b\r;paywall_wallet\t=k")
	f.Add("\u2000paywall_access=x; $Version=1; \"paywall_access\"=x; =__Host-paywall_wallet=x;;;")
	s := &Gate{}
	f.Fuzz(func(t *testing.T, line string) {
		r := (&http.Request{Header: http.Header{"Cookie": {line}}}).WithContext(context.Background())
		c := s.takeCredentials(r, testOrigin, true)
		left := &http.Request{Header: r.Header}
		for _, cookie := range left.Cookies() {
			if paywall.AccessCookie.Is(cookie.Name) || paywall.WalletCookie.Is(cookie.Name) {
				t.Fatalf("%q left %q", line, r.Header["Cookie"])
			}
		}
		before := &http.Request{Header: http.Header{"Cookie": {line}}}
		ours := 0
		for _, cookie := range before.Cookies() {
			if paywall.AccessCookie.Is(cookie.Name) || paywall.WalletCookie.Is(cookie.Name) {
				ours++
			}
		}
		if got := len(before.Cookies()) - len(left.Cookies()); got != ours {
			t.Fatalf("%q lost %d cookies, %d were ours: %q", line, got, ours, r.Header["Cookie"])
		}
		if c.count > len(c.access) {
			t.Fatal("too many candidates")
		}
	})
}

// TestN06TheSiteIsNotToldWithWhatACheckoutPageWasAskedFor, which may be a gift's key:
// w3m knows nothing of Referrer-Policy.
func TestN06TheSiteIsNotToldWithWhatACheckoutPageWasAskedFor(t *testing.T) {
	for sent, want := range map[string]string{
		"https://news.example/.paywall/gift?key=secret":    "https://news.example/.paywall/gift",
		"https://news.example/.paywall/unlock?offer=x?y#z": "https://news.example/.paywall/unlock",
		"https://news.example/articles/a?next=/.paywall/":  "https://news.example/articles/a?next=/.paywall/",
		"https://www.example/search?q=tea":                 "https://www.example/search?q=tea",
		"https://news.example/.paywall/wallet":             "https://news.example/.paywall/wallet",
		"https://news.example/%2Epaywall/gift?key=secret":  "",
		"https://news.example/.PAYWALL/gift?key=secret":    "",
		"https://a:b@news.example:81/.p%61ywall//gift?k":   "",
		"//news.example/.PAYWALL%2fgift%3Fkey=secret":      "",
		"https://news.example/.paywall/gift%3Fkey=secret":  "",
		"https://news.example/%zz/.PayWall/gift?key=s":     "",
		"https://news.example/paywall-in%20theory?page=2":  "https://news.example/paywall-in%20theory?page=2",
		"https://news.example/%D0%90%20%zz?page=2":         "https://news.example/%D0%90%20%zz?page=2",
	} {
		s := newSite(t)
		s.do("GET", "/about", "Referer: "+sent)
		if got := s.last().Header.Get("Referer"); got != want {
			t.Errorf("%s: the site is told %q", sent, got)
		}
	}
}
