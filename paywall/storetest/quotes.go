package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

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
