package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// capped quotes a resource under a cap.
func (h *suite) capped(resource string, cents, limit int64) paywall.Offer {
	o := h.offer(resource, cents)
	o.Cap = euro(limit)
	return o
}

// shown buys what a page said would take so many cents.
func (h *suite) shown(r reader, o paywall.Offer, cents int64) (paywall.Receipt, error) {
	charge := euro(cents)
	return h.store.Unlock(h.t.Context(), paywall.Purchase{Wallet: r.ID, Offer: o, Refund: refundTime, Shown: &charge})
}

// testCap: under a cap of 0.50 a month the wallet pays 0.50 and then nothing.
func testCap(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.payer(1000)
	first := h.buy(a, h.capped("/articles/1", 30, 50))
	h.buy(a, h.offer("/articles/outside", 100)) // no cap: it does not count
	shared := h.capped("/articles/2", 30, 50)
	shared.Shares = []paywall.Share{{Creator: "alice", PPM: 500_001}}
	second := h.buy(a, shared)
	free := h.buy(a, h.capped("/articles/3", 30, 50))
	for i, want := range []int64{30, 20, 0} {
		if got := []paywall.Receipt{first, second, free}[i].Unlock.Paid; got != euro(want) {
			t.Errorf("purchase %d took %v, want %d cents", i+1, got, want)
		}
	}
	if got := h.accounts()["creator/alice"]; got != 100_000 { // 0.20 x 50.0001 %, to the millionth
		t.Errorf("of what was paid alice has %d", got)
	}
	h.wantBalance(a, 850)
	if u, err := h.store.Owned(ctx, a.keys.Key, site, "/articles/3"); err != nil || u != free.Unlock {
		t.Errorf("what cost nothing is %+v, %v", u, err)
	}
	if again := h.buy(a, shared); again.Unlock != second.Unlock {
		t.Errorf("the same offer again gave %+v, first %+v", again.Unlock, second.Unlock)
	}
	changed := shared
	changed.Cap = euro(60)
	_, err := h.unlock(a, changed)
	h.wantError(err, paywall.ErrOfferChanged)

	// Elsewhere, and for others, the month is their own.
	other := h.capped("/articles/1", 30, 50)
	other.Site = "https://other.example"
	if got := h.buy(a, other).Unlock.Paid; got != euro(30) {
		t.Errorf("at another site %v was paid", got)
	}
	if got := h.buy(h.reader(100), h.capped("/articles/1", 30, 50)).Unlock.Paid; got != euro(30) {
		t.Errorf("another wallet paid %v", got)
	}

	// What is undone before the cap is reached makes room again.
	b := h.payer(100)
	undone := h.buy(b, h.capped("/articles/1", 30, 50)).Unlock
	if _, err := h.store.Refund(ctx, b.ID, undone.ID, 0); err != nil {
		t.Fatal(err)
	}
	if got := h.buy(b, h.capped("/articles/2", 50, 50)).Unlock.Paid; got != euro(50) {
		t.Errorf("after a refund of 30 cents %v was paid", got)
	}
	testNextMonth(t, h, a)
}

// testNextMonth: the sum begins anew, and what is undone of the month before
// does not count in it.
func testNextMonth(t *testing.T, h *suite, a reader) {
	b := h.reader(100)
	h.clock.sleep(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).Add(-time.Minute).Sub(h.clock.now()))
	last := h.buy(b, h.capped("/articles/last", 40, 50)).Unlock
	offer := h.capped("/articles/5", 30, 50)
	stale := h.capped("/articles/6", 30, 50)
	h.clock.sleep(time.Minute)
	if _, err := h.shown(a, stale, 0); paywall.ErrorCode(err) != paywall.CodeOfferChanged {
		t.Errorf("what was shown for nothing in November was sold in December: %v", err)
	}
	if got, err := h.shown(a, offer, 30); err != nil || got.Unlock.Paid != euro(30) {
		t.Errorf("in the next month %v was paid, %v", got.Unlock.Paid, err)
	}
	h.buy(b, h.capped("/articles/5", 10, 50))
	if _, err := h.store.Refund(t.Context(), b.ID, last.ID, 0); err != nil {
		t.Fatal(err)
	}
	if got := h.buy(b, h.capped("/articles/6", 90, 50)).Unlock.Paid; got != euro(40) {
		t.Errorf("a refund of the month before changed this one: %v was paid", got)
	}
}

// testQuote: what it says is what a purchase takes.
func testQuote(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.payer(60)
	quote := func(o paywall.Offer) paywall.Quote {
		t.Helper()
		q, err := h.store.Quote(ctx, a.ID, o)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	if q := quote(h.offer("/articles/1", 20)); q != (paywall.Quote{Charge: euro(20), Spent: euro(0), Free: euro(0)}) {
		t.Errorf("an ordinary offer is %+v", q)
	}
	h.wantError(quote(h.offer("/articles/1", 61)).Refusal, paywall.ErrInsufficientFunds)
	offer := h.capped("/articles/1", 30, 40)
	if q := quote(offer); q != (paywall.Quote{Charge: euro(30), Spent: euro(0), Free: euro(0)}) {
		t.Errorf("an offer with a cap is %+v", q)
	}
	h.buy(a, offer)
	if q := quote(offer); q != (paywall.Quote{Charge: euro(0), Spent: euro(30), Free: euro(0), Owned: true}) {
		t.Errorf("what is owned is %+v", q)
	}
	next := h.capped("/articles/2", 30, 40)
	if q := quote(next); q != (paywall.Quote{Charge: euro(10), Spent: euro(30), Free: euro(0), Final: paywall.ErrRefundCapped}) {
		t.Errorf("what is almost capped is %+v", q)
	}
	if _, err := h.shown(a, next, 9); paywall.ErrorCode(err) != paywall.CodeOfferChanged {
		t.Errorf("more than was shown: %v", err)
	}
	if got, err := h.shown(a, next, 10); err != nil || got.Unlock.Paid != euro(10) {
		t.Errorf("what was shown: %+v, %v", got, err)
	}
	if got, err := h.shown(a, h.capped("/articles/3", 30, 40), 10); err != nil || got.Unlock.Paid != euro(0) {
		t.Errorf("less than was shown: %+v, %v", got, err)
	}
	h.clock.sleep(time.Hour)
	if q := quote(h.offer("/articles/9", 20)); q.Refusal != nil {
		t.Errorf("a fresh offer is %+v", q)
	}
	if q := quote(next); !q.Owned || q.Refusal != nil {
		t.Errorf("an old offer for what is owned is %+v", q)
	}
	old := h.offer("/articles/9", 20)
	h.clock.sleep(time.Hour)
	if q := quote(old); paywall.ErrorCode(q.Refusal) != paywall.CodeOfferExpired {
		t.Errorf("an expired offer is %+v", q)
	}
	_, err := h.store.Quote(ctx, paywall.NewID(), h.offer("/articles/1", 20))
	h.wantError(err, paywall.ErrNoWallet)
}

// testQuoteSaysWhatUnlockDoes: where a quote names a refusal, the purchase meets it;
// where it names none, the purchase takes the charge that was quoted.
func testQuoteSaysWhatUnlockDoes(t *testing.T, h *suite) {
	ctx := t.Context()
	for name, prepare := range map[string]func(a reader) paywall.Offer{
		"ordinary": func(reader) paywall.Offer { return h.offer("/articles/1", 20) },
		"bought":   func(a reader) paywall.Offer { o := h.offer("/articles/1", 20); h.buy(a, o); return o },
		"owned":    func(a reader) paywall.Offer { h.buy(a, h.offer("/articles/1", 20)); return h.offer("/articles/1", 20) },
		"poor":     func(reader) paywall.Offer { return h.offer("/articles/1", 5000) },
		"free":     func(reader) paywall.Offer { return h.offer("/articles/1", 60) },
		"other price": func(a reader) paywall.Offer {
			o := h.offer("/articles/1", 20)
			h.buy(a, o)
			o.Price = euro(21)
			return o
		},
		"other title": func(a reader) paywall.Offer { o := h.offer("/articles/1", 20); h.buy(a, o); o.Title += "!"; return o },
		"no price":    func(reader) paywall.Offer { return h.offer("/articles/1", 0) },
		"currency":    func(reader) paywall.Offer { o := h.offer("/articles/1", 20); o.Price.Currency = "USD"; return o },
		"no id":       func(reader) paywall.Offer { o := h.offer("/articles/1", 20); o.ID = ""; return o },
		"access < 0":  func(reader) paywall.Offer { o := h.offer("/articles/1", 20); o.Access = -time.Hour; return o },
		"expired": func(reader) paywall.Offer {
			o := h.offer("/articles/1", 20)
			o.ExpiresAt = h.clock.now().Add(-time.Second)
			return o
		},
		"another's": func(reader) paywall.Offer { o := h.offer("/articles/1", 20); h.buy(h.reader(100), o); return o },
		"access over": func(a reader) paywall.Offer {
			o := h.offer("/articles/1", 20)
			o.Access = time.Minute
			h.buy(a, o)
			h.clock.sleep(2 * time.Minute)
			return o
		},
		"capped": func(a reader) paywall.Offer {
			h.buy(a, h.capped("/articles/1", 30, 40))
			return h.capped("/articles/2", 30, 40)
		},
		"cap is spent": func(a reader) paywall.Offer {
			h.buy(a, h.capped("/articles/1", 40, 40))
			return h.capped("/articles/2", 30, 40)
		},
		"refunded": func(a reader) paywall.Offer {
			o := h.offer("/articles/1", 20)
			h.undo(a, h.buy(a, o).Unlock.ID)
			return o
		},
		"undone before": func(a reader) paywall.Offer {
			h.undo(a, h.buy(a, h.offer("/articles/1", 20)).Unlock.ID)
			return h.offer("/articles/1", 20)
		},
		"expired, owned": func(a reader) paywall.Offer {
			h.buy(a, h.offer("/articles/1", 20))
			o := h.offer("/articles/1", 20)
			o.ExpiresAt = h.clock.now().Add(-time.Second)
			return o
		},
		"over budget": func(a reader) paywall.Offer {
			h.budget(a, 10)
			return h.offer("/articles/1", 20)
		},
		"over budget and poor": func(a reader) paywall.Offer {
			h.budget(a, 10)
			return h.offer("/articles/1", 5000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.reader(100)
			o := prepare(a)
			before := h.balance(a)
			quote, said := h.store.Quote(ctx, a.ID, o)
			receipt, err := h.unlock(a, o)
			if said == nil {
				said = quote.Refusal
			}
			switch {
			case (said == nil) != (err == nil) || said != nil && (!errors.Is(err, said) || fmt.Sprint(err) != fmt.Sprint(said)):
				t.Errorf("the quote says %v, the purchase %v", said, err)
			case err != nil:
				h.wantBalance(a, before)
			case before-h.balance(a) != quote.Charge.Micros/10_000 || receipt.Balance.Micros/10_000 != h.balance(a):
				t.Errorf("quoted %+v, and the balance went from %d to %d, receipt %+v", quote, before, h.balance(a), receipt)
			case quote.Owned != (quote.Charge.IsZero() && o.Cap.IsZero()):
				t.Errorf("quoted %+v", quote)
			}
		})
	}
}

func (h *suite) undo(a reader, unlock string) {
	h.t.Helper()
	if _, err := h.store.Refund(h.t.Context(), a.ID, unlock, 0); err != nil {
		h.t.Fatalf("undoing: %v", err)
	}
}

func (h *suite) budget(a reader, cents int64) {
	h.t.Helper()
	if err := h.store.Set(h.t.Context(), a.ID, paywall.Settings{Budget: euro(cents)}); err != nil {
		h.t.Fatalf("setting a budget: %v", err)
	}
}
