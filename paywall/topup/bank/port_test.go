package bank_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/bank"
	"github.com/tuppence/tuppence/paywall/topup/bank/pretend"
	"github.com/tuppence/tuppence/paywall/topup/topuptest"
)

// ledgerOfABank books what readers transfer, and writes statements of it.
type ledgerOfABank struct {
	t   *testing.T
	way *bank.Way

	mu      sync.Mutex
	entries []pretend.Entry
	read    int // entries that a statement told for the first time
	files   int
}

func (l *ledgerOfABank) book(debit bool, amount paywall.Money, reference string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := pretend.Transferred(fmt.Sprintf("2026%012d", len(l.entries)), amount, time.Now().UTC(), reference)
	e.Debit = debit
	l.entries = append(l.entries, e)
}

// statement is read from a file with the new entries and the last that were told before,
// each time of another message and version.
func (l *ledgerOfABank) statement() []paywall.Movement {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files++
	file := pretend.Statement{
		Message: []string{"camt.054", "camt.052", "camt.053"}[l.files%3], Version: 2 + l.files%12,
		IBAN: account, Currency: "EUR", Made: time.Now(), Entries: slices.Clone(l.entries[max(0, l.read-5):]),
	}
	l.read = len(l.entries)
	got, err := l.way.Parse(bytes.NewReader(file.XML()))
	if err != nil {
		l.t.Fatal(err)
	}
	if sure := len(got.Movements()); sure != len(file.Entries) {
		l.t.Fatalf("%d of %d entries are sure: %+v", sure, len(file.Entries), got.Entries)
	}
	return got.Movements()
}

// TestBankKeepsThePromisesOfAWay, as far as a way can that asks nobody.
func TestBankKeepsThePromisesOfAWay(t *testing.T) {
	topuptest.Run(t, func(t *testing.T) topuptest.Bench {
		l := &ledgerOfABank{t: t, way: newWay(t)}
		return topuptest.Bench{
			Way: l.way, Amount: euros(t, "5"), Statement: l.statement,
			Pay:      func(in paywall.Intent) { l.book(false, in.Amount, in.Object) },
			Refund:   func(in paywall.Intent, amount paywall.Money) { l.book(true, amount, in.Object) },
			Stranger: func(amount paywall.Money) { l.book(false, amount, reference(t, newIntent())) },
		}
	})
}
