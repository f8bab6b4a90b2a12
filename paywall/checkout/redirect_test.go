package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/tuppence/tuppence/paywall"
)

// hostileReturns: what oauth2-proxy's corpus teaches, by kind. None may become
// a Location, not even when it is signed.
var hostileReturns = []string{
	"", "evil.test", "https://evil.test", "https:evil.test", "https:/evil.test", "javascript:alert(1)", "data:text/html,x",
	"//evil.test", "///evil.test", "////evil.test", `/\evil.test`, `/\/evil.test`, `\\evil.test`, `\/evil.test`,
	`/./\evil.test`, `/a/../\evil.test`, "/\t/evil.test", "/\t\\evil.test", "\t//evil.test", "/\n/evil.test", "/\r\n/evil.test",
	"/articles\r\nSet-Cookie: a=b", "/articles\x00", "/articles a", " /articles", "/\x7f/evil.test", "/%zz",
	"http://news.example/articles", "https://news.example@evil.test/", "?next=//evil.test", "#//evil.test",
	"/.paywall/wallet", "/.paywall", "/.PAYWALL/unlock", "/%2epaywall/wallet/erase", "/.paywall/topup?x",
	"https://news。example", "//news.example%2f@evil.test",
}

func TestH02H03H04ReaderNeverLeavesForAnotherSite(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(50_000_000)
	signed := 0
	for _, target := range hostileReturns {
		t.Run(target, func(t *testing.T) {
			if back, ok := returnPath(target); ok {
				t.Errorf("accepted as %q", back)
			}
			o := s.quote()
			o.URL, o.Resource = target, "/articles/"+paywall.NewID()
			if raw, err := s.ring.SignOffer(o); err == nil { // most are refused there already
				signed++
				w := s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key))
				wantStatus(t, w, http.StatusBadRequest)
				if w.Header().Get("Location") != "" {
					t.Errorf("Location %q", w.Header().Get("Location"))
				}
			}
			// Whatever comes in beside the offer is not a target at all.
			for _, name := range []string{"return", "url", "next", "redirect", "rd"} {
				w := s.post("/.paywall/unlock?"+name+"="+url.QueryEscape(target), []string{"offer", s.offer(), name, target},
					cookie(key), header("Referer", "javascript:alert(1)//"), header("X-Forwarded-Host", "evil.test"), header("Host", "evil.test"))
				if got := w.Header().Get("Location"); got != "/articles/tea?ref=front" {
					t.Errorf("%s: Location %q", name, got)
				}
			}
		})
	}
	if s.balance(key) != "49.80" || signed == 0 {
		t.Errorf("balance %s, %d signed", s.balance(key), signed)
	}
}

// openRedirects makes payloads in the manner of oauth2-proxy's list: a way out of
// the path, a host, and a way to make the rest of the URL mean nothing.
func openRedirects() []string {
	starts := []string{
		"", "/", "//", "///", "////", "/\\", "/\\/", "\\", "\\\\", "\\/", "/./", "/.//", "/..//", "/../\\", "/%2e%2e//", "/;/", "/;@", "/@", "//@", "//;@",
		"/\t/", "/\n/", "/\r/", "/\x00/", "/\x0b/", "\t/", " /", "/ /", "/%09/", "/%0a/", "/%0d/", "/%00/", "/%20/", "/%2f", "/%2f/", "//%2f", "/%5c", "/%5c/", "/%252f/",
		"\u2028//", "/\u00a0/", "/\u3000/", "/\uff0f", "/\uff3c", "/\u3033/", "http:", "http:/", "http://", "https:", "https:/", "https:\\", "https:///", "HtTpS://", "ht\ttps://",
		"javascript:alert(1)//", "java\nscript:alert(1)//", "data:text/html,//", "ftp://", "//http://", "/https://", "/?//", "/#//", "?//", "#//", ".", "..", "./", "../",
	}
	hosts := []string{
		"evil.test", "EVIL.test", "evil\u3002test", "evil%E3%80%82test", "evil.test:443", "news.example@evil.test", "news.example%40evil.test", "news.example:443@evil.test",
		"news.example.evil.test", "news.example%00.evil.test", "evil.test%00.news.example", "evil.test%23.news.example", "news.example;@evil.test", "3232235777", "[::ffff:7f00:1]",
	}
	ends := []string{"", "/", "/..", "/%2e%2e", "/%2f..", "//", "/\\..", "%2f%2e%2e", "?x", "#x", "%0d%0aSet-Cookie:a=b", "\r\nSet-Cookie: a=b"}
	var all []string
	for _, start := range starts {
		for _, host := range hosts {
			for _, end := range ends {
				all = append(all, start+host+end)
			}
		}
	}
	return all
}

// TestH01NoPayloadLeavesTheSite asks a browser's own URL parser (the WHATWG's)
// where a Location would lead. Signed or not, in every answer that names one.
func TestH01NoPayloadLeavesTheSite(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	leaves := func(location string) bool {
		u, err := whatwg.ParseRef(testOrigin+"/.paywall/unlock", location)
		return err == nil && (u.Protocol() != "https:" || u.Host() != "news.example")
	}
	accepted, signed := 0, 0
	for i, target := range openRedirects() {
		if back, ok := returnPath(target); ok {
			accepted++
			if leaves(back) || strings.ContainsAny(back, "\r\n\\") {
				t.Errorf("%q became %q", target, back)
			}
		}
		o := s.quote()
		o.URL, o.Resource = target, fmt.Sprint("/articles/", i)
		raw, err := s.ring.SignOffer(o)
		if err != nil || i%7 != 0 { // all of them in each answer would take long
			continue
		}
		signed++
		for _, w := range []*httptest.ResponseRecorder{
			s.post("/.paywall/unlock", []string{"offer", raw}), s.post("/.paywall/topup/voucher", []string{"offer", raw, "code", "x"}, cookie(key)), s.get("/.paywall/unlock?offer=" + raw),
		} {
			if location := w.Header()["Location"]; len(location) > 1 || len(location) == 1 && leaves(location[0]) || w.Header().Get("Set-Cookie") == "a=b" {
				t.Errorf("%q: %d to %q", target, w.Code, location)
			}
		}
		s.advance(10 * time.Second) // keep clear of the limits
	}
	if all := len(openRedirects()); accepted < 100 || signed < 100 || accepted == all {
		t.Errorf("of %d payloads %d may be led to and %d were signed", all, accepted, signed)
	}
}

// TestH05TopUpsLandOnThisSite: where a payment comes back to is this origin's
// own path, whatever the request says of hosts.
func TestH05TopUpsLandOnThisSite(t *testing.T) {
	for _, name := range []string{"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Url", "Referer"} {
		s := newSite(t, noWelcome)
		key, _ := s.opened(0)
		evil := func(r *http.Request) {
			r.Header.Set(name, "https://evil.test")
			r.Host = "evil.test"
		}
		with := s.post("/.paywall/topup/voucher", []string{"offer", s.offer(), "code", s.voucher(1_000_000)}, cookie(key), evil)
		without := s.post("/.paywall/topup/voucher", []string{"code", s.voucher(1_000_000)}, cookie(key), evil)
		if a, b := with.Header().Get("Location"), without.Header().Get("Location"); a != "/articles/tea?ref=front" || !strings.HasPrefix(b, "/.paywall/wallet") {
			t.Errorf("%s: %q and %q", name, a, b)
		}
		if page := s.get("/.paywall/topup?offer="+s.offer(), evil).Body.String(); strings.Contains(page, "evil.test") {
			t.Errorf("%s is in the page", name)
		}
	}
}

// TestH07AnOfferOfAnotherSiteLeadsNowhere: what a reader comes back to stands in
// the offer and nowhere on the server, so that there is no id to be guessed; an
// offer that was made for another site, by the same keys, is none.
func TestH07AnOfferOfAnotherSiteLeadsNowhere(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	for name, change := range map[string]func(*paywall.Offer){
		"another site":     func(o *paywall.Offer) { o.Site = "https://other.example" },
		"another checkout": func(o *paywall.Offer) { o.Checkout = "https://other.example" },
		"its expired one": func(o *paywall.Offer) {
			o.Site, o.IssuedAt, o.ExpiresAt = "https://other.example", s.now().Add(-2*paywall.OfferTTL), s.now().Add(-paywall.OfferTTL)
		},
	} {
		raw := s.offer(change, func(o *paywall.Offer) { o.URL = "/from-elsewhere" })
		for _, w := range []*httptest.ResponseRecorder{
			s.get("/.paywall/unlock?offer="+raw, cookie(key)), s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)),
		} {
			wantStatus(t, w, http.StatusBadRequest)
			if w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "from-elsewhere") {
				t.Errorf("%s: %v %s", name, w.Header(), w.Body)
			}
		}
	}
	if s.balance(key) != "5.00" {
		t.Errorf("balance %s", s.balance(key))
	}
}

func TestHonestReturnTargetsComeBackAsTheyWere(t *testing.T) {
	for target, want := range map[string]string{
		"/":                       "/",
		"/articles/tea":           "/articles/tea",
		"/articles/tea/?a=b&c=//": "/articles/tea/?a=b&c=//",
		"/%5cevil":                "/%5cevil",
		"/a:b@c":                  "/a:b@c",
		"/artikel/käse?q=ü":       "/artikel/k%C3%A4se?q=%C3%BC",
		"/.paywallet/x":           "/.paywallet/x",
		"/a?next=https://evil":    "/a?next=https://evil",
	} {
		if got, ok := returnPath(target); !ok || got != want {
			t.Errorf("%q became %q, %v", target, got, ok)
		}
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, target := range append(hostileReturns, "/articles/tea?x=1", "/a//b", "/é", "/?#%") {
		f.Add(target)
	}
	base, _ := url.Parse(testOrigin + "/.paywall/unlock")
	f.Fuzz(func(t *testing.T, target string) {
		back, ok := returnPath(target)
		if !ok {
			return
		}
		if strings.ContainsAny(back, "\r\n\t\\ \x00") || back[0] != '/' || strings.HasPrefix(back, "//") {
			t.Fatalf("%q became %q", target, back)
		}
		u, err := base.Parse(back)
		if err != nil || u.Scheme != "https" || u.Host != "news.example" {
			t.Fatalf("%q leads to %v, %v", target, u, err)
		}
	})
}
