package checkout

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// acts is every POST that acts for a wallet.
func (s *site) acts() map[string][]string {
	return map[string][]string{
		"/.paywall/unlock":          {"offer", s.offer()},
		"/.paywall/refund":          {"unlock_id", "x"},
		"/.paywall/wallet":          {},
		"/.paywall/wallet/recover":  {"code", paywall.NewWalletKey().RecoveryCode()},
		"/.paywall/wallet/erase":    {},
		"/.paywall/wallet/settings": {"forget", "true"},
		"/.paywall/wallet/devices":  {"others", "true"},
		"/.paywall/wallet/gift":     {"unlock_id", "x"},
		"/.paywall/gift":            {"key", string(s.given("/articles/from-elsewhere"))},
		"/.paywall/tip":             {"unlock_id", "x", "amount", "0.20"},
		"/.paywall/reset":           {},
		"/.paywall/topup/voucher":   {"code", s.voucher(1_000_000)},
		"/.paywall/topup/card":      {"amount", "5.00", "topup_id", "x"},
		"/.paywall/topup/bank":      {"amount", "5.00", "topup_id", "x"},
		"/.paywall/topup/return":    {"intent", "AAAAAAAAAAAAAAAA"},
		"/.paywall/wallet/cash-out": {"cash_out", paywall.NewID()},
	}
}

func TestG05G06G08G09ForeignPagesCannotActForAReader(t *testing.T) {
	s := newFunded(t)
	key, _ := s.opened(5_000_000)
	acts := s.acts()
	before, _, _ := s.counts()
	site := func(v string) change { return header("Sec-Fetch-Site", v) }
	origin := func(v string) change {
		return func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", v) }
	}
	foreign := map[string]change{
		"cross-site":     site("cross-site"),
		"same-site":      site("same-site"),
		"none":           site("none"),
		"in capitals":    site("Same-Origin"),
		"said twice":     func(r *http.Request) { r.Header.Add("Sec-Fetch-Site", "same-origin") },
		"neither header": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Del("Origin") },
		"null":           origin("null"),
		"evil":           origin("https://evil.test"),
		"http":           origin("http://news.example"),
		"port":           origin("https://news.example:444"),
		"user":           origin("https://x@news.example"),
		"suffix":         origin("https://news.example.evil"),
		"capital origin": origin("https://NEWS.example"),
		"trailing slash": origin("https://news.example/"),
		"contradictory":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"sibling":        origin("https://www.news.example"),
		"two origins":    func(r *http.Request) { origin(testOrigin)(r); r.Header.Add("Origin", testOrigin) },
		"prefetch":       header("Sec-Purpose", "prefetch"),
		"prerender":      header("Sec-Purpose", "prefetch;prerender"),
		"old prefetch":   header("Purpose", "prefetch"),
		"older prefetch": header("X-Moz", "prefetch"),
		"top sites":      header("X-Purpose", "preview"),
	}
	for path, fields := range acts {
		for name, change := range foreign {
			t.Run(path+" "+name, func(t *testing.T) {
				page := s.post(path, fields, cookie(key), change)
				wantStatus(t, page, http.StatusForbidden)
				if len(page.Result().Cookies()) > 0 {
					t.Errorf("cookies %v", page.Result().Cookies())
				}
				// A script on a foreign page may ask for JSON; the browser adds the cookie.
				wantProblem(t, s.post(path, fields, cookie(key), header("Accept", "application/json"), change), http.StatusForbidden, "cross-site")
				// Login CSRF: without a cookie a form must be ours too.
				wantStatus(t, s.post(path, fields, change), http.StatusForbidden)
			})
		}
	}
	if after, _, _ := s.counts(); after != before {
		t.Errorf("%d changes were made", after-before)
	}
}

func TestExactOriginWillDoForOlderBrowsers(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	w := s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookie(key), without("Sec-Fetch-Site"))
	wantStatus(t, w, http.StatusSeeOther)
}

func TestProgramsNeedNoOriginWhereTheyBringTheirOwnKey(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key)), http.StatusOK)
	wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)
	// curl -X POST -H 'Accept: application/json': no body, no type.
	wantStatus(t, s.send(http.MethodPost, "/.paywall/wallet", "", "", asJSON), http.StatusCreated)
	// With the reader's cookie on board the rule holds, bearer or not.
	w := s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key), cookie(key))
	wantProblem(t, w, http.StatusForbidden, "cross-site")
	// A foreign page's script without a cookie: the browser tells on it.
	w = s.call("/.paywall/wallet", object{}, header("Sec-Fetch-Site", "cross-site"))
	wantProblem(t, w, http.StatusForbidden, "cross-site")
}

// TestSeveralAuthorizationsActForNobody: the gate reads them so, too.
func TestSeveralAuthorizationsActForNobody(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	planted, _ := s.opened(5_000_000)
	for name, second := range map[string]string{"another wallet": "Bearer " + string(planted), "the same": "Bearer " + string(mine), "the site's own": "Basic dTpw"} {
		t.Run(name, func(t *testing.T) {
			two := func(r *http.Request) { r.Header.Add("Authorization", second) }
			wantProblem(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(mine), two), http.StatusBadRequest, "malformed")
			wantProblem(t, s.get("/.paywall/wallet", asJSON, bearer(mine), two), http.StatusBadRequest, "malformed")
		})
	}
	if _, debits, _ := s.counts(); debits != 0 {
		t.Errorf("%d debits", debits)
	}
}

func TestG27ScriptsOfOurOwnPagesMayActWithTheCookie(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	w := s.call("/.paywall/unlock", object{"offer": s.offer()}, cookie(key), header("Sec-Fetch-Site", "same-origin"))
	wantStatus(t, w, http.StatusOK)
}

func TestB16EarlyDataNeverBuys(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	form := []string{"offer", s.offer()}
	for _, early := range []change{
		header("Early-Data", "1"),
		func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, // 0-RTT on our own connection
	} {
		wantStatus(t, s.post("/.paywall/unlock", form, cookie(key), early), http.StatusTooEarly)
	}
	if _, debits, _ := s.counts(); debits != 0 {
		t.Error("early data bought")
	}
}

func TestTwoDifferentWalletCookiesActForNobody(t *testing.T) {
	s := newFunded(t, func(o *Options) { o.Welcome = euro(600_000) })
	mine, _ := s.opened(5_000_000)
	planted, _ := s.opened(5_000_000)
	acts := s.acts()
	before, _, _ := s.counts()
	for path, fields := range acts {
		switch path {
		case "/.paywall/wallet/recover", "/.paywall/reset":
			continue // acts for the code's wallet, and replaces both; or for none
		}
		t.Run(path, func(t *testing.T) {
			w := s.post(path, fields, cookie(mine), cookie(planted))
			wantStatus(t, w, http.StatusBadRequest)
			wantText(t, w, "Your browser sent two wallets", "Remove the cookies of this site")
		})
	}
	if after, _, _ := s.counts(); after != before {
		t.Error("something was done for one of them")
	}
	wantProblem(t, s.get("/.paywall/wallet", asJSON, cookie(mine), cookie(planted)), http.StatusUnauthorized, "no-such-wallet")
	page := s.get("/.paywall/unlock?offer="+s.offer(), cookie(planted), cookie(mine))
	wantStatus(t, page, http.StatusOK)
	wantText(t, page, "on the house")

	// The same value twice, and junk beside it, is still one wallet.
	w := s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookie(mine), cookie("junk"), cookie(mine),
		func(r *http.Request) { r.Header.Add("Cookie", walletCookie+`="`+string(planted)+`"`) })
	wantStatus(t, w, http.StatusSeeOther)
	if s.balance(mine) != "4.80" || s.balance(planted) != "5.00" {
		t.Errorf("balances %s, %s", s.balance(mine), s.balance(planted))
	}
}

func TestF02BareCookieCountsForNothingOverTLS(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	bare := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "paywall_wallet", Value: string(key)}) }
	wantProblem(t, s.get("/.paywall/wallet", asJSON, bare), http.StatusUnauthorized, "no-such-wallet")
}

func TestSurplusWalletCookiesAreRefused(t *testing.T) {
	s := newSite(t)
	changes := []change{}
	for range paywall.MaxCookieCandidates + 1 {
		changes = append(changes, cookie("junk"))
	}
	w := s.post("/.paywall/wallet", nil, changes...)
	wantStatus(t, w, http.StatusBadRequest)
}
