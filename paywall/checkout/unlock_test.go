package checkout

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestPurchasePageNamesPriceBalanceAndWhatIsLeft(t *testing.T) {
	s := newSite(t)
	w := s.get("/.paywall/unlock?offer=" + s.offer())
	wantStatus(t, w, http.StatusOK)
	wantText(t, w, "The last tea shop", "news.example", "1,240 words", "6 minutes to read", "Pay €0.20 and read",
		"You have €0.60 on the house", "€0.40 left after this", "Undo within 30 minutes")

	key, _ := s.opened(5_000_000)
	w = s.get("/.paywall/unlock?offer="+s.offer(price(1_000_000)), cookie(key))
	wantText(t, w, "Pay €1.00 and read", "You have €5.00", "€4.00 left after this")
	if strings.Contains(w.Body.String(), "new_wallet") {
		t.Error("a reader with a wallet is offered a new one")
	}
}

// TestWhatIsNotReadIsOpened: music and films have no length to read, and a button
// that does not say so.
func TestWhatIsNotReadIsOpened(t *testing.T) {
	s := newSite(t)
	raw := s.offer(func(o *paywall.Offer) { o.Words = 0 })
	key, _ := s.opened(5_000_000)
	page := s.get("/.paywall/unlock?offer="+raw, cookie(key))
	wantText(t, page, "Pay €0.20 and open</button>")
	poor, _ := s.opened(0)
	without := s.get("/.paywall/unlock?offer="+raw, cookie(poor))
	wantText(t, without, "Redeem, pay €0.20 and open</button>")
	for _, page := range []string{page.Body.String(), without.Body.String()} {
		if strings.Contains(page, "to read") || strings.Contains(page, "and read") {
			t.Errorf("the page speaks of reading:\n%s", page)
		}
	}
}

func TestC02G01G02G04LookingAtAnOfferChangesNothing(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	before, _, _ := s.counts()
	for _, purpose := range []string{"", "prefetch", "prefetch;prerender"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := s.send(method, "/.paywall/unlock?offer="+s.offer(), "", "", cookie(key), header("Sec-Purpose", purpose))
			wantStatus(t, w, http.StatusOK)
			if method == http.MethodHead && w.Body.Len() > 0 {
				t.Error("HEAD was answered with a body")
			}
			s.send(method, "/.paywall/unlock?offer="+s.offer(), "", "") // a stranger
		}
	}
	for _, bot := range []string{"Slackbot-LinkExpanding 1.0", "Twitterbot/1.0", "facebookexternalhit/1.1", "WhatsApp/2.23", "Googlebot/2.1"} {
		for _, page := range []string{"unlock?offer=" + s.offer(), "wallet", "wallet/erase", "topup", "reset"} {
			s.get("/.paywall/"+page, quietly, header("User-Agent", bot))
			s.get("/.paywall/"+page, quietly, header("User-Agent", bot), cookie(key)) // of a reader's own device
		}
	}
	if after, debits, wallets := s.counts(); after != before || debits != 0 || wallets != 1 {
		t.Errorf("GET wrote: %d → %d writes, %d debits, %d wallets", before, after, debits, wallets)
	}
}

func TestF01FirstPurchaseOpensAWalletAndLandsInTheArticle(t *testing.T) {
	s := newSite(t)
	raw := s.offer()
	page := s.get("/.paywall/unlock?offer=" + raw)
	w := s.post("/.paywall/unlock", []string{"offer", raw, "new_wallet", hidden(t, page.Body.String(), "new_wallet")})
	wantStatus(t, w, http.StatusSeeOther)
	if got := w.Header().Get("Location"); got != "/articles/tea?ref=front" {
		t.Errorf("Location %q", got)
	}
	wallet, access := cookieNamed(w, walletCookie), cookieNamed(w, accessCookie)
	if wallet == nil || access == nil {
		t.Fatalf("cookies %v", w.Result().Cookies())
	}
	for _, c := range []*http.Cookie{wallet, access} {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" {
			t.Errorf("cookie %+v", c)
		}
	}
	if wallet.Path != "/" || access.Path != "/articles/tea" {
		t.Errorf("paths %q, %q", wallet.Path, access.Path)
	}
	if got := s.balance(paywall.WalletKey(wallet.Value)); got != "0.40" {
		t.Errorf("balance %s", got)
	}
	a, err := s.check.Access(access.Value, testOrigin, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	if a.Resource != "/articles/tea" || a.ExpiresAt.Sub(s.now()) != paywall.AccessTTL {
		t.Errorf("token %+v", a)
	}
	s.purchase(paywall.WalletKey(wallet.Value), a.ID)
}

// TestF02PlainHTTPSitesUseBareCookieNames: a laptop's demo has no TLS to be sent
// to; what it sets counts for nothing once there is some.
func TestF02PlainHTTPSitesUseBareCookieNames(t *testing.T) {
	const origin = "http://localhost:8402"
	s := newSite(t, func(o *Options) { o.Origin = func(*http.Request) string { return origin } })
	raw := s.offer(func(o *paywall.Offer) { o.Site, o.Checkout = origin, origin })
	w := s.post("/.paywall/unlock", []string{"offer", raw}, cookiesOff, kept(origin))
	wantStatus(t, w, http.StatusSeeOther)
	wallet, access := cookieNamed(w, "paywall_wallet"), cookieNamed(w, "paywall_access")
	if wallet == nil || wallet.Secure || access == nil || access.Secure {
		t.Errorf("cookies %v", w.Result().Cookies())
	}
}

func TestAccessEndsWithWhatWasBought(t *testing.T) {
	s := newSite(t)
	w := s.post("/.paywall/unlock", []string{"offer", s.offer(func(o *paywall.Offer) { o.Access = time.Hour })})
	wantStatus(t, w, http.StatusSeeOther)
	a, err := s.check.Access(cookieNamed(w, accessCookie).Value, testOrigin, testOrigin)
	if err != nil || !a.ExpiresAt.Equal(s.now().Add(time.Hour)) {
		t.Errorf("token ends %v, %v", a, err)
	}
}

func TestG16ThirtyFirstPurchasesAtOnceAreOneWalletAndOneDebit(t *testing.T) {
	s := newSite(t)
	raw, key := s.offer(), string(paywall.NewWalletKey())
	answers := make([]*httptest.ResponseRecorder, 30)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range answers {
		done.Go(func() {
			start.Wait()
			answers[i] = s.post("/.paywall/unlock", []string{"offer", raw, "new_wallet", key})
		})
	}
	start.Done()
	done.Wait()
	for _, w := range answers {
		wantStatus(t, w, http.StatusSeeOther)
		if c := cookieNamed(w, walletCookie); c == nil || c.Value != key {
			t.Errorf("wallet cookie %v", c)
		}
	}
	if _, debits, wallets := s.counts(); debits != 1 || wallets != 1 {
		t.Errorf("%d debits, %d wallets", debits, wallets)
	}
}

func TestG15ReplayedOfferIsChargedOnce(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	for range 3 {
		wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusSeeOther)
	}
	// Another offer for what the wallet owns costs nothing either.
	w := s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key))
	wantStatus(t, w, http.StatusOK)
	if v := decode(t, w); v["already_owned"] != true || v["balance"] != "4.80" {
		t.Errorf("answer %v", v)
	}
	if _, debits, _ := s.counts(); debits != 1 {
		t.Errorf("%d debits", debits)
	}
}

// TestWalletOfAnActiveReaderDoesNotRunOut: browsers keep a cookie for 400 days
// after it was set (RFC 6265bis, 5.5).
func TestWalletOfAnActiveReaderDoesNotRunOut(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.advance(300 * 24 * time.Hour)
	c := cookieNamed(s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookie(key)), walletCookie)
	if c == nil || c.Value != string(key) || c.Expires.Before(s.now().Add(399*24*time.Hour)) {
		t.Errorf("cookie %v", c)
	}
}

func TestOwnedArticleIsNotSoldAgain(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookie(key))
	before, _, _ := s.counts()
	w := s.get("/.paywall/unlock?offer="+s.offer(), cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if w.Header().Get("Location") != "/articles/tea?ref=front" || cookieNamed(w, accessCookie) == nil {
		t.Errorf("answer %v", w.Header())
	}
	w = s.get("/.paywall/unlock?offer="+s.offer(), asJSON, bearer(key))
	wantStatus(t, w, http.StatusOK)
	wantMembers(t, decode(t, w), "resource", "url", "title", "words", "price", "currency", "access", "expires_at", "charge", "balance", "already_owned", "refundable")
	if v := decode(t, w); v["already_owned"] != true || v["balance"] != "4.80" || v["price"] != "0.20" || v["resource"] != "/articles/tea" {
		t.Errorf("answer %v", v)
	}
	if after, _, _ := s.counts(); after != before {
		t.Error("GET wrote")
	}
}

func TestUnlockAnswersProgramsInTheAgreedShape(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	w := s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key))
	wantStatus(t, w, http.StatusOK)
	v := decode(t, w)
	wantMembers(t, v, "token", "token_type", "unlock_id", "resource", "paid", "currency", "balance", "expires_at", "already_owned")
	if v["token_type"] != "Bearer" || v["paid"] != "0.20" || v["currency"] != "EUR" || v["balance"] != "4.80" ||
		v["expires_at"] != "2026-11-23T12:00:00Z" || v["already_owned"] != false || v["resource"] != "/articles/tea" {
		t.Errorf("answer %v", v)
	}
	if len(w.Result().Cookies()) > 0 {
		t.Errorf("a program got cookies: %v", w.Result().Cookies())
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Cookie, Authorization" {
		t.Errorf("headers %v", w.Header())
	}
	if _, err := s.check.Access(v["token"].(string), testOrigin, testOrigin); err != nil {
		t.Error(err)
	}
}

func TestShortBalanceIsAnsweredWithTheWayToTopUp(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(100_000)
	raw := s.offer(price(1_000_000))
	p := wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusPaymentRequired, "insufficient-funds")
	if p["price"] != "1.00" || p["balance"] != "0.10" || p["currency"] != "EUR" || p["topup"] != "/.paywall/topup" {
		t.Errorf("problem %v", p)
	}
	w := s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key))
	wantStatus(t, w, http.StatusPaymentRequired)
	wantText(t, w, "You have €0.10", "€0.90 more", `action="/.paywall/topup/voucher"`, "Redeem, pay €1.00 and read")
	if hidden(t, w.Body.String(), "offer") != raw {
		t.Error("the offer is lost on the way to the top-up")
	}
	if s.balance(key) != "0.10" {
		t.Error("a refused purchase took money")
	}
}

func TestStrangerWhoseCreditIsTooSmallLeavesNoTrace(t *testing.T) {
	s := newSite(t)
	w := s.post("/.paywall/unlock", []string{"offer", s.offer(price(3_000_000))})
	wantStatus(t, w, http.StatusPaymentRequired)
	if writes, _, _ := s.counts(); writes != 0 || len(w.Result().Cookies()) != 0 {
		t.Errorf("%d writes, cookies %v", writes, w.Result().Cookies())
	}
}

func TestRepeatedFirstPurchaseThatUsedUpTheCreditIsNotRefused(t *testing.T) {
	s := newSite(t, noWelcome)
	key := paywall.NewWalletKey()
	raw := s.offer()
	form := []string{"offer", raw, "new_wallet", string(key), "code", s.voucher(200_000)}
	wantStatus(t, s.post("/.paywall/topup/voucher", form), http.StatusSeeOther)
	// The answer was lost, and the reader presses the first page's button.
	w := s.post("/.paywall/unlock", []string{"offer", raw, "new_wallet", string(key)})
	wantStatus(t, w, http.StatusSeeOther)
	if _, debits, wallets := s.counts(); debits != 1 || wallets != 1 {
		t.Errorf("%d debits, %d wallets", debits, wallets)
	}
}

func TestProgramWithoutWalletIsAskedToOpenOne(t *testing.T) {
	s := newSite(t)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"no bearer":       s.call("/.paywall/unlock", object{"offer": s.offer()}),
		"unknown bearer":  s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(paywall.NewWalletKey())),
		"no key":          s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer("hello")),
		"GET unknown":     s.get("/.paywall/unlock?offer="+s.offer(), asJSON, bearer(paywall.NewWalletKey())),
		"wallet":          s.get("/.paywall/wallet", asJSON),
		"refund":          s.call("/.paywall/refund", object{"unlock_id": "x"}),
		"voucher":         s.call("/.paywall/topup/voucher", object{"code": s.voucher(1)}),
		"erase":           s.call("/.paywall/wallet/erase", object{}),
		"topup":           s.get("/.paywall/topup", asJSON),
		"forged new key":  s.call("/.paywall/unlock", object{"offer": s.offer(), "new_wallet": string(paywall.NewWalletKey())}),
		"basic not ours":  s.get("/.paywall/wallet", asJSON, header("Authorization", "Basic dTpw")),
		"erased's cookie": s.get("/.paywall/wallet", asJSON, cookie(paywall.NewWalletKey())),
	} {
		t.Run(name, func(t *testing.T) { wantProblem(t, w, http.StatusUnauthorized, "no-such-wallet") })
	}
	if writes, _, _ := s.counts(); writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

func TestG23OnlyTheOfferSaysWhatIsPaid(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	other, _ := s.opened(5_000_000)
	w := s.post("/.paywall/unlock?offer=x&price=0.01", []string{
		"offer", s.offer(), "price", "0.01", "amount", "-1", "wallet", "w", "resource", "/articles/dear",
		"url", "https://evil.test/", "new_wallet", string(other),
	}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if s.balance(key) != "4.80" || s.balance(other) != "5.00" {
		t.Errorf("balances %s, %s", s.balance(key), s.balance(other))
	}
	if got := w.Header().Get("Location"); got != "/articles/tea?ref=front" {
		t.Errorf("Location %q", got)
	}
}

func TestG20ReaderWhoLeavesStillGetsWhatWasPaid(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	raw := s.offer()
	w := s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key), func(r *http.Request) { *r = *r.WithContext(gone) })
	wantStatus(t, w, http.StatusSeeOther)
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusSeeOther)
	if _, debits, _ := s.counts(); debits != 1 {
		t.Errorf("%d debits", debits)
	}
}

func TestClosedLedgerSellsNothing(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	check := func(t *testing.T) {
		for name, w := range map[string]*httptest.ResponseRecorder{
			"GET":    s.get("/.paywall/unlock?offer="+raw, cookie(key)),
			"POST":   s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)),
			"wallet": s.get("/.paywall/wallet", cookie(key)),
		} {
			wantStatus(t, w, http.StatusServiceUnavailable)
			if w.Header().Get("Retry-After") != "5" || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: headers %v", name, w.Header())
			}
			wantText(t, w, "Purchases are paused", "not be charged twice")
		}
		wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusServiceUnavailable, "unavailable")
	}
	s.breakWith(paywall.ErrUnavailable)
	t.Run("failing", check)
	s.breakWith(context.DeadlineExceeded)
	t.Run("hanging", check)
	s.repair()
	open := s.c.o.Ledger
	s.c.o.Ledger = func(context.Context) (Ledger, error) { return nil, context.DeadlineExceeded }
	t.Run("not open", check)
	s.c.o.Ledger = open
	if s.balance(key) != "5.00" {
		t.Error("money was taken")
	}
}

// countingLedger counts how often a wallet is looked up by its key.
type countingLedger struct {
	Ledger
	lookups int
}

func (l *countingLedger) Wallet(ctx context.Context, key paywall.Hash) (paywall.Wallet, error) {
	l.lookups++
	return l.Ledger.Wallet(ctx, key)
}

// TestAPurchaseLooksUpItsWalletOnce, a person's like a program's.
func TestAPurchaseLooksUpItsWalletOnce(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	for name, buy := range map[string]func() *httptest.ResponseRecorder{
		"form": func() *httptest.ResponseRecorder {
			return s.post("/.paywall/unlock", []string{"offer", s.offer(resource("/articles/a"))}, cookie(key))
		},
		"json": func() *httptest.ResponseRecorder {
			return s.call("/.paywall/unlock", object{"offer": s.offer(resource("/articles/b"))}, bearer(key))
		},
	} {
		l := &countingLedger{Ledger: s.ledger}
		s.through(l)
		if w := buy(); w.Code >= http.StatusBadRequest {
			t.Errorf("%s: status %d\n%s", name, w.Code, w.Body)
		}
		if l.lookups != 1 {
			t.Errorf("%s: %d look-ups", name, l.lookups)
		}
	}
	if got := s.balance(key); got != "4.60" {
		t.Errorf("balance %s", got)
	}
}
