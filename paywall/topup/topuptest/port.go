package topuptest

import (
	"cmp"
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

func namesItself(t *testing.T, b Bench) {
	if b.Way.Name() == "" || b.Way.Life() < time.Minute {
		t.Errorf("the way %q gives readers %s to pay", b.Way.Name(), b.Way.Life())
	}
	for _, origin := range b.Way.Origins() {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
			t.Errorf("%q is no origin", origin)
		}
	}
}

func beginIsIdempotent(t *testing.T, b Bench) {
	begin := b.bare()
	first, err := b.Way.Begin(t.Context(), begin)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Way.Begin(t.Context(), begin)
	if err != nil {
		t.Fatal(err)
	}
	sameNext(t, first, again)
	if other, err := b.Way.Begin(t.Context(), b.bare()); err != nil || other.Object == first.Object {
		t.Errorf("another intent got %+v (%v), the first %+v", other, err, first)
	}
	if b.asks() == (first.Transfer != nil) || b.asks() == (first.URL == "") {
		t.Errorf("a reader is told neither where to go nor what to transfer, or both: %+v", first)
	}
}

func sameNext(t *testing.T, first, again topup.Next) {
	t.Helper()
	var transfers [2]topup.Transfer
	for i, next := range []topup.Next{first, again} {
		if next.Transfer != nil {
			transfers[i] = *next.Transfer
		}
	}
	if first.Object != again.Object || first.URL != again.URL || transfers[0] != transfers[1] {
		t.Errorf("the same intent got %+v, and then %+v", first, again)
	}
}

func beginSurvivesALostAnswer(t *testing.T, b Bench) {
	needs(t, b.LoseOnce != nil)
	begin := b.bare()
	b.LoseOnce()
	next, err := b.Way.Begin(t.Context(), begin)
	for range 5 {
		if err == nil {
			break
		}
		if !errors.Is(err, topup.ErrProvider) {
			t.Fatalf("a lost answer is %v", err)
		}
		next, err = b.Way.Begin(t.Context(), begin)
	}
	if err != nil {
		t.Fatal(err)
	}
	in := b.intent(begin, next)
	b.Pay(in)
	if found := b.look(t, in); found.State != paywall.IntentPaid {
		t.Errorf("the intent that was begun again is %s after it was paid", found.State)
	}
}

func lookNamesStableMovements(t *testing.T, b Bench) {
	in := b.begun(t)
	before := b.look(t, in)
	if before.State != paywall.IntentOffered || len(before.Movements) != 0 || len(before.Warned) != 0 {
		t.Errorf("before anybody paid, the intent is %+v", before)
	}
	if !b.asks() {
		return
	}
	if before.URL == "" {
		t.Error("a reader cannot go on with what was offered")
	}
	b.Pay(in)
	first, again := b.look(t, in), b.look(t, in)
	if first.State != paywall.IntentPaid {
		t.Errorf("a paid intent is %s", first.State)
	}
	if !slices.Equal(sorted(first.Movements), sorted(again.Movements)) {
		t.Errorf("one look names %+v, the next %+v", first.Movements, again.Movements)
	}
	payments := 0
	for _, m := range first.Movements {
		if m.Way != b.Way.Name() || m.ID == "" || m.Payment == "" || m.At.IsZero() {
			t.Errorf("a movement lacks its way, id, payment or time: %+v", m)
		}
		if m.Kind == paywall.MovedPayment {
			payments++
			if m.Intent != in.ID || m.Amount != in.Amount {
				t.Errorf("the payment is %+v for the intent %+v", m, in)
			}
		}
	}
	if payments != 1 {
		t.Errorf("%d payments were named", payments)
	}
}

func sorted(movements []paywall.Movement) []paywall.Movement {
	movements = slices.Clone(movements)
	for i := range movements {
		movements[i].At = movements[i].At.UTC()
	}
	slices.SortFunc(movements, func(a, b paywall.Movement) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return movements
}

func hookOnlyNames(t *testing.T, b Bench) {
	needs(t, b.Hooks != nil)
	in := b.begun(t)
	b.Pay(in)
	calls := b.Hooks()
	if len(calls) == 0 {
		t.Fatal("the provider called nobody after a payment")
	}
	named := false
	for _, r := range calls {
		w := httptest.NewRecorder()
		got, err := b.Way.Hook(w, r)
		if err != nil {
			t.Fatal(err)
		}
		if w.Body.Len() != 0 || len(w.Header()) != 0 {
			t.Errorf("a good call was answered by the way: %d %v %s", w.Code, w.Header(), w.Body)
		}
		for _, ref := range got.Intents {
			if ref.Intent == in.ID {
				named = true
			}
			if ref.Object != "" && ref.Object != in.Object {
				t.Errorf("the call names the object %q instead of %q", ref.Object, in.Object)
			}
		}
	}
	if !named {
		t.Error("no call named the intent that was paid")
	}
}

func hookRefusesForgedCalls(t *testing.T, b Bench) {
	forged := b.Forged
	if forged == nil {
		needs(t, b.Hooks == nil)
		w := httptest.NewRecorder()
		if named, err := b.Way.Hook(w, httptest.NewRequest("POST", "/.paywall/webhook/"+b.Way.Name(), nil)); err == nil || w.Code < 400 {
			t.Errorf("a way that nobody calls answers %d, %+v, %v", w.Code, named, err)
		}
		return
	}
	for i, r := range forged() {
		w := httptest.NewRecorder()
		named, err := b.Way.Hook(w, r)
		if err == nil || w.Code < 400 || w.Code > 499 || len(named.Intents)+len(named.Movements) != 0 {
			t.Errorf("forged call %d was answered %d, %+v, %v", i, w.Code, named, err)
		}
		if want := paywall.ErrorCode(err).HTTPStatus(); err != nil && w.Code != want && w.Code != 408 {
			t.Errorf("forged call %d was answered %d, and its error says %d", i, w.Code, want)
		}
	}
}

func movementsCoverLook(t *testing.T, b Bench) {
	needs(t, b.asks())
	var intents []paywall.Intent
	for range 3 {
		intents = append(intents, b.begun(t))
		b.Pay(intents[len(intents)-1])
	}
	part := b.part()
	if b.Refund != nil {
		b.Refund(intents[0], part)
	}
	if b.Dispute != nil {
		b.Dispute(intents[1])(false)
	}
	if b.Payout != nil {
		b.Payout(part)
	}
	all, _ := b.all(t)
	for _, in := range intents {
		for _, want := range b.look(t, in).Movements {
			i := slices.IndexFunc(all, func(m paywall.Movement) bool { return m.Kind == want.Kind && m.ID == want.ID })
			if i < 0 {
				t.Errorf("the account does not list %+v", want)
				continue
			}
			got := all[i]
			if got.Way != want.Way || got.Amount != want.Amount || got.Fee != want.Fee || got.Payment != want.Payment || !got.At.Equal(want.At) {
				t.Errorf("a look names %+v, the account lists %+v", want, got)
			}
		}
	}
	for i := 1; i < len(all); i++ {
		if all[i].At.Before(all[i-1].At.Truncate(time.Second)) {
			t.Errorf("%+v is listed after %+v", all[i], all[i-1])
		}
	}
}

func returnIsIdempotent(t *testing.T, b Bench) {
	in := b.begun(t)
	part := paywall.CashOutPart{
		ID: b.bare().ID + "-0", Way: b.Way.Name(), Payment: "none", Intent: in.ID, State: paywall.CashOutSent,
		Amount: b.part(), At: time.Now(),
	}
	if !b.asks() {
		if _, err := b.Way.Return(t.Context(), part); !errors.Is(err, topup.ErrManual) {
			t.Errorf("a way that asks nobody gives money back: %v", err)
		}
		return
	}
	b.Pay(in)
	for _, m := range b.look(t, in).Movements {
		if m.Kind == paywall.MovedPayment {
			part.Payment = m.Payment
		}
	}
	for range 3 {
		state, err := b.Way.Return(t.Context(), part)
		if err != nil || state != paywall.CashOutPending && state != paywall.CashOutDone {
			t.Fatalf("money goes back as %q, %v", state, err)
		}
	}
	other := part
	other.ID = b.bare().ID + "-0"
	if _, err := b.Way.Return(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	back := map[string]int64{}
	for _, m := range b.look(t, in).Movements {
		if m.Kind == paywall.MovedRefund {
			back[m.CashOut] += m.Amount.Micros
		}
	}
	if len(back) != 2 || back[part.ID] != part.Amount.Micros || back[other.ID] != part.Amount.Micros {
		t.Errorf("two parts of %s went back as %v", part.Amount, back)
	}
	other.ID, other.Amount = b.bare().ID+"-0", b.Amount
	if _, err := b.Way.Return(t.Context(), other); !errors.Is(err, topup.ErrRefused) {
		t.Errorf("more than is left of a payment goes back: %v", err)
	}
}

func contextsAreHonoured(t *testing.T, b Bench) {
	needs(t, b.Hang != nil, b.Mend != nil)
	in := b.begun(t)
	b.Hang()
	defer b.Mend()
	for name, ask := range b.questions(in) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		began := time.Now()
		err := ask(ctx)
		if took := time.Since(began); err == nil || took > time.Second {
			t.Errorf("%s answered %v after %s, when its context had ended long before", name, err, took)
		}
		cancel()
	}
}

func failuresAreTheProviders(t *testing.T, b Bench) {
	needs(t, b.Break != nil, b.Mend != nil)
	in := b.begun(t)
	b.Break()
	for name, ask := range b.questions(in) {
		if err := ask(t.Context()); !errors.Is(err, topup.ErrProvider) {
			t.Errorf("%s says of a provider that answers 500 only: %v", name, err)
		}
	}
	b.Mend()
	if found := b.look(t, in); found.State != paywall.IntentOffered {
		t.Errorf("afterwards the intent is %+v", found)
	}
	if b.BreakOnce == nil {
		return
	}
	begin := b.bare()
	b.BreakOnce()
	_, err := b.Way.Begin(t.Context(), begin)
	for range 5 {
		if err != nil {
			_, err = b.Way.Begin(t.Context(), begin)
		}
	}
	if err != nil {
		t.Errorf("after one answer of 500, the intent cannot be begun: %v", err)
	}
}

// questions are all that a way asks its provider.
func (b Bench) questions(in paywall.Intent) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Begin": func(ctx context.Context) error { _, err := b.Way.Begin(ctx, b.bare()); return err },
		"Look":  func(ctx context.Context) error { _, err := b.Way.Look(ctx, in); return err },
		"Return": func(ctx context.Context) error {
			_, err := b.Way.Return(ctx, paywall.CashOutPart{ID: "part-0", Way: b.Way.Name(), Payment: "pi_1", Intent: in.ID, Amount: b.Amount, At: time.Now()})
			return err
		},
		"Movements": func(ctx context.Context) error {
			for _, err := range b.Way.Movements(ctx, time.Now().Add(-time.Hour)) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
