package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Cookie trouble, with everything in place: Caddy, the gate, the checkout and
// the ledger.

// TestF08TheRecoveryCodeBringsAllPurchasesBack: all cookies are gone, the code
// was written down, and nothing is paid for again.
func TestF08TheRecoveryCodeBringsAllPurchasesBack(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	bought := []string{"/articles/a", "/articles/b", "/articles/c"}
	first := s.reader()
	for _, path := range bought {
		first.buy(path)
	}
	code := first.recoveryCode()
	transfers := s.verify().Transfers

	second := s.reader()
	if page := second.open(bought[0]); strings.Contains(page.body, "canary") {
		t.Fatal("a browser without cookies reads")
	}
	if page := second.press("/.paywall/wallet/recover", "code", strings.ToLower(code)); !strings.Contains(page.body, "Welcome back") {
		t.Fatalf("%s\n%s", page.Status, page.body)
	}
	for _, path := range bought {
		second.reads(path)
	}
	first.reads(bought[0])
	if page := second.open("/.paywall/wallet"); !strings.Contains(page.body, "€0.00") {
		t.Errorf("the balance is not what was left:\n%s", page.body)
	}
	if after := s.verify().Transfers; after != transfers+1 { // the key of the new browser
		t.Errorf("%d records became %d", transfers, after)
	}
}

// TestF11AnErasedWalletIsDeadInEveryBrowser: erasing is the only way to log out
// for good; whoever kept a copy of the cookies is nobody then.
func TestF11AnErasedWalletIsDeadInEveryBrowser(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	copied := s.reader()
	copied.buy("/articles/a")
	other := s.reader()
	other.press("/.paywall/wallet/recover", "code", copied.recoveryCode())
	other.reads("/articles/a")
	if page := other.press("/.paywall/wallet/erase"); !strings.Contains(page.body, "Your wallet is erased") {
		t.Fatalf("%s\n%s", page.Status, page.body)
	}
	for _, b := range []*reader{copied, other} {
		if page := b.open("/articles/a"); strings.Contains(page.body, "canary") || !strings.Contains(page.body, "and read</button>") {
			t.Errorf("%s\n%s", page.Status, page.body)
		}
		if page := b.open("/.paywall/wallet"); page.StatusCode != http.StatusUnauthorized || strings.Contains(page.body, "/articles/a") {
			t.Errorf("%s\n%s", page.Status, page.body)
		}
	}
	s.verify()
}

// TestF15CookiesOffCostsTwoRedirectsAndNothingElse: one to the page with the
// button, one from the button to the page that says why.
func TestF15CookiesOffCostsTwoRedirectsAndNothingElse(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	before := s.verify().Transfers
	b := &reader{site: s}
	page := b.open("/articles/a")
	redirects := b.redirects
	why := b.press("/.paywall/unlock",
		"offer", between(page.body, `name="offer" value="`, `"`), "new_wallet", between(page.body, `name="new_wallet" value="`, `"`))
	if redirects += b.redirects; redirects != 2 {
		t.Errorf("%d redirects", redirects)
	}
	if why.StatusCode != http.StatusBadRequest || !strings.Contains(why.body, "Your browser keeps no cookies for this site") {
		t.Errorf("%s\n%s", why.Status, why.body)
	}
	if after := s.verify().Transfers; after != before {
		t.Errorf("%d records became %d", before, after)
	}
}

// TestF09PlantedCookiesLockNobodyOut: a sibling host has filled the browser's jar
// for the whole domain, with forty cookies and with as many as Chrome keeps.
// Caddy itself refuses more than 16 KB of headers before any handler sees them,
// unless the config says otherwise, as the README shows.
func TestF09PlantedCookiesLockNobodyOut(t *testing.T) {
	// It closes the paywall option, and Caddy's own option of the servers follows.
	const roomy = "welcome 0.60\n}\nservers {\nmax_header_size 1MiB"
	s := newSite(t, roomy, articlesFor20, new(articles))
	b := s.reader()
	b.buy("/articles/a")
	for _, planted := range []string{"planted", "paywall_access", "paywall_wallet", "paywall_kept"} {
		for _, n := range []int{40, 180} {
			t.Run(fmt.Sprint(n, " ", planted), func(t *testing.T) {
				crowd := strings.Repeat(planted+"="+strings.Repeat("j", 4000)+"; ", n)
				if page := s.get("/articles/a", "Cookie", crowd+b.cookieLine("/articles/a")); !strings.Contains(page.body, "canary") {
					t.Errorf("the article: %s", page.Status)
				}
				line := crowd + b.cookieLine("/.paywall/reset")
				if page := s.get("/.paywall/reset", "Cookie", line, "Accept", "text/html"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, "Remove all cookies") {
					t.Errorf("the page: %s", page.Status)
				}
				done := s.do(http.MethodPost, "/.paywall/reset", "", "Cookie", line, "Accept", "text/html", "Origin", s.url)
				if done.StatusCode != http.StatusOK || done.Header.Get("Clear-Site-Data") != `"cache", "cookies"` {
					t.Errorf("the button: %s, %v", done.Status, done.Header)
				}
			})
		}
	}
	s.verify()
}

// TestF09CaddysOwnLimitLeavesRoomForOurCookies: below 16 KB nobody is refused,
// above it everybody, by Caddy and without a word of ours.
func TestF09CaddysOwnLimitLeavesRoomForOurCookies(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	b := s.reader()
	b.buy("/articles/a")
	for size, status := range map[int]int{14 << 10: http.StatusOK, 24 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		if a := s.get("/articles/a", "Cookie", "planted="+strings.Repeat("j", size)+"; "+b.cookieLine("/articles/a")); a.StatusCode != status {
			t.Errorf("%d bytes: %s", size, a.Status)
		}
	}
}

// TestManyPagesOnOnePathAreReadWithOneCookie: pages told apart by a query key
// share a cookie's path, and pages of rewritten addresses have their own. Each
// opens from the wallet or its token, and the header stays small.
func TestManyPagesOnOnePathAreReadWithOneCookie(t *testing.T) {
	for name, tc := range map[string]struct{ body, address string }{
		"query":     {"paywall /index.php 0.20 {\n query p\n}\nreverse_proxy UPSTREAM", "/index.php?p=%d"},
		"rewritten": {"rewrite /essays/* /articles{path}\n" + articlesFor20, "/essays/%d"},
		"rewritten to one path": {"@nice path_regexp n ^/essays/(.+)$\nrewrite @nice /index.php?p={re.n.1}\n" +
			"paywall /index.php 0.20 {\n query p\n}\nreverse_proxy UPSTREAM", "/essays/%d"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "welcome 24.00", tc.body, new(articles))
			b := s.reader()
			for i := range 120 {
				b.buy(fmt.Sprintf(tc.address, i))
			}
			transfers := s.verify().Transfers
			for i := range 120 {
				b.reads(fmt.Sprintf(tc.address, i))
			}
			if b.sent > 1200 {
				t.Errorf("a Cookie header of %d bytes", b.sent)
			}
			if page := b.open("/.paywall/wallet"); !strings.Contains(page.body, "€0.00") || s.verify().Transfers != transfers {
				t.Error("reading again was charged")
			}
		})
	}
}
