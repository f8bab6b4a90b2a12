package state_test

import (
	"testing"

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
		{Number: state.NumberOf(1), Settings: state.Settings{Budget: 1, Forget: true, Forgot: 9}, Spent: state.Spent{Day: 1, Month: 1}},
	} {
		got, err := state.DecodeWallet(w.Encode())
		if err != nil || got != w {
			t.Errorf("%+v is read as %+v, %v", w, got, err)
		}
	}
}
