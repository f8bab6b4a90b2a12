package gate

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// Area E, as far as a token meets the rest of the gate; the token alone is the
// business of package token.

func TestE13OnlyTheResourceOfATokenOpens(t *testing.T) {
	s := newSite(t)
	for resource, opens := range map[string]bool{
		pagePath: true, "/articles/*": true, pagePath + "/*": true, "/*": true,
		"/": false, "/articles": false, "/articles/P1": false, "/ARTICLES/p1": false, "/articles/p1/": false, "/articles/p": false, "/articles/p*": false,
		"/art/*": false, "/articles/p/*": false, "/albums/*": false, "/articles/%701": false, "/articles/p1?x=1": false,
	} {
		for _, header := range []string{accessCookie(s.access(resource, nil)), "Authorization: Bearer " + s.access(resource, nil)} {
			res := s.do("GET", pagePath, header)
			if opens {
				wantPaid(t, res)
			} else if b := body(t, res); res.StatusCode != 402 && res.StatusCode != 403 || strings.Contains(b, "CANARY") {
				t.Errorf("a token for %s: %d: %s", resource, res.StatusCode, b)
			}
		}
	}
}

// TestE19AFloodOfJunkIsCheap: junk costs the gate hardly more than a request
// without it, in allocations and in bytes, however long it is.
func TestE19AFloodOfJunkIsCheap(t *testing.T) {
	s := newSite(t)
	plainAllocs, plainBytes := s.cost("Accept: */*")
	const perRequest = 16 << 10 // the junk itself is longer than that
	for name, junk := range map[string]string{
		"15,000 dots":           strings.Repeat(".", 15_000),
		"15,000 lists":          strings.Repeat("[", 15_000),
		"14 KB of base64":       strings.Repeat("kq3Z", 3_500),
		"a long token of ours":  s.access(pagePath, nil) + strings.Repeat("A", 14_000),
		"a foreign JWT":         "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." + strings.Repeat("x", 14_000) + ".x",
		"a list of ours":        strings.TrimSuffix(strings.Repeat(s.access(pagePath, nil)+",", 30), ","),
		"three segments, empty": "..",
	} {
		for _, header := range []string{"Authorization: Bearer " + junk, accessCookie(junk), "Cookie: " + strings.Repeat("paywall_access="+junk[:min(20, len(junk))]+"; ", 500)} {
			allocs, bytes := s.cost(header)
			if allocs > plainAllocs+60 || bytes > plainBytes+perRequest {
				t.Errorf("%s, %.24s: %d allocations of %d bytes, %d of %d without", name, header, allocs, bytes, plainAllocs, plainBytes)
			}
		}
	}
}

// cost is the allocations and the bytes of one request that is answered with an
// offer, its sender's left aside.
func (s *site) cost(header string) (allocs, bytes uint64) {
	const n = 200
	r := request(s.t, "GET", pagePath)
	name, value, _ := strings.Cut(header, ": ")
	values := []string{value}
	w := &blank{header: map[string][]string{}}
	send := func() {
		clear(w.header)
		values[0] = value
		r.Header[name] = values
		if err := s.gate.ServeHTTP(w, r, s); err != nil {
			s.t.Fatal(err)
		}
	}
	send() // the probe
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		send()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / n, (after.TotalAlloc - before.TotalAlloc) / n
}

// TestE24ATokenNamesNobody: whoever holds it reads, and the wallet beside it is
// neither asked nor touched. To take it away from him is what a refund is for.
func TestE24ATokenNamesNobody(t *testing.T) {
	s := newSite(t)
	mine, other := paywall.NewWalletKey(), paywall.NewWalletKey()
	s.ledger.give(mine, testOrigin, paywall.Unlock{ID: "mine", Resource: pagePath})
	s.ledger.give(other, testOrigin, paywall.Unlock{ID: "theirs", Resource: "/articles/p2"})
	mineToken := s.access(pagePath, func(a *token.Access) { a.ID = "mine" })
	borrowed := accessCookie(mineToken) + "; __Host-paywall_wallet=" + string(other)
	res := s.do("GET", pagePath, borrowed)
	wantPaid(t, res)
	if s.ledger.asked != 0 || res.Header["Set-Cookie"] != nil {
		t.Errorf("the ledger was asked %d times, %v", s.ledger.asked, res.Header)
	}
	s.ledger.revoke("mine")
	wantPaywall(t, s.do("GET", pagePath, borrowed))
}

// TestE28ClocksThatDisagreeAreNamedOnceAMinute: tokens from the future open
// nothing, and the operator learns why, without a line for each request.
func TestE28ClocksThatDisagreeAreNamedOnceAMinute(t *testing.T) {
	s := newSite(t)
	early := s.access(pagePath, nil)
	s.wait(-10 * time.Minute)
	for range 20 {
		wantPaywall(t, s.do("GET", pagePath, accessCookie(early)))
		wantStatus(t, s.do("GET", pagePath, "Authorization: Bearer "+early), 401)
		wantPaywall(t, s.do("GET", pagePath, accessCookie(early[:len(early)-4]+"AAAA")))
	}
	if n := strings.Count(s.logs.String(), "clocks"); n != 1 || strings.Contains(s.logs.String(), early) {
		t.Errorf("%d lines:\n%s", n, &s.logs)
	}
	s.wait(time.Minute)
	wantPaywall(t, s.do("GET", pagePath, accessCookie(early)))
	if n := strings.Count(s.logs.String(), "clocks"); n != 2 {
		t.Errorf("a minute later, %d lines", n)
	}
	s.wait(8*time.Minute + 30*time.Second) // within the leeway
	wantPaid(t, s.do("GET", pagePath, accessCookie(early)))
	s.wait(time.Hour + 10*time.Minute)
	wantPaywall(t, s.do("GET", pagePath, accessCookie(early)))
	s.wait(-24 * time.Hour) // a step back of a day
	wantPaywall(t, s.do("GET", pagePath, accessCookie(early)))
	wantStatus(t, s.do("GET", "/free/page", accessCookie(early)), 200)
}
