package checkout

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

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

func TestReaderNeverLeavesForAnotherSite(t *testing.T) {
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
	for _, target := range append(hostileReturns, "/articles/tea?x=1", "/a//b", "/é") {
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
