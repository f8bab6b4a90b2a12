package journal_test

import (
	"fmt"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// A record becomes a line, chained to the line before; the line is read back, and
// one changed byte is told.
func ExampleAppend() {
	genesis := journal.Record{Currency: "EUR", Ledger: "mJxQ4n0cVbX1aYp7rS2t3A"}
	genesis.Seq, genesis.Kind = 1, paywall.KindGenesis
	genesis.Time = time.Date(2026, 11, 22, 18, 3, 15, 120e6, time.UTC)
	line, hash := journal.Append(nil, &genesis, "EUR", journal.Hash{})
	fmt.Printf("%s", line)

	read, err := journal.Decode(line, "EUR")
	fmt.Println(read.Kind, read.Currency, err)

	prev, own, err := journal.Hashes(line)
	fmt.Println(prev == journal.Hash{}, own == hash, err)

	line[len(`{"seq":1,"time":"`)] = '3'
	_, err = journal.Decode(line, "EUR")
	fmt.Println(err != nil)
	// Output:
	// {"seq":1,"time":"2026-11-22T18:03:15.120Z","kind":"genesis","cause":"genesis","currency":"EUR","ledger":"mJxQ4n0cVbX1aYp7rS2t3A","prev":"AAAAAAAAAAAAAAAAAAAAAAAA","hash":"N2ts9CpJ8ys0q0Mvjlw68uty"}
	// genesis EUR <nil>
	// true true <nil>
	// true
}
