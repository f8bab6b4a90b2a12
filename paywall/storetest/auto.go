package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// unasked buys as a page does that the reader only looked at.
func (h *suite) unasked(r reader, o paywall.Offer) (paywall.Receipt, error) {
	return h.store.Unlock(h.t.Context(), paywall.Purchase{Wallet: r.ID, Offer: o, Refund: refundTime, Auto: true})
}

func auto(article, week int64) paywall.Auto {
	return paywall.Auto{PerArticle: euro(article), PerWeek: euro(week)}
}

// testAuto: up to 0.30 an article and 0.50 a week are bought without asking.
func testAuto(t *testing.T, h *suite) {
	a := h.reader(1000) // on a Sunday
	_, err := h.unasked(a, h.offer("/articles/1", 10))
	h.wantError(err, paywall.ErrAskFirst)
	h.set(a, paywall.Settings{Auto: auto(30, 50)})
	_, err = h.unasked(a, h.offer("/articles/1", 31))
	h.wantError(err, paywall.ErrAskFirst)
	buy := func(resource string, cents int64) paywall.Unlock {
		t.Helper()
		receipt, err := h.unasked(a, h.offer(resource, cents))
		if err != nil || !receipt.Unlock.Auto || receipt.Unlock.Paid != euro(cents) {
			t.Fatalf("buying unasked: %+v, %v", receipt, err)
		}
		return receipt.Unlock
	}
	first := buy("/articles/1", 30)
	if u, err := h.store.Owned(t.Context(), a.keys.Key, site, "/articles/1"); err != nil || u != first {
		t.Errorf("bought unasked, owned is %+v, %v", u, err)
	}
	h.buy(a, h.offer("/articles/asked", 100)) // does not count
	buy("/articles/2", 20)
	_, err = h.unasked(a, h.offer("/articles/3", 1))
	h.wantError(err, paywall.ErrAskFirst)
	if q, err := h.store.Quote(t.Context(), a.ID, h.offer("/articles/3", 1)); err != nil || q.Auto || q.Refusal != nil {
		t.Errorf("when the week is used up the quote is %+v, %v", q, err)
	}
	if got, err := h.unasked(a, h.offer("/articles/2", 1)); err != nil || !got.AlreadyOwned {
		t.Errorf("what is owned, unasked: %+v, %v", got, err)
	}
	if _, err := h.store.Refund(t.Context(), a.ID, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	h.set(a, paywall.Settings{Auto: auto(20, 40)})
	if _, spent := h.settings(a); spent.Week != euro(20) {
		t.Errorf("after a refund and with a new limit the week has %v", spent.Week)
	}
	buy("/articles/3", 20)
	h.set(a, paywall.Settings{Auto: auto(20, 40), Budget: euro(140)})
	h.clock.sleep(12 * time.Hour) // Monday
	buy("/articles/4", 20)
	h.buy(a, h.offer("/articles/asked/2", 110))
	_, err = h.unasked(a, h.offer("/articles/5", 20))
	h.wantError(err, paywall.ErrOverBudget)
	capped := h.offer("/articles/6", 100)
	capped.Cap = euro(10)
	if got, err := h.unasked(a, capped); err != nil || got.Unlock.Paid != euro(10) {
		t.Errorf("what the cap leaves, unasked: %+v, %v", got, err)
	}
	h.set(a, paywall.Settings{})
	_, err = h.unasked(a, h.offer("/articles/7", 1))
	h.wantError(err, paywall.ErrAskFirst)
}

// testUndoneIsAskedFor: what was undone is not bought again without asking, until
// it was bought again by somebody who was asked.
func testUndoneIsAskedFor(t *testing.T, h *suite) {
	a := h.reader(1000)
	h.set(a, paywall.Settings{Auto: auto(30, 500)})
	for i := range 2 { // of two articles, since one is undone once
		article := fmt.Sprint("/articles/1/", i)
		receipt, err := h.store.Unlock(t.Context(), paywall.Purchase{Wallet: a.ID, Offer: h.offer(article, 20), Refund: refundTime, Auto: i == 0})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.Refund(t.Context(), a.ID, receipt.Unlock.ID, 0); err != nil {
			t.Fatal(err)
		}
		again := h.offer(article, 20)
		_, err = h.unasked(a, again)
		h.wantError(err, paywall.ErrAskFirst)
		if q, err := h.store.Quote(t.Context(), a.ID, again); err != nil || q.Auto || q.Refusal != nil {
			t.Errorf("after an undo the quote is %+v, %v", q, err)
		}
	}
	if q, err := h.store.Quote(t.Context(), a.ID, h.offer("/articles/2", 20)); err != nil || !q.Auto {
		t.Errorf("of another article the quote is %+v, %v", q, err)
	}
	lasting := h.offer("/articles/1/0", 20)
	lasting.Access = time.Hour
	h.buy(a, lasting)
	h.clock.sleep(time.Hour)
	if receipt, err := h.unasked(a, h.offer("/articles/1/0", 20)); err != nil || !receipt.Unlock.Auto {
		t.Errorf("what was kept and is over is %+v, %v", receipt, err)
	}
}

// testI17ParallelUnasked: of twenty articles at 0.50 that open at once, a week's
// 2.00 buy four.
func testI17ParallelUnasked(t *testing.T, h *suite) {
	for round := range rounds {
		a := h.reader(5000)
		h.set(a, paywall.Settings{Auto: auto(50, 200)})
		var bought, refused atomic.Int32
		together(20, func(i int) {
			_, err := h.unasked(a, h.offer(fmt.Sprintf("/articles/%d/%d", round, i), 50))
			switch {
			case err == nil:
				bought.Add(1)
			case errors.Is(err, paywall.ErrAskFirst):
				refused.Add(1)
			default:
				t.Errorf("opening in parallel: %v", err)
			}
		})
		if bought.Load() != 4 || refused.Load() != 16 {
			t.Errorf("under 2.00 a week %d were bought, %d refused", bought.Load(), refused.Load())
		}
		h.wantBalance(a, 4800)
	}
}
