package checkout

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// TestVoucherIsCreditedOnce is rows K01 and K06: again, in other spellings, by another.
func TestVoucherIsCreditedOnce(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	other, _ := s.opened(0)
	code := s.voucher(5_000_000)
	full := strings.Map(func(r rune) rune {
		if r == '-' {
			return r
		}
		return r - '!' + '！'
	}, code)
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", " "), full} {
		w := s.call("/.paywall/topup/voucher", object{"code": typed}, bearer(key))
		wantStatus(t, w, http.StatusOK)
		v := decode(t, w)
		wantMembers(t, v, "credited", "currency", "balance")
		if v["credited"] != "5.00" || v["currency"] != "EUR" || v["balance"] != "5.00" {
			t.Errorf("%q: %v", typed, v)
		}
	}
	wantProblem(t, s.call("/.paywall/topup/voucher", object{"code": code}, bearer(other)), http.StatusUnprocessableEntity, "bad-voucher")
	if s.balance(other) != "0.00" {
		t.Error("credited twice")
	}
}

func TestThirtyRedemptionsAtOnceAreOneCreditAndNoneIsLimited(t *testing.T) {
	s := newSite(t, noWelcome)
	form := []string{"code", s.voucher(5_000_000), "new_wallet", string(paywall.NewWalletKey()), "offer", s.offer()}
	answers := make([]*httptest.ResponseRecorder, 30)
	var done sync.WaitGroup
	for i := range answers {
		done.Go(func() { answers[i] = s.post("/.paywall/topup/voucher", form) })
	}
	done.Wait()
	for _, w := range answers {
		wantStatus(t, w, http.StatusSeeOther)
	}
	if _, debits, wallets := s.counts(); debits != 1 || wallets != 1 {
		t.Errorf("%d debits, %d wallets", debits, wallets)
	}
	if got := s.balance(paywall.WalletKey(form[3])); got != "4.80" {
		t.Errorf("balance %s", got)
	}
}

func TestToppingUpForAnArticleLandsInIt(t *testing.T) {
	s := newSite(t, noWelcome)
	raw := s.offer()
	page := s.get("/.paywall/unlock?offer=" + raw).Body.String()
	form := []string{"offer", hidden(t, page, "offer"), "new_wallet", hidden(t, page, "new_wallet"), "code", s.voucher(1_000_000)}
	w := s.post("/.paywall/topup/voucher", form)
	wantStatus(t, w, http.StatusSeeOther)
	if w.Header().Get("Location") != "/articles/tea?ref=front" || cookieNamed(w, accessCookie) == nil {
		t.Errorf("answer %v", w.Header())
	}
	if c := cookieNamed(w, walletCookie); c == nil || s.balance(paywall.WalletKey(c.Value)) != "0.80" {
		t.Errorf("wallet cookie %v", c)
	}
}

func TestTopUpThatIsStillTooSmallKeepsTheArticleInSight(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	raw := s.offer(price(3_000_000))
	w := s.post("/.paywall/topup/voucher", []string{"offer", raw, "code", s.voucher(1_000_000)}, cookie(key))
	wantStatus(t, w, http.StatusPaymentRequired)
	wantText(t, w, "You have €1.00", "€2.00 more")
	if hidden(t, w.Body.String(), "offer") != raw {
		t.Error("the offer is lost")
	}
}

func TestTopUpWithAnExpiredOfferIsCreditedAndLeadsToTheArticle(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	raw, code := s.offer(), s.voucher(1_000_000)
	s.advance(time.Hour)
	w := s.post("/.paywall/topup/voucher", []string{"offer", raw, "code", code}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if w.Header().Get("Location") != "/articles/tea?ref=front" || s.balance(key) != "1.00" {
		t.Errorf("answer %v, balance %s", w.Header(), s.balance(key))
	}
	w = s.post("/.paywall/topup/voucher", []string{"offer", "forged", "code", s.voucher(1_000_000)}, cookie(key))
	wantStatus(t, w, http.StatusBadRequest)
	if s.balance(key) != "1.00" {
		t.Error("a forged form was honoured")
	}
}

func TestFormShownAgainKeepsTheWalletToBe(t *testing.T) {
	s := newSite(t, noWelcome)
	key := string(paywall.NewWalletKey())
	for path, form := range map[string][]string{
		"/.paywall/topup/voucher": {"code", "x", "offer", s.offer(), "new_wallet", key},
		"/.paywall/unlock":        {"offer", s.offer(), "new_wallet", key},
	} {
		if got := hidden(t, s.post(path, form).Body.String(), "new_wallet"); got != key {
			t.Errorf("%s: the key became %q", path, got)
		}
	}
	got := hidden(t, s.post("/.paywall/topup/voucher", []string{"code", "x", "new_wallet", `"><b>`}).Body.String(), "new_wallet")
	if _, ok := paywall.WalletKey(got).Hash(); !ok {
		t.Errorf("the page carries %q", got)
	}
}

func TestTopUpWithoutAnArticleLandsInTheWallet(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	w := s.post("/.paywall/topup/voucher", []string{"code", s.voucher(1_000_000)}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	wantText(t, s.get(w.Header().Get("Location"), cookie(key)), "The voucher is in your wallet", "€1.00")
}

// TestWrongVouchersSayWhatIsWrong: whoever knows a code may know what became of it,
// and a guesser learns nothing from codes that do not exist.
func TestWrongVouchersSayWhatIsWrong(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	other, _ := s.opened(0)
	used := s.voucher(1_000_000)
	wantStatus(t, s.call("/.paywall/topup/voucher", object{"code": used}, bearer(other)), http.StatusOK)
	late := s.voucher(1_000_000, func(v *paywall.Voucher) { v.ExpiresAt = s.now().Add(-time.Second) })
	const unknown = "This voucher code is not valid"
	for code, want := range map[string]string{
		paywall.NewVoucherCode(): unknown, "AAAAA": unknown, "": unknown,
		used: "This voucher was redeemed already", late: "This voucher has run out",
	} {
		s.advance(time.Hour) // wrong codes are counted
		raw := s.offer(price(3_000_000))
		for name, w := range map[string]*httptest.ResponseRecorder{
			"wallet":  s.post("/.paywall/topup/voucher", []string{"code", code}, cookie(key)),
			"article": s.post("/.paywall/topup/voucher", []string{"code", code, "offer", raw}, cookie(key)),
		} {
			wantStatus(t, w, http.StatusUnprocessableEntity)
			wantText(t, w, want, `role="alert"`, `aria-invalid="true" value="`+code+`"`)
			if name == "article" {
				wantText(t, w, raw)
			}
		}
		problem := s.call("/.paywall/topup/voucher", object{"code": code}, bearer(key))
		wantProblem(t, problem, http.StatusUnprocessableEntity, "bad-voucher")
		if detail := decode(t, problem)["detail"].(string); !strings.Contains(want, detail[1:]) {
			t.Errorf("%q: a program is told %q", code, detail)
		}
	}
}

// TestWrongCodesStayInTheirField: whoever mistyped one of 26 letters corrects that one.
func TestWrongCodesStayInTheirField(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	for path, changes := range map[string][]change{"/.paywall/topup/voucher": {cookie(key)}, "/.paywall/wallet/recover": nil} {
		for typed, want := range map[string]string{
			"7k3vp-0000o": "7k3vp-0000o", `"><b onx="`: "&#34;&gt;&lt;b onx=&#34;", strings.Repeat("ä", 300): strings.Repeat("ä", 64),
		} {
			s.advance(time.Hour)
			w := s.post(path, []string{"code", typed}, changes...)
			wantText(t, w, `aria-invalid="true" value="`+want+`"`)
			if location := w.Header().Get("Location"); location != "" {
				t.Errorf("%s: the code may be in an address: %s", path, location)
			}
		}
	}
	if page := s.get("/.paywall/topup?code=abc", cookie(key)).Body.String(); strings.Contains(page, "abc") {
		t.Error("an address fills the field")
	}
}

func TestSiteWithoutVouchersSaysSo(t *testing.T) {
	s := newSite(t, noWelcome, func(o *Options) { o.Vouchers = false })
	code := s.voucher(1_000_000)
	key, _ := s.opened(0)
	wantProblem(t, s.call("/.paywall/topup/voucher", object{"code": code}, bearer(key)), http.StatusNotFound, "not-found")
	wantText(t, s.get("/.paywall/unlock?offer="+s.offer()), "no way to add money")
	wantText(t, s.get("/.paywall/topup"), "no way to add money")
	if v := decode(t, s.get("/.paywall/topup", asJSON, bearer(key))); fmt.Sprint(v["ways"]) != "[]" {
		t.Errorf("answer %v", v)
	}
}

// from sets the client's address.
func from(addr string) change { return func(r *http.Request) { r.RemoteAddr = addr } }

// TestGuessingCodesIsLimitedPerAddress is row K14 and a part of K13: forms and programs,
// vouchers and recovery codes have one limit together.
func TestGuessingCodesIsLimitedPerAddress(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	guess := func(path string, addr string) *httptest.ResponseRecorder {
		return s.call(path, object{"code": paywall.NewVoucherCode()}, bearer(key), from(addr))
	}
	// Vouchers and recovery share one budget.
	for i := range atOnce(guessing) {
		path := "/.paywall/topup/voucher"
		if i%2 == 1 {
			path = "/.paywall/wallet/recover"
		}
		if w := guess(path, "192.0.2.1:1000"); w.Code == http.StatusTooManyRequests {
			t.Fatalf("attempt %d was limited", i)
		}
	}
	w := guess("/.paywall/wallet/recover", "192.0.2.1:2000")
	wantProblem(t, w, http.StatusTooManyRequests, "rate-limited")
	if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 1 || after > 6 {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	page := s.post("/.paywall/topup/voucher", []string{"code", paywall.NewVoucherCode()}, cookie(key), from("192.0.2.1:1"))
	wantStatus(t, page, http.StatusTooManyRequests)
	wantText(t, page, "Too many attempts")
	if w := guess("/.paywall/topup/voucher", "192.0.2.2:1000"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("another address: %d", w.Code)
	}
	s.advance(6 * time.Second) // ten a minute
	if w := guess("/.paywall/topup/voucher", "192.0.2.1:1000"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("after the wait: %d", w.Code)
	}
	wantStatus(t, guess("/.paywall/topup/voucher", "192.0.2.1:1000"), http.StatusTooManyRequests)
}

// TestWrongCodesOfAStrangerLockNobodyOut: everybody at an address, such as all
// readers behind a CDN, can type a good code, however many wrong ones came before.
func TestWrongCodesOfAStrangerLockNobodyOut(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	for range 50 * atOnce(guessing) {
		s.call("/.paywall/wallet/recover", object{"code": paywall.NewVoucherCode()})
	}
	wantStatus(t, s.call("/.paywall/topup/voucher", object{"code": s.voucher(10_000)}, bearer(key)), http.StatusOK)
	wantStatus(t, s.post("/.paywall/topup/voucher", []string{"code", s.voucher(10_000)}), http.StatusSeeOther)
	wantStatus(t, s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()}), http.StatusOK)
}

// TestAGoodVoucherOpensAWalletWhateverOthersOpened at the address; a wrong one never
// opens any, however much it looks like a code.
func TestAGoodVoucherOpensAWalletWhateverOthersOpened(t *testing.T) {
	s := newSite(t)
	before, _, _ := s.counts()
	for range atOnce(guessing) {
		wantStatus(t, s.post("/.paywall/topup/voucher", []string{"code", paywall.NewVoucherCode()}), http.StatusUnprocessableEntity)
	}
	if after, _, _ := s.counts(); after != before {
		t.Errorf("%d changes by wrong codes", after-before)
	}
	for range atOnce(opening) {
		s.call("/.paywall/wallet", object{})
	}
	wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusTooManyRequests)
	code, wallet := s.voucher(10_000), string(paywall.NewWalletKey())
	for range 2 { // a double click is one wallet
		wantStatus(t, s.post("/.paywall/topup/voucher", []string{"code", code, "new_wallet", wallet}), http.StatusSeeOther)
	}
	if got := s.balance(paywall.WalletKey(wallet)); got != "0.01" { // the network has had its welcome credit
		t.Errorf("the balance is %s", got)
	}
	wantStatus(t, s.post("/.paywall/topup/voucher", []string{"code", code}), http.StatusTooManyRequests) // used
}

// TestGuessesFromOneNetworkCountTogether is a part of row K04.
func TestGuessesFromOneNetworkCountTogether(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	limited := 0
	for i := range 100 {
		w := s.call("/.paywall/topup/voucher", object{"code": paywall.NewVoucherCode()}, bearer(key),
			from(fmt.Sprintf("[2001:db8:0:1%02x::1]:443", i)))
		if w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited != 100-atOnce(guessing) {
		t.Errorf("%d of 100 guesses from a /56 were limited", limited)
	}
}

// slowLedger takes its time to look a voucher up.
type slowLedger struct{ Ledger }

func (l slowLedger) Redeem(ctx context.Context, wallet string, code paywall.Hash) (paywall.TopUp, error) {
	time.Sleep(2 * time.Millisecond)
	return l.Ledger.Redeem(ctx, wallet, code)
}

func TestParallelGuessesDoNotSlipThrough(t *testing.T) {
	s := newSite(t)
	s.through(slowLedger{s.ledger}) // all hundred are on their way before the first is found wrong
	key, _ := s.opened(0)
	answers := make([]int, 100)
	var done sync.WaitGroup
	for i := range answers {
		done.Go(func() {
			answers[i] = s.call("/.paywall/topup/voucher", object{"code": paywall.NewVoucherCode()}, bearer(key)).Code
		})
	}
	done.Wait()
	passed := 0
	for _, code := range answers {
		if code == http.StatusUnprocessableEntity {
			passed++
		}
	}
	if passed != atOnce(guessing) {
		t.Errorf("%d guesses were looked at", passed)
	}
}

func TestGoodCodesCostNothing(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	for range 3 * atOnce(guessing) {
		wantStatus(t, s.call("/.paywall/topup/voucher", object{"code": s.voucher(10_000)}, bearer(key)), http.StatusOK)
		wantStatus(t, s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()}), http.StatusOK)
	}
}

func TestFailingLedgerIsNotTheVisitorsFault(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	s.breakWith(paywall.ErrUnavailable)
	for range 2 * atOnce(guessing) {
		wantStatus(t, s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()}), http.StatusServiceUnavailable)
	}
	s.repair()
	wantStatus(t, s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()}), http.StatusOK)
}
