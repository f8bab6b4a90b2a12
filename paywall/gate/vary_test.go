package gate

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// inLanguages titles its page in the reader's language, and says so.
func inLanguages(vary string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Vary", vary)
		_, err := io.WriteString(w, "<title>Title in "+r.Header.Get("Accept-Language")+" "+r.Header.Get("Cookie")+"</title>"+strings.Repeat("word ", 500))
		return err
	}
}

// TestATitleIsForThoseWhomTheSiteMadeItFor: what varies is kept apart, and asked for once each.
func TestATitleIsForThoseWhomTheSiteMadeItFor(t *testing.T) {
	for vary, probes := range map[string]int{"Accept-Language": 2, "Cookie, accept-language": 2, "Accept-Encoding, Cookie": 1, "": 1, "*": 1} {
		s := newSite(t)
		s.upstream = inLanguages(vary)
		for range 3 {
			for _, language := range []string{"de", "fr"} {
				offer, err := s.gate.o.Verifier.Offer(s.offered(pagePath, "Accept-Language: "+language), testOrigin, testOrigin)
				if err != nil {
					t.Fatal(err)
				}
				want := map[bool]string{true: "Title in " + language, false: "Title in de"}[probes == 2]
				if vary == "*" {
					want = "" // nobody knows for whom it is
				}
				if offer.Title != want {
					t.Errorf("%q: who reads %s is shown %q", vary, language, offer.Title)
				}
			}
		}
		if n := len(s.probes()); n != probes {
			t.Errorf("%q: %d probes, want %d", vary, n, probes)
		}
	}
}

// TestClearSiteDataOfTheSiteLeavesTheWallet, on every answer that passes the gate.
func TestClearSiteDataOfTheSiteLeavesTheWallet(t *testing.T) {
	for sent, kept := range map[string]string{
		`"cookies"`: "", `"cache", "cookies"`: `"cache"`, `"*"`: allButCookies, `"storage"`: `"storage"`, `"cookies","storage"`: `"storage"`,
	} {
		s := newSite(t)
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Clear-Site-Data", sent)
			return article(w, r)
		}
		for _, target := range []string{"/logout", "/articles/welcome", pagePath} {
			for range 2 {
				res := s.do("GET", target, accessCookie(s.access(pagePath, nil)))
				if got := res.Header.Get("Clear-Site-Data"); got != kept {
					t.Errorf("%s: %s became %s", target, sent, got)
				}
			}
		}
		if n := strings.Count(s.logs.String(), "Clear-Site-Data"); n > 1 || (n == 1) != (sent != `"storage"`) {
			t.Errorf("%s: told %d times", sent, n)
		}
	}
}

// TestOneReaderDoesNotHoldUpTheOthers: whatever somebody asks for in numbers, the page
// that readers come for is asked for beside it.
func TestOneReaderDoesNotHoldUpTheOthers(t *testing.T) {
	for name, header := range map[string]func(i int) (target, header string){
		"forwarded hosts": func(i int) (string, string) { return "/albums/x", fmt.Sprint("X-Forwarded-Host: h", i) },
		"forwarded ports": func(i int) (string, string) { return "/albums/x", fmt.Sprint("X-Forwarded-Port: ", i) },
		"parts":           func(i int) (string, string) { return fmt.Sprint("/albums/x/", i), "Accept: */*" },
		"queries":         func(i int) (string, string) { return fmt.Sprint("/albums/x?", i), "Accept: */*" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, up := newSite(t), newSlow()
				for i := range 1000 {
					target, line := header(i)
					go func() { _ = s.gate.ServeHTTP(newRecorder(), request(t, "GET", target, line), up) }()
				}
				synctest.Wait()
				before := up.waiting.Load()
				done := make(chan int, 1)
				go func() {
					w := newRecorder()
					_ = s.gate.ServeHTTP(w, request(t, "GET", "/albums/x"), up)
					done <- w.Code
				}()
				synctest.Wait()
				if n := up.waiting.Load(); n != before+1 && name != "queries" { // those share the reader's own
					t.Errorf("%d probes, %d with the reader's", before, n)
				}
				close(up.release)
				if code := <-done; code != http.StatusPaymentRequired {
					t.Errorf("the reader gets %d", code)
				}
				synctest.Wait()
			})
		})
	}
}

// TestWhatWasKnownIsOfferedWhenTheSiteIsAskedTooMuch.
func TestWhatWasKnownIsOfferedWhenTheSiteIsAskedTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, up := newSite(t), newSlow()
		wantPaywall(t, s.do("GET", "/albums/x/known"))
		s.wait(pageTTL)
		for i := range 1000 {
			go func() { _ = s.gate.ServeHTTP(newRecorder(), request(t, "GET", fmt.Sprint("/albums/x/", i)), up) }()
		}
		synctest.Wait()
		w := newRecorder()
		_ = s.gate.ServeHTTP(w, request(t, "GET", "/albums/x/known"), up)
		if w.Code != http.StatusPaymentRequired {
			t.Errorf("status %d", w.Code)
		}
		close(up.release)
		synctest.Wait()
	})
}
