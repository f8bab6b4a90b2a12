package ledger_test

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

func TestAPaymentIsCreditedOnce(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0.6)
	m := movement(paywall.MovedPayment, "2026.p", "2026.p", 10)
	m.Intent = r.begin(w, "stripe", 10)
	if b := r.book(m); b != (paywall.Booked{Wallet: w, Credited: euro(10), Balance: euro(10.6), Placed: true}) {
		t.Errorf("it is booked as %+v", b)
	}
	m.At = m.At.Add(time.Hour)
	if b := r.book(m); b != (paywall.Booked{Wallet: w, Credited: euro(10), Balance: euro(10.6), Placed: true, Replayed: true}) {
		t.Errorf("again it is booked as %+v", b)
	}
	for _, change := range []func(*paywall.Movement){
		func(m *paywall.Movement) { m.Amount = euro(11) },
		func(m *paywall.Movement) { m.Payment = "2026.q" },
		func(m *paywall.Movement) { m.Intent = "" },
		func(m *paywall.Movement) { m.ID = "2026.other" }, // the same payment
	} {
		other := m
		change(&other)
		_, err := r.Book(r.ctx, other)
		r.fails(err, paywall.ErrConflict)
	}
	r.has(w, 10.6, 0.6, 0)
	r.account("stripe", -10)
	stats := must[paywall.Stats](t)(r.Stats(r.ctx))
	if stats.PaidIn.Amount != euro(10) || stats.OwedFree != euro(0.6) || stats.Funding.Ways[0].PaidIn.Count != 1 {
		t.Errorf("the sums are %+v, %+v", stats, stats.Funding)
	}
}

func TestMoneyThatBelongsToNoWalletStandsInUnclaimed(t *testing.T) {
	r := newRig(t)
	erased, other := r.wallet(0), r.wallet(0)
	ofErased, ofBank := r.begin(erased, "stripe", 5), r.begin(other, "bank", 5)
	r.fails(r.Erase(r.ctx, erased), nil)
	for id, intent := range map[string]string{"2026.1": "", "2026.2": "2026.unknown", "2026.3": ofErased, "2026.4": ofBank} {
		m := movement(paywall.MovedPayment, id, id, 5)
		m.Intent = intent
		for replayed := range 2 {
			if b := r.book(m); b != (paywall.Booked{Replayed: replayed == 1}) && b != (paywall.Booked{Credited: euro(0), Balance: euro(0)}) {
				t.Errorf("%s is booked as %+v", id, b)
			}
		}
	}
	list := must[[]paywall.Unclaimed](t)(r.Unclaimed(r.ctx, "stripe/2026.1", 2))
	if len(list) != 2 || list[0] != (paywall.Unclaimed{Way: "stripe", ID: "2026.2", Amount: euro(5), At: r.now}) || list[1].ID != "2026.3" {
		t.Errorf("unclaimed are %+v", list)
	}

	b := must[paywall.Booked](t)(r.Assign(r.ctx, "stripe", "2026.1", ofBank))
	if b.Wallet != other || b.Credited != euro(5) || b.Replayed {
		t.Errorf("it is assigned as %+v", b)
	}
	again := must[paywall.Booked](t)(r.Assign(r.ctx, "stripe", "2026.1", ofBank))
	if again.Credited != euro(5) || !again.Replayed || again.Balance != euro(5) {
		t.Errorf("it is assigned again as %+v", again)
	}
	_, err := r.Assign(r.ctx, "stripe", "2026.1", r.begin(other, "stripe", 5))
	r.fails(err, paywall.ErrConflict)
	r.fails(r.SendBack(r.ctx, "stripe", "2026.1"), paywall.ErrConflict)
	_, err = r.Assign(r.ctx, "stripe", "2026.2", ofErased)
	r.fails(err, paywall.ErrNoWallet)
	_, err = r.Assign(r.ctx, "stripe", "2026.2", "2026.unknown")
	r.fails(err, paywall.ErrNoIntent)
	_, err = r.Assign(r.ctx, "stripe", "2026.unknown", ofBank)
	r.fails(err, paywall.ErrNotUnclaimed)
	if in := must[paywall.Intent](t)(r.Intent(r.ctx, ofBank)); in.State != paywall.IntentPaid {
		t.Errorf("the intent that it was assigned to is %s", in.State)
	}
	if b := r.book(movement(paywall.MovedPayment, "2026.1", "2026.1", 5)); !b.Placed || b.Wallet != other || !b.Replayed {
		t.Errorf("once assigned, it is booked again as %+v", b)
	}

	r.fails(r.SendBack(r.ctx, "stripe", "2026.2"), nil)
	r.fails(r.SendBack(r.ctx, "stripe", "2026.2"), nil)
	_, err = r.Assign(r.ctx, "stripe", "2026.2", ofBank)
	r.fails(err, paywall.ErrConflict)
	r.account("stripe", -15)
	r.account(paywall.AccountUnclaimed, 10)
}

func TestARefundOfUnclaimedMoneyComesOutOfIt(t *testing.T) {
	r := newRig(t)
	r.book(movement(paywall.MovedPayment, "2026.p", "2026.p", 5))
	r.book(movement(paywall.MovedRefund, "2026.r", "2026.p", 2))
	w := r.wallet(0)
	if b := must[paywall.Booked](t)(r.Assign(r.ctx, "stripe", "2026.p", r.begin(w, "stripe", 5))); b.Credited != euro(3) {
		t.Errorf("of what is left %s are assigned", b.Credited)
	}
	r.book(movement(paywall.MovedRefundFailed, "2026.r", "2026.p", 2))
	r.has(w, 5, 0, 0)
	r.account(paywall.AccountUnclaimed, 0)
	if offer := must[paywall.CashOut](t)(r.CashOutOffer(r.ctx, w)); offer.Amount != euro(5) {
		t.Errorf("%s of it can go back", offer.Amount)
	}
}

func TestFeesPayoutsAndTheUnexplainedAreBooked(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 10)
	_, err := r.Book(r.ctx, movement(paywall.MovedFee, "2026.f", "2026.unknown", 1))
	r.fails(err, paywall.ErrNoPayment)
	for range 2 {
		r.book(movement(paywall.MovedFee, "2026.f", p, 0.4))
		r.book(movement(paywall.MovedFee, "txn_1", "", 0.1))
		r.book(movement(paywall.MovedPayout, "po_1", "", 5))
		r.book(movement(paywall.MovedPayoutFailed, "po_1", "", 5))
		r.book(movement(paywall.MovedPayout, "po_2", "", 4))
		if b := r.book(movement(paywall.MovedOther, "a/b", "", -0.5)); b.Placed {
			t.Errorf("the unexplained is booked as %+v", b)
		}
	}
	_, err = r.Book(r.ctx, movement(paywall.MovedPayout, "po_2", "", 5))
	r.fails(err, paywall.ErrConflict)
	r.account("stripe", -10+0.4+0.1+4+0.5)
	r.account(paywall.AccountBank, -4)
	r.account(paywall.AccountFees, -0.5)
	r.account(paywall.AccountSuspense, -0.5)
	r.has(w, 10, 0, 0)

	var told []paywall.Movement
	for m, err := range r.Movements(r.ctx, r.now) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, m)
	}
	if len(told) != 7 || told[0].Kind != paywall.MovedPayment || told[0].Amount != euro(10) || told[1].Payment != p || told[6].Amount != euro(-0.5) || told[6].ID != "a/b" {
		t.Errorf("the movements are %+v", told)
	}
	for range r.Movements(r.ctx, r.now.Add(time.Second)) {
		t.Error("a movement is told that was booked earlier")
	}
}

func TestWhatIsNoMovementIsNotBooked(t *testing.T) {
	r := newRig(t)
	p := r.pay(r.wallet(0), 10)
	for name, m := range map[string]paywall.Movement{
		"no way":                     {Kind: paywall.MovedFee, ID: "a", Amount: euro(1)},
		"an account that is no way":  {Way: paywall.AccountUnclaimed, Kind: paywall.MovedFee, ID: "a", Amount: euro(1)},
		"no kind":                    {Way: "stripe", ID: "a", Amount: euro(1)},
		"no id":                      movement(paywall.MovedFee, "", "", 1),
		"a sealed id with a slash":   movement(paywall.MovedFee, "a/b", p, 1),
		"below zero":                 movement(paywall.MovedPayment, "a", "", -1),
		"nothing":                    movement(paywall.MovedOther, "a", "", 0),
		"a refund of nothing":        movement(paywall.MovedRefund, "a", "", 1),
		"a payout of the bank":       {Way: "bank", Kind: paywall.MovedPayout, ID: "a", Amount: euro(1)},
		"another currency":           {Way: "stripe", Kind: paywall.MovedFee, ID: "a", Amount: paywall.Money{Micros: 1, Currency: "USD"}},
		"a fee with a fee":           {Way: "stripe", Kind: paywall.MovedFee, ID: "a", Amount: euro(1), Fee: euro(1)},
		"more than all money":        {Way: "stripe", Kind: paywall.MovedOther, ID: "a", Amount: paywall.Money{Micros: -1 << 62, Currency: "EUR"}},
		"a dispute without payment":  movement(paywall.MovedDispute, "a", "", 1),
		"a kind of the state's own":  movement(state.BookedAssign, "a", "", 1),
		"a dispute, a fee below nil": {Way: "stripe", Kind: paywall.MovedDispute, ID: "a", Payment: p, Amount: euro(1), Fee: euro(-1)},
	} {
		if _, err := r.Book(r.ctx, m); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestARefundAtTheProviderTakesPaidCreditFirst is row L12, refunds.
func TestARefundAtTheProviderTakesPaidCreditFirst(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0.6)
	p := r.pay(w, 5)
	b := r.book(movement(paywall.MovedRefund, "2026.r", p, 2))
	if b.Credited != euro(-2) || b.Balance != euro(3.6) || b.Wallet != w {
		t.Errorf("it is booked as %+v", b)
	}
	r.has(w, 3.6, 0.6, 0)
	r.bought(w, 3.4) // 0.60 free and 2.80 paid
	r.has(w, 0.2, 0, 0)
	r.book(movement(paywall.MovedRefund, "2026.r2", p, 3))
	r.has(w, 0, 0, 2.8)
	r.account(paywall.AccountReceivable, -2.8)
	b = r.book(movement(paywall.MovedRefundFailed, "2026.r2", p, 3))
	if b.Credited != euro(0.2) {
		t.Errorf("what failed is booked as %+v", b)
	}
	r.has(w, 0.2, 0, 0)
	_, err := r.Book(r.ctx, movement(paywall.MovedRefundFailed, "2026.unknown", p, 3))
	r.fails(err, paywall.ErrNoPayment)
	_, err = r.Book(r.ctx, movement(paywall.MovedRefund, "2026.r3", "2026.unknown", 3))
	r.fails(err, paywall.ErrNoPayment)
}

func TestFreeCreditThatWasTakenBackIsFreeAgain(t *testing.T) {
	r := newRig(t)
	w := r.wallet(1)
	p := r.pay(w, 5)
	r.bought(w, 1)                                        // the free credit
	u := must[[]paywall.Unlock](t)(unlocksOf(r, w))[0].ID // and it is undone, when the paid credit is gone
	r.bought(w, 4.5)
	must[paywall.Receipt](t)(r.Refund(r.ctx, w, u, 0))
	r.has(w, 1.5, 1, 0)
	m := movement(paywall.MovedDispute, "2026.d", p, 5)
	m.Fee = euro(20)
	r.book(m)
	r.has(w, 0, 0, 3.5)
	r.account(paywall.AccountFees, -20)
	r.account("stripe", -5+25)
	if stats := must[paywall.Stats](t)(r.Stats(r.ctx)); stats.OwedFree != euro(0) || stats.OwedPaid != euro(0) {
		t.Errorf("wallets hold %s and free %s", stats.OwedPaid, stats.OwedFree)
	}
	r.book(movement(paywall.MovedDisputeWon, "2026.d", p, 5))
	r.has(w, 1.5, 1, 0)
	if stats := must[paywall.Stats](t)(r.Stats(r.ctx)); stats.OwedFree != euro(1) || stats.OwedPaid != euro(0.5) {
		t.Errorf("wallets hold %s and free %s", stats.OwedPaid, stats.OwedFree)
	}
}

func unlocksOf(r *rig, w string) ([]paywall.Unlock, error) {
	list, _, err := r.Unlocks(r.ctx, w, paywall.Page{Limit: 10})
	return list, err
}

// TestAWalletThatOwesReadsAndBuysNothing is row L12, a dispute.
func TestAWalletThatOwesReadsAndBuysNothing(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	r.bought(w, 4)
	owned := must[[]paywall.Unlock](t)(unlocksOf(r, w))[0]
	r.book(movement(paywall.MovedDispute, "2026.d", p, 5))
	r.has(w, 0, 0, 4)
	must[paywall.Receipt](t)(r.Refund(r.ctx, w, owned.ID, 0)) // an undo gives back, and pays no debt
	r.bought(r.wallet(1), 1)
	r.fails(r.buy(w, 1), paywall.ErrOwing)
	_, err := r.Tip(r.ctx, w, paywall.Tip{ID: "t", Site: site, Amount: euro(1)})
	r.fails(err, paywall.ErrOwing)
	offer := paywall.Offer{ID: "o", Site: site, Checkout: site, Resource: "/o", URL: "/o", Price: euro(1), ExpiresAt: r.now.Add(time.Hour)}
	quote, err := r.Quote(r.ctx, w, offer)
	r.fails(err, nil)
	r.fails(quote.Refusal, paywall.ErrOwing)
	_, err = r.CashOut(r.ctx, w, "c", false)
	r.fails(err, paywall.ErrOwing)
	_, err = r.CashOutOffer(r.ctx, w)
	r.fails(err, paywall.ErrOwing)

	m := movement(paywall.MovedPayment, "2026.p2", "2026.p2", 3)
	m.Intent = r.begin(w, "stripe", 3)
	if b := r.book(m); b.Credited != euro(0) || b.Wallet != w || !b.Placed {
		t.Errorf("a top-up that the debt takes is booked as %+v", b)
	}
	r.has(w, 4, 0, 1)
	code := paywall.Hash{1}
	r.fails(r.AddVouchers(r.ctx, []paywall.Voucher{{Code: code, Amount: euro(2)}}), nil)
	for replayed := range 2 {
		top := must[paywall.TopUp](t)(r.Redeem(r.ctx, w, code))
		if top != (paywall.TopUp{Credited: euro(1), Balance: euro(5), Replayed: replayed == 1}) {
			t.Errorf("a voucher that pays the debt gives %+v", top)
		}
	}
	r.has(w, 5, 0, 0)
	r.bought(w, 1)
	r.account(paywall.AccountReceivable, 0)
	if stats := must[paywall.Stats](t)(r.Stats(r.ctx)); stats.PaidIn.Amount != euro(10) || stats.Funding.Vouchers.Amount != euro(2) {
		t.Errorf("the sums are %+v", stats)
	}
}

func TestALostDisputeIsALoss(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	r.bought(w, 4)
	r.book(movement(paywall.MovedDispute, "2026.d", p, 5))
	r.pay(w, 1)
	r.has(w, 0, 0, 3)
	for range 2 {
		r.book(movement(paywall.MovedDisputeLost, "2026.d", p, 5))
	}
	r.has(w, 0, 0, 0)
	r.account(paywall.AccountLosses, -3)
	r.account(paywall.AccountReceivable, 0)
	r.pay(w, 2)
	if offer := must[paywall.CashOut](t)(r.CashOutOffer(r.ctx, w)); len(offer.Parts) != 1 || offer.Amount != euro(2) {
		t.Errorf("a payment that was lost goes back: %+v", offer)
	}
	_, err := r.Book(r.ctx, movement(paywall.MovedDisputeLost, "2026.unknown", p, 5))
	r.fails(err, paywall.ErrNoPayment)
}

func TestWhatAnErasedWalletOwesIsNobodysDebt(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p, q := r.pay(w, 5), r.pay(w, 3)
	r.bought(w, 6)
	r.book(movement(paywall.MovedDispute, "2026.d", p, 5))
	r.has(w, 0, 0, 3)
	r.fails(r.Erase(r.ctx, w), nil)
	if b := r.book(movement(paywall.MovedRefund, "2026.r", q, 3)); b.Wallet != "" || b.Credited != euro(0) {
		t.Errorf("a refund for an erased wallet is booked as %+v", b)
	}
	r.account(paywall.AccountReceivable, -6)
	r.book(movement(paywall.MovedRefundFailed, "2026.r", q, 3))
	r.account(paywall.AccountReceivable, -3)
	r.book(movement(paywall.MovedDisputeWon, "2026.d", p, 5))
	r.account(paywall.AccountReceivable, 0)
	list := must[[]paywall.Unclaimed](t)(r.Unclaimed(r.ctx, "", 10))
	if len(list) != 1 || list[0].ID != "2026.d" || list[0].Amount != euro(2) {
		t.Errorf("unclaimed are %+v", list)
	}
	other := r.wallet(0)
	must[paywall.Booked](t)(r.Assign(r.ctx, "stripe", "2026.d", r.begin(other, "stripe", 5)))
	r.has(other, 2, 0, 0)
	if offer := must[paywall.CashOut](t)(r.CashOutOffer(r.ctx, other)); offer.Amount != euro(0) || offer.Rest != euro(2) {
		t.Errorf("what came by no payment of its own goes back: %+v", offer)
	}
}
