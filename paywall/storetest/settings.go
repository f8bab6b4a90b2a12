package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func (h *suite) set(r reader, s paywall.Settings) {
	h.t.Helper()
	if err := h.store.Set(h.t.Context(), r.ID, s); err != nil {
		h.t.Fatalf("setting %+v: %v", s, err)
	}
}

func (h *suite) settings(r reader) (paywall.Settings, paywall.Spending) {
	h.t.Helper()
	settings, spending, err := h.store.Settings(h.t.Context(), r.ID)
	if err != nil {
		h.t.Fatalf("reading settings: %v", err)
	}
	return settings, spending
}

// testBudget: with 0.50 a day, what was bought before in the day counts, what was
// refunded does not, and the next day begins anew.
func testBudget(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(1000)
	for name, bad := range map[string]paywall.Settings{
		"negative":          {Budget: euro(-1)},
		"another currency":  {Budget: paywall.Money{Micros: 1, Currency: "USD"}},
		"too much":          {Budget: euro(1_000_001_00)},
		"no week":           {Auto: paywall.Auto{PerArticle: euro(30)}},
		"no article":        {Auto: paywall.Auto{PerWeek: euro(30)}},
		"less for the week": {Auto: auto(30, 29)},
	} {
		if err := h.store.Set(ctx, a.ID, bad); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("settings with %s: %v", name, err)
		}
	}
	h.wantError(h.store.Set(ctx, paywall.NewID(), paywall.Settings{}), paywall.ErrNoWallet)
	_, _, err := h.store.Settings(ctx, paywall.NewID())
	h.wantError(err, paywall.ErrNoWallet)
	none, spent := h.settings(a)
	if none != (paywall.Settings{Budget: euro(0), Auto: auto(0, 0)}) || spent != (paywall.Spending{Today: euro(0), Week: euro(0), Month: euro(0)}) {
		t.Errorf("without any they are %+v, %+v", none, spent)
	}

	before := h.buy(a, h.offer("/articles/before", 20)).Unlock
	h.set(a, paywall.Settings{Budget: euro(50)})
	seq, _ := h.export()
	h.set(a, paywall.Settings{Budget: euro(50)}) // no change, no record
	if again, _ := h.export(); len(again) != len(seq) {
		t.Error("the same settings were recorded twice")
	}
	h.buy(a, h.offer("/articles/1", 30))
	if got, spent := h.settings(a); got.Budget != euro(50) || spent.Today != euro(50) || spent.Month != euro(50) {
		t.Errorf("the budget is %+v, of which %+v", got, spent)
	}
	over := h.offer("/articles/2", 1)
	_, err = h.unlock(a, over)
	h.wantError(err, paywall.ErrOverBudget)
	q, err := h.store.Quote(ctx, a.ID, over)
	h.wantError(err, nil)
	h.wantError(q.Refusal, paywall.ErrOverBudget)
	if again := h.buy(a, h.offer("/articles/1", 30)); !again.AlreadyOwned {
		t.Error("what is owned was bought again")
	}
	if _, err := h.store.Refund(ctx, a.ID, before.ID, 0); err != nil {
		t.Fatal(err)
	}
	h.buy(a, h.offer("/articles/2", 20))
	_, err = h.unlock(a, h.offer("/articles/3", 1))
	h.wantError(err, paywall.ErrOverBudget)
	h.set(a, paywall.Settings{})
	h.buy(a, h.offer("/articles/3", 10))
	h.set(a, paywall.Settings{Budget: euro(65)})
	if _, spent := h.settings(a); spent.Today != euro(60) {
		t.Errorf("switched off and on again, the budget is used by %v", spent.Today)
	}
	_, err = h.unlock(a, h.offer("/articles/4", 6))
	h.wantError(err, paywall.ErrOverBudget)
	h.clock.sleep(12 * time.Hour) // midnight
	h.buy(a, h.offer("/articles/4", 65))
	_, err = h.unlock(a, h.offer("/articles/5", 1))
	h.wantError(err, paywall.ErrOverBudget)
	h.buy(h.reader(100), h.offer("/articles/5", 100)) // another wallet's is its own
}

// testForget: what is to be forgotten is not written down, opens its resource, and
// is listed as long as it can be undone.
func testForget(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(1000)
	listed := func(want ...string) {
		t.Helper()
		unlocks, _, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Limit: 100})
		got := []string{}
		for _, u := range unlocks {
			got = append(got, u.Resource)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the history lists %v, want %v (%v)", got, want, err)
		}
	}
	h.buy(a, h.offer("/known", 10))
	h.set(a, paywall.Settings{Forget: true})
	offer := h.offer("/secret", 10)
	offer.URL, offer.Title = "/secret?q=searched", "Telling"
	bought := h.buy(a, offer)
	if bought.Unlock.Title != "" || bought.Unlock.URL != "/secret" {
		t.Errorf("what is to be forgotten is %+v", bought.Unlock)
	}
	if again := h.buy(a, offer); again.Unlock != bought.Unlock || again.AlreadyOwned {
		t.Errorf("the same offer again gave %+v", again)
	}
	named := h.offer("/index.php?p=7", 10)
	named.URL = "/index.php?q=searched&p=7"
	if got := h.buy(a, named); got.Unlock.URL != "/index.php?p=7" {
		t.Errorf("what the query names is at %s", got.Unlock.URL)
	}
	listed("/index.php?p=7", "/secret", "/known") // all can be undone
	forgotten := func(want ...bool) {
		t.Helper()
		e, err := Export(ctx, h.store, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		unlocks, _, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range e.Purchases {
			if u.Forgotten != want[i] {
				t.Errorf("in the export, %s is forgotten: %t", u.Resource, u.Forgotten)
			}
			if i < len(unlocks) && unlocks[i].Forgotten != want[i] {
				t.Errorf("in the history, %s is forgotten: %t", unlocks[i].Resource, unlocks[i].Forgotten)
			}
		}
	}
	forgotten(true, true, true)
	h.clock.sleep(refundTime)
	listed()
	raw, _ := h.export()
	for _, word := range []string{"Telling", "searched"} {
		if contains(raw, word) {
			t.Errorf("the ledger remembers %q", word)
		}
	}
	if u, err := h.store.Owned(ctx, a.keys.Key, site, "/secret"); err != nil || u != bought.Unlock {
		t.Errorf("what is forgotten is owned as %+v, %v", u, err)
	}
	h.set(a, paywall.Settings{})
	h.buy(a, h.offer("/next", 10))
	h.clock.sleep(refundTime)
	listed("/next") // what was forgotten stays forgotten
	forgotten(false, true, true, true)
	if again := h.buy(a, offer); again.Unlock != bought.Unlock {
		t.Errorf("the offer of then gave %+v", again)
	}
	changed := offer
	changed.Price = euro(11)
	_, err := h.unlock(a, changed)
	h.wantError(err, paywall.ErrOfferChanged)
}
