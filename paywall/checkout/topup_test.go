package checkout

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// TestOnePressAddsMoneyAndLandsInTheArticle: from the purchase page of who is short, with
// the price and what stays said before, and a purchase that only a form of ours makes.
func TestOnePressAddsMoneyAndLandsInTheArticle(t *testing.T) {
	f := newFunded(t)
	for name, key := range map[string]paywall.WalletKey{"a stranger": "", "an empty wallet": first(f.opened(0)), "some left": first(f.opened(150_000))} {
		t.Run(name, func(t *testing.T) {
			b := f.tab(key)
			w := b.get("/.paywall/unlock?offer=" + f.offer())
			stays := map[string]string{"some left": "€4.95"}[name]
			if stays == "" {
				stays = "€4.80"
			}
			wantText(t, w, "Add €5.00 and read", "€5.00 in, €0.20 for this article, "+stays+" stay.")
			if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' "+f.origin+";") {
				t.Errorf("policy %q: Chromium would stop the form", got)
			}
			wantStatus(t, b.press("/.paywall/topup/card"), http.StatusSeeOther)
			back := f.pays(b.session(), pretend.Pay)
			_, before, _ := f.counts()
			w = b.comesBack(back)
			wantStatus(t, w, http.StatusOK)
			wantText(t, w, "Your payment is here", "/static/auto.", "Go on to the article", "<dd>€5.")
			if _, debits, _ := f.counts(); debits != before {
				t.Error("a GET has bought")
			}
			w = b.press("/.paywall/topup/return")
			wantStatus(t, w, http.StatusSeeOther)
			if w.Header().Get("Location") != "/articles/tea?ref=front" || cookieNamed(w, accessCookie) == nil {
				t.Errorf("answer %v", w.Header())
			}
			if got := "€" + f.balance(b.key()); got != stays {
				t.Errorf("balance %s, promised %s", got, stays)
			}
			if b.jar[consentCookie] != "" {
				t.Error("the consent can be used twice")
			}
		})
	}
}

func first[A, B any](a A, _ B) A { return a }

// TestTheReturnBuysNothingForWhoBringsOnlyAnIntent: a stranger's link, another browser, a
// wallet that did not begin it, a cookie that a neighbour planted, a prefetch.
func TestTheReturnBuysNothingForWhoBringsOnlyAnIntent(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	session := b.begun(f.offer())
	back := f.pays(session, pretend.Pay)
	owner, agreed := b.jar[walletCookie], b.jar[consentCookie]
	rich, _ := f.paidIn(5_000_000)
	for name, cookies := range map[string]map[string]string{
		"nobody":            {},
		"another wallet":    {walletCookie: string(rich)},
		"a planted consent": {walletCookie: string(rich), consentCookie: agreed},
		"a stolen consent":  {consentCookie: agreed},
	} {
		other := &tab{f: f, jar: cookies}
		w := other.comesBack(back)
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, "Your payment is here", "does not have the wallet")
		if strings.Contains(w.Body.String(), "5.00") || strings.Contains(w.Body.String(), "<form method=\"post\"") || other.jar[walletCookie] != cookies[walletCookie] {
			t.Errorf("%s: is told, or given, more than the state:\n%s", name, w.Body)
		}
		other.send("/.paywall/topup/return", []string{"intent", strings.TrimPrefix(back, "/.paywall/topup/return?intent=")})
	}
	early := f.tab(paywall.WalletKey(owner))
	early.jar[consentCookie] = agreed
	early.get(back, header("Sec-Purpose", "prefetch"))
	forged := f.post("/.paywall/topup/return", []string{"intent", strings.TrimPrefix(back, "/.paywall/topup/return?intent=")}, early.cookies, header("Sec-Fetch-Site", "cross-site"))
	wantStatus(t, forged, http.StatusForbidden)
	if _, debits, _ := f.counts(); debits != 0 {
		t.Fatalf("%d purchases", debits)
	}
	b.comesBack(back)
	wantStatus(t, b.press("/.paywall/topup/return"), http.StatusSeeOther)
	if _, debits, _ := f.counts(); debits != 1 {
		t.Errorf("%d purchases", debits)
	}
}

// TestADoubleClickIsOneTopUp: the same form thirty times at once is one wallet, one intent
// and one session; another button of it is another.
func TestADoubleClickIsOneTopUp(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	b.get("/.paywall/topup")
	five, ten := b.form("/.paywall/topup/card", 0), b.form("/.paywall/topup/card", 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w := (&tab{f: f, jar: map[string]string{"__Secure-paywall_kept": "1"}}).send("/.paywall/topup/card", five)
			wantStatus(t, w, http.StatusSeeOther)
		})
	}
	wg.Wait()
	if sessions := f.bank.IDs("checkout.session"); len(sessions) != 1 {
		t.Errorf("%d sessions", len(sessions))
	}
	if _, _, wallets := f.counts(); wallets != 1 {
		t.Errorf("%d wallets", wallets)
	}
	b.jar["__Secure-paywall_kept"] = "1"
	first := b.send("/.paywall/topup/card", five).Header().Get("Location")
	if again := b.send("/.paywall/topup/card", five).Header().Get("Location"); again != first {
		t.Errorf("sent to %s, then to %s", first, again)
	}
	b.send("/.paywall/topup/card", ten)
	if n := len(f.intents(b.key())); n != 2 {
		t.Errorf("%d intents", n)
	}
}

// TestAFormOfAPaymentThatIsOverLeadsToItsState: back button and press again.
func TestAFormOfAPaymentThatIsOverLeadsToItsState(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	b.get("/.paywall/unlock?offer=" + f.offer())
	form := b.form("/.paywall/topup/card", 0)
	b.send("/.paywall/topup/card", form)
	session := b.session()
	b.comesBack(f.pays(session, pretend.Pay))
	w := b.send("/.paywall/topup/card", form)
	wantStatus(t, w, http.StatusSeeOther)
	w = b.get(w.Header().Get("Location"))
	wantText(t, w, "Your payment is here", "Go on to the article")
	if got := f.balance(b.key()); got != "5.00" {
		t.Errorf("balance %s", got)
	}
}

// TestAReloadAfterThePurchaseLandsInTheArticleOrTheWallet, and buys nothing more.
func TestAReloadAfterThePurchaseLandsInTheArticleOrTheWallet(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	session := b.begun(f.offer())
	back := f.pays(session, pretend.Pay)
	agreed := b.jar[consentCookie]
	b.comesBack(back)
	form := b.form("/.paywall/topup/return", 0)
	b.send("/.paywall/topup/return", form)
	wantText(t, b.get(back), "Your payment is here", "€4.80", "Go to your wallet")
	w := b.send("/.paywall/topup/return", form) // from the browser's memory
	wantStatus(t, w, http.StatusSeeOther)
	b.jar[consentCookie] = agreed // a browser that kept it all the same
	w = b.get(back)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/articles/tea?ref=front" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	wantStatus(t, b.send("/.paywall/topup/return", form), http.StatusSeeOther)
	if _, debits, _ := f.counts(); debits != 1 || f.balance(b.key()) != "4.80" {
		t.Errorf("%d purchases, balance %s", debits, f.balance(b.key()))
	}
}

// TestALateWebhookIsWaitedForWithoutAScript: the page looks again by itself, more and more
// rarely, and ends doing so.
func TestALateWebhookIsWaitedForWithoutAScript(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	session := b.begun(f.offer())
	back := f.pays(session, pretend.PayLater)
	w := b.comesBack(back)
	wantText(t, w, "Your payment is on its way", "Look again")
	looks, waited := 0, 0
	for next := w.Header().Get("Refresh"); next != ""; looks++ {
		seconds, target, ok := strings.Cut(next, "; url=")
		n, err := strconv.Atoi(seconds)
		if !ok || err != nil || looks > 100 {
			t.Fatalf("Refresh %q", next)
		}
		waited += n
		f.advance(time.Duration(n) * time.Second)
		w = b.get(target)
		wantStatus(t, w, http.StatusOK)
		next = w.Header().Get("Refresh")
	}
	if looks < 10 || waited < 60 || waited > 600 {
		t.Errorf("looked %d times in %d seconds", looks, waited)
	}
	if err := f.bank.Arrive(session); err != nil {
		t.Fatal(err)
	}
	f.advance(2 * time.Second)
	wantText(t, b.get(back), "Your payment is here", "Go on to the article")
}

// TestAClosedTabLosesNothing: the reader never comes back; what the provider says later
// is in the wallet, and the article is bought by a press there.
func TestAClosedTabLosesNothing(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	f.pays(b.begun(f.offer()), pretend.Pay)
	id := f.intents(b.key())[0].ID
	wantText(t, b.get("/.paywall/wallet"), "Money on its way", "€5.00 by card", "not here yet", "/.paywall/topup/intent?id="+id)
	if _, err := f.service.Look(context.Background(), id); err != nil { // as a webhook has it
		t.Fatal(err)
	}
	wantText(t, b.get("/.paywall/wallet"), "€5.00")
	wantText(t, b.get("/.paywall/unlock?offer="+f.offer()), "Pay €0.20 and read")
	wantStatus(t, b.press("/.paywall/unlock"), http.StatusSeeOther)
}

// TestAnOfferThatRanOutLeadsBackToTheArticle, which makes a new one; the money is there.
func TestAnOfferThatRanOutLeadsBackToTheArticle(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	back := f.pays(b.begun(f.offer()), pretend.Pay)
	f.advance(20 * time.Minute)
	w := b.comesBack(back)
	wantStatus(t, w, http.StatusSeeOther)
	if got := w.Header().Get("Location"); got != "/articles/tea?ref=front" || f.balance(b.key()) != "5.00" {
		t.Errorf("to %q, balance %s", got, f.balance(b.key()))
	}
}

// TestAPriceThatChangedIsAskedForAgain: the month ended meanwhile, and with it the cap.
func TestAPriceThatChangedIsAskedForAgain(t *testing.T) {
	f := newFunded(t)
	key, w := f.opened(6_050_000)
	f.spends(w, 6_000_000)
	f.clock.Store(int64(time.Date(2026, 11, 30, 23, 55, 0, 0, time.UTC).Sub(f.start)))
	f.spends(w, 40_000)
	b := f.tab(key)
	b.get("/.paywall/unlock?offer=" + f.offer(price(500_000), underCap(6_100_000)))
	wantText(t, b.page, "€0.06 for this article")
	wantStatus(t, b.press("/.paywall/topup/card"), http.StatusSeeOther)
	back := f.pays(b.session(), pretend.Pay)
	f.advance(6 * time.Minute)
	wantText(t, b.comesBack(back), "Go on to the article")
	page := b.press("/.paywall/topup/return")
	wantStatus(t, page, http.StatusConflict)
	wantText(t, page, "This costs more now than the page said before", "Pay €0.50 and read")
	if f.balance(key) != "5.01" {
		t.Errorf("balance %s", f.balance(key))
	}
}

// TestWhatDidNotWorkIsExplained with what to do next.
func TestWhatDidNotWorkIsExplained(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	raw := f.offer()
	session := b.begun(raw)
	w := b.comesBack(f.pays(session, pretend.Cancel))
	wantText(t, w, "You have not paid", "Go on to the payment page", f.origin+"/pay/"+session, "/.paywall/topup?offer="+raw, "Back to the article")
	if w.Header().Get("Refresh") != "" {
		t.Error("a page that nothing is awaited on looks again")
	}
	f.advance(40 * time.Minute)
	wantText(t, b.get("/.paywall/topup/return?intent="+hidden(t, w.Body.String(), "intent")), "The time to pay is over", "Choose another way")

	late := f.tab("")
	late.get("/.paywall/topup")
	late.press("/.paywall/topup/card")
	back := f.pays(late.session(), pretend.PayLaterFails)
	if err := f.bank.Arrive(last(f.bank.IDs("checkout.session"))); err != nil {
		t.Fatal(err)
	}
	wantText(t, late.comesBack(back), "The payment did not succeed", "Nothing was taken", "Choose another way")
	wantStatus(t, b.get("/.paywall/topup/return?intent=AAAAAAAAAAAAAAAA"), http.StatusNotFound)
	wantStatus(t, b.get("/.paywall/topup/intent?id="+strings.Repeat("A", 5000)), http.StatusNotFound)
}

func last(list []string) string { return list[len(list)-1] }
