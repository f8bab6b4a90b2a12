package state_test

import (
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// TestRefsAreReadAsTheyWereWritten takes refs of any distance.
func TestRefsAreReadAsTheyWereWritten(t *testing.T) {
	at := journal.RefOf(7, 1<<20, 300)
	for _, prev := range []journal.Ref{
		{},
		journal.RefOf(7, 0, 300), journal.RefOf(7, 1<<20-1, 1),
		journal.RefOf(1, 0, 5000), journal.RefOf(6, 1<<32-1, 1<<32-1),
	} {
		for _, u := range []state.Unlock{
			{Number: state.NumberOf(9), Bought: at, Prev: prev}, {Number: state.NumberOf(9), Bought: at, Prev: prev, Given: true},
			{Number: state.NumberOf(9), Bought: at, Prev: prev, Refunded: journal.RefOf(8, 0, 200)},
		} {
			got, err := state.DecodeUnlock(u.Encode())
			if err != nil || got != u {
				t.Errorf("%+v is read as %+v, %v", u, got, err)
			}
			for n := range u.Encode() {
				_, _ = state.DecodeUnlock(u.Encode()[:n]) // cut short, it is an error or another one, never a panic
			}
		}
	}
	for _, w := range []state.Wallet{
		{Number: state.NumberOf(1)},
		{Number: state.NumberOf(1), Balance: -5, Spent: state.Spent{Day: 20_000, Today: 7, Week: 3, Month: 9}, Bought: at, Moved: at, Gave: at, Opened: at},
		{Number: state.NumberOf(1), Balance: 5, Gave: at, Owed: 7, Funded: at, Leaving: state.Leaving{Newest: at, Parts: 3, Closes: true}},
		{Number: state.NumberOf(1), Leaving: state.Leaving{Closes: true}},
		{Number: state.NumberOf(1), Settings: state.Settings{Budget: 1, Forget: true, Forgot: 9}, Spent: state.Spent{Day: 1, Month: 1}},
	} {
		got, err := state.DecodeWallet(w.Encode())
		if err != nil || got != w {
			t.Errorf("%+v is read as %+v, %v", w, got, err)
		}
	}
}

// TestValuesOfFundingAreReadAsTheyWereWritten, and cut short are an error or another one,
// never a panic.
func TestValuesOfFundingAreReadAsTheyWereWritten(t *testing.T) {
	at, earlier := journal.RefOf(7, 1<<20, 300), journal.RefOf(6, 9, 200)
	check(t, state.Intent{State: paywall.IntentExpired, Begun: at, Named: earlier}, state.Intent.Encode, state.DecodeIntent)
	check(t, state.Intent{State: paywall.IntentOpen, Begun: at}, state.Intent.Encode, state.DecodeIntent)
	encode := func(p state.Payment) []byte { return p.Encode() }
	check(t, state.Payment{Number: state.NumberOf(3), Booked: at, Prev: earlier, Amount: 9, Returned: 4, Disputes: 2, Lost: true}, encode, state.DecodePayment)
	check(t, state.Payment{Booked: at, Amount: 9, SentBack: 7}, encode, state.DecodePayment)
	check(t, state.CashOut{State: paywall.CashOutCanceled, Planned: earlier, Last: at}, state.CashOut.Encode, state.DecodeCashOut)
	check(t, state.Unclaimed{Came: at, Amount: 1 << 40}, state.Unclaimed.Encode, state.DecodeUnclaimed)
	check(t, state.Voucher{Amount: 5, Expires: 9, Revoked: true}, state.Voucher.Encode, state.DecodeVoucher)
	check(t, state.Voucher{Amount: 5, Used: [16]byte{1}}, state.Voucher.Encode, state.DecodeVoucher)
}

func check[T comparable](t *testing.T, want T, encode func(T) []byte, decode func([]byte) (T, error)) {
	t.Helper()
	value := encode(want)
	if got, err := decode(value); err != nil || got != want {
		t.Errorf("%+v is read as %+v, %v", want, got, err)
	}
	for n := range value {
		_, _ = decode(value[:n])
	}
	if got, err := decode(append(value, 9)); err == nil && got == want {
		t.Errorf("%+v is read with something after it", want)
	}
}
