package gate

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/token"
)

var browsers = map[string]string{
	"navigation":  "Sec-Fetch-Mode: navigate",
	"old browser": "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
}

// refusals are requests that the gate answers itself, with what a person reads.
func refusals(s *site) map[string]struct {
	method, target, header string
	status                 int
	says, href             string
} {
	expired := s.access(pagePath, func(a *token.Access) {
		for _, moment := range []*time.Time{&a.IssuedAt, &a.NotBefore, &a.ExpiresAt} {
			*moment = moment.Add(-2 * time.Hour)
		}
	})
	return map[string]struct {
		method, target, header string
		status                 int
		says, href             string
	}{
		"ambiguous":      {"GET", "/articles%2fp1", "", 400, "can be read in more than one way", "/"},
		"not canonical":  {"POST", "//articles/p1", "", 400, "not spelled canonically", "/"},
		"bad escape":     {"GET", "/articles/%zz", "", 400, "bad escape", "/"},
		"bad token":      {"GET", pagePath, "Authorization: Bearer " + expired, 401, "not valid", ""},
		"other resource": {"GET", pagePath, "Authorization: Bearer " + s.access("/articles/p2", nil), 403, "for another resource", ""},
		"misconfigured":  {"GET", "/unpriced/x", "", 403, "The publisher has to correct this", "/"},
		"reserved":       {"GET", "/.PAYWALL/wallet", "", 404, "nothing here", "/"},
		"method":         {"TRACE", pagePath, "", 405, "method is not allowed", "/"},
	}
}

// TestPeopleAreToldWhatToDoNext: what programs get as problem+json is a page
// for a browser, with the same status.
func TestPeopleAreToldWhatToDoNext(t *testing.T) {
	s := newSite(t)
	for name, tc := range refusals(s) {
		for browser, header := range browsers {
			t.Run(name+", "+browser, func(t *testing.T) {
				headers := []string{header}
				if tc.header != "" {
					headers = append(headers, tc.header)
				}
				res := s.do(tc.method, tc.target, headers...)
				b := wantStatus(t, res, tc.status)
				if !strings.Contains(b, tc.says) || !strings.Contains(b, `<a href="`+tc.href+`">`) || !strings.HasPrefix(b, "<!doctype html>") {
					t.Errorf("%s", b)
				}
				for name, want := range map[string]string{
					"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Vary": "Cookie, Authorization",
					"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				} {
					if got := res.Header.Get(name); got != want {
						t.Errorf("%s: %s", name, got)
					}
				}
				_, style, _ := strings.Cut(b, "<style>")
				style, _, _ = strings.Cut(style, "</style>")
				digest := sha256.Sum256([]byte(style))
				if got, want := res.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+
					"'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"; got != want {
					t.Errorf("Content-Security-Policy: %s, want %s", got, want)
				}
				if (res.Header.Get("WWW-Authenticate") != "") != (tc.header != "") {
					t.Errorf("WWW-Authenticate: %s", res.Header.Get("WWW-Authenticate"))
				}
			})
		}
	}
	if len(s.asked) != 0 {
		t.Errorf("the site was asked %d times", len(s.asked))
	}
}

func TestProgramsAreToldInJSON(t *testing.T) {
	s := newSite(t)
	for name, tc := range refusals(s) {
		for _, header := range []string{"Accept: */*", "Accept: application/json", "Sec-Fetch-Mode: cors"} {
			headers := []string{header}
			if tc.header != "" {
				headers = append(headers, tc.header)
			}
			res := s.do(tc.method, tc.target, headers...)
			if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("%s, %s: %s", name, header, got)
			}
			if members := decodeProblem(t, wantStatus(t, res, tc.status)); members["status"] != float64(tc.status) {
				t.Errorf("%s: %v", name, members)
			}
		}
	}
}

// TestS03NothingOfARequestStandsOnARefusal: what a visitor wrote cannot be
// shown wrongly where it is not shown.
func TestS03NothingOfARequestStandsOnARefusal(t *testing.T) {
	s := newSite(t)
	const marker = "xyzzy"
	for _, target := range []string{"/articles%2f" + marker, "/articles%2f<script>" + marker, "/unpriced/{env.HOME}" + marker, "/articles%2fp1?q={{" + marker + "}}", "/.PAYWALL/" + marker} {
		r := request(t, "GET", target, "Sec-Fetch-Mode: navigate", "Referer: https://evil.test/"+marker, "User-Agent: "+marker, "Accept-Language: "+marker)
		r.Host = marker + ".test"
		res := s.send(r)
		if b := body(t, res); strings.Contains(b, marker) || strings.Contains(b, "script") || res.StatusCode < 400 {
			t.Errorf("%s: %d %s", target, res.StatusCode, b)
		}
	}
}

// TestAPageInTheWrongPlaceIsRefusedWithAPage: also when the site had begun its answer.
func TestAPageInTheWrongPlaceIsRefusedWithAPage(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		return article(w, rewriters["in place"](r, pagePath))
	}
	res := s.do("GET", "/free/x", "Sec-Fetch-Mode: navigate")
	b := wantStatus(t, res, 403)
	wantNoCanary(t, res, b)
	if !strings.Contains(b, "The publisher has to correct this") {
		t.Error(b)
	}
}

// TestARefusedSpellingIsToldToTheOperator, with the reason, and without the query nor
// the key of a gift.
func TestARefusedSpellingIsToldToTheOperator(t *testing.T) {
	s := newSite(t)
	s.gate.o.Logger = slog.New(slog.NewTextHandler(&s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, tc := range []struct{ method, target, told string }{
		{"GET", "/articles%2fp1?k=SECRET", `resource=/articles/p1 reason="this spelling`},
		{"POST", "/articles/%701?k=SECRET", `resource=/articles/p1 reason="the address is not spelled canonically"`},
		{"POST", "/.paywall/gift%3fkey=SECRET", ""},
		{"POST", "/.paywall/gift/%53ECRET", ""},
		{"GET", "/free%2fp1?k=SECRET", ""},
		{"GET", "/articles/p1?k=SECRET", ""},
	} {
		s.logs.Reset()
		s.do(tc.method, tc.target)
		if log := s.logs.String(); strings.Contains(log, "SECRET") || strings.Count(log, "for how it is spelled") != min(len(tc.told), 1) || !strings.Contains(log, tc.told) {
			t.Errorf("%s %s: %s", tc.method, tc.target, log)
		}
	}
	s.logs.Reset()
	s.original = func(*http.Request) string { return "/free/p1" }
	if wantStatus(t, s.do("GET", "/articles%2fp1?k=SECRET"), 400); !strings.Contains(s.logs.String(), "resource=/articles/p1") || strings.Contains(s.logs.String(), "SECRET") {
		t.Errorf("rewritten: %s", s.logs.String())
	}
}
