package ledger_test

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestATopUpIsBegunOnce(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	in := paywall.Intent{ID: "2026.a", Wallet: w, Way: "stripe", Amount: euro(5), ExpiresAt: r.now.Add(time.Hour)}
	first := must[paywall.Intent](t)(r.BeginTopUp(r.ctx, in))
	r.pass(time.Minute)
	if again := must[paywall.Intent](t)(r.BeginTopUp(r.ctx, in)); again != first || again.State != paywall.IntentOpen {
		t.Errorf("again it is %+v, was %+v", again, first)
	}
	for _, change := range []func(*paywall.Intent){
		func(i *paywall.Intent) { i.Amount = euro(6) },
		func(i *paywall.Intent) { i.Way = "bank" },
		func(i *paywall.Intent) { i.Wallet = r.wallet(0) },
	} {
		other := in
		change(&other)
		_, err := r.BeginTopUp(r.ctx, other)
		r.fails(err, paywall.ErrConflict)
	}
	in.ID, in.Wallet = "2026.b", paywall.NewID()
	_, err := r.BeginTopUp(r.ctx, in)
	r.fails(err, paywall.ErrNoWallet)
	for _, bad := range []paywall.Intent{
		{ID: "a/b", Wallet: w, Way: "stripe", Amount: euro(5), ExpiresAt: r.now},
		{ID: "c", Wallet: w, Way: paywall.AccountFees, Amount: euro(5), ExpiresAt: r.now},
		{ID: "c", Wallet: w, Way: "wallet/x", Amount: euro(5), ExpiresAt: r.now},
		{ID: "c", Wallet: w, Way: "stripe", Amount: euro(0), ExpiresAt: r.now},
		{ID: "c", Wallet: w, Way: "stripe", Amount: euro(5)},
	} {
		if _, err := r.BeginTopUp(r.ctx, bad); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("%+v is begun, %v", bad, err)
		}
	}
}

func TestAtMostThreeTopUpsOfAWalletWait(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	begun := []string{r.begin(w, "stripe", 5), r.begin(w, "stripe", 5), r.begin(w, "stripe", 5)}
	r.begin(w, "bank", 5) // waits for a month, and is in no card's way
	in := paywall.Intent{ID: "2026.more", Wallet: w, Way: "stripe", Amount: euro(5), ExpiresAt: r.now.Add(31 * time.Minute)}
	_, err := r.BeginTopUp(r.ctx, in)
	r.fails(err, paywall.ErrTooManyTopUps)
	r.begin(r.wallet(0), "stripe", 5) // another's

	_, err = r.MoveIntent(r.ctx, begun[0], paywall.IntentFailed, "")
	r.fails(err, nil)
	must[paywall.Intent](t)(r.BeginTopUp(r.ctx, in)) // one ended
	in.ID = "2026.more2"
	_, err = r.BeginTopUp(r.ctx, in)
	r.fails(err, paywall.ErrTooManyTopUps)
	r.pass(31 * time.Minute)
	in.ExpiresAt = r.now.Add(time.Minute)
	must[paywall.Intent](t)(r.BeginTopUp(r.ctx, in)) // all are past their end
	waiting := must[[]paywall.Intent](t)(r.Waiting(r.ctx, w))
	if len(waiting) != 1 || waiting[0].ID != in.ID {
		t.Errorf("%v wait, of which only %s can still be paid", waiting, in.ID)
	}
}

func TestATopUpOnlyGoesForward(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	id := r.begin(w, "stripe", 5)
	move := func(to paywall.IntentState, object string, want paywall.IntentState, named string) {
		t.Helper()
		got, err := r.MoveIntent(r.ctx, id, to, object)
		kept := must[paywall.Intent](t)(r.Intent(r.ctx, id))
		if err != nil || got != kept || kept.State != want || kept.Object != named {
			t.Errorf("moved to %s it is %+v, kept %+v, %v", to, got, kept, err)
		}
	}
	move(paywall.IntentOffered, "2026.o", paywall.IntentOffered, "2026.o")
	move(paywall.IntentOpen, "2026.x", paywall.IntentOffered, "2026.o")
	move(paywall.IntentOffered, "2026.x", paywall.IntentOffered, "2026.o")
	move(paywall.IntentPending, "2026.o", paywall.IntentPending, "2026.o")
	move(paywall.IntentPaid, "", paywall.IntentPending, "2026.o") // without money
	move(paywall.IntentExpired, "", paywall.IntentExpired, "2026.o")
	move(paywall.IntentFailed, "", paywall.IntentExpired, "2026.o")
	if open := must[[]paywall.Intent](t)(r.OpenIntents(r.ctx, "", 10)); len(open) != 0 {
		t.Errorf("open are %+v", open)
	}
	m := movement(paywall.MovedPayment, "2026.p", "2026.p", 5)
	m.Intent = id
	if b := r.book(m); b.Credited != euro(5) || b.Wallet != w {
		t.Errorf("what is paid late is booked as %+v", b)
	}
	move(paywall.IntentExpired, "", paywall.IntentPaid, "2026.o")
	_, err := r.MoveIntent(r.ctx, "2026.unknown", paywall.IntentPaid, "")
	r.fails(err, paywall.ErrNoIntent)
	_, err = r.MoveIntent(r.ctx, id, "sold", "")
	if paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("an unknown state gives %v", err)
	}
}

func TestOpenTopUpsAreListedByPages(t *testing.T) {
	r := newRig(t)
	w, other := r.wallet(0), r.wallet(0)
	var want []string
	for range 3 {
		want = append(want, r.begin(w, "stripe", 5))
	}
	want = append(want, r.begin(other, "bank", 7))
	r.fails(r.Erase(r.ctx, other), nil)
	var got []string
	for after := ""; ; {
		page := must[[]paywall.Intent](t)(r.OpenIntents(r.ctx, after, 3))
		for _, in := range page {
			got, after = append(got, in.ID), in.ID
		}
		if len(page) < 3 {
			break
		}
	}
	if len(got) != 4 || got[0] != want[0] || got[3] != want[3] {
		t.Errorf("listed are %v, want %v", got, want)
	}
	if in := must[paywall.Intent](t)(r.Intent(r.ctx, want[3])); in.Wallet != "" || in.Way != "bank" || in.Amount != euro(7) {
		t.Errorf("of an erased wallet it is %+v", in)
	}
	in := must[paywall.Intent](t)(r.MoveIntent(r.ctx, want[3], paywall.IntentExpired, ""))
	if in.State != paywall.IntentExpired {
		t.Errorf("of an erased wallet it moves to %+v", in)
	}
}
