package ledger

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Tx is the state, and over it what the changes of one commit have written so far.
// Engines make one for each commit, and keep what it has written when its records are
// durable. It is not safe for concurrent use.
type Tx struct {
	view
	base    State
	stage   func(*journal.Record) (Ref, error)
	writes  map[string][]byte // nil: deleted
	bytes   int               // of keys and values
	records map[Ref]*journal.Record
	revoked []Revocation
	spoiled error

	// The wallet that was read or written last. A change asks for its wallet four times.
	recentID state.WalletID
	recent   state.Wallet
	isRecent bool
}

// NewTx makes a Tx over a state. stage gives a record its number and ref, and keeps it
// to be written; when it fails, the commit does. hint is about how many keys will be
// written.
func NewTx(base State, info *Info, now time.Time, hint int, stage func(*journal.Record) (Ref, error)) *Tx {
	tx := &Tx{base: base, stage: stage, writes: make(map[string][]byte, hint), records: map[Ref]*journal.Record{}}
	tx.view = view{State: tx, tx: tx, now: milliseconds(now), currency: info.Currency}
	return tx
}

// milliseconds is a time as records have it: a right that is read back from one must be
// the right that was answered.
func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Writes are the keys that were written, and their values; nil: deleted.
func (tx *Tx) Writes() map[string][]byte { return tx.writes }

// Bytes is the length of all keys and values that were written.
func (tx *Tx) Bytes() int { return tx.bytes }

// Revoked are the revocations that become effective with the commit.
func (tx *Tx) Revoked() []Revocation { return tx.revoked }

// Spoiled is why nothing of the commit may be kept, nil if it may.
func (tx *Tx) Spoiled() error { return tx.spoiled }

// Get implements [State].
func (tx *Tx) Get(key []byte) ([]byte, error) {
	if value, ok := tx.writes[string(key)]; ok {
		return value, nil
	}
	return tx.base.Get(bytes.Clone(key))
}

// Each implements [State].
func (tx *Tx) Each(prefix []byte, yield func(key, value []byte) error) error {
	return EachOver(tx.base, tx.writes, prefix, yield)
}

// EachOver lists keys with a prefix, of a state and of what lies over it; nil: deleted.
func EachOver(base State, over map[string][]byte, prefix []byte, yield func(key, value []byte) error) error {
	var keys []string
	for key := range over {
		if strings.HasPrefix(key, string(prefix)) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	next := 0
	before := func(until []byte) error { // nil: to the end
		for ; next < len(keys) && (until == nil || keys[next] < string(until)); next++ {
			if value := over[keys[next]]; value != nil {
				if err := yield([]byte(keys[next]), bytes.Clone(value)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := base.Each(prefix, func(key, value []byte) error {
		if err := before(key); err != nil {
			return err
		}
		if _, hidden := over[string(key)]; hidden {
			return nil
		}
		return yield(key, value)
	})
	if err != nil {
		return err
	}
	return before(nil)
}

// Record implements [State]: it gives records of this commit, too.
func (tx *Tx) Record(at Ref) (*journal.Record, error) {
	if r, ok := tx.records[at]; ok {
		return r, nil
	}
	return tx.base.Record(at)
}

// Numbered implements [State].
func (tx *Tx) Numbered(seq uint64) (*journal.Record, error) {
	for _, r := range tx.records {
		if r.Seq == seq {
			return r, nil
		}
	}
	return tx.base.Numbered(seq)
}

// Append adds a record to the commit, and does to the state what follows from it.
// [paywall.ErrInsufficientFunds]: a wallet would go below zero. When anything else goes
// wrong, the whole commit is spoiled.
func (tx *Tx) Append(r *journal.Record) error {
	r.Time = tx.now
	if err := tx.check(r.Legs); err != nil {
		return err
	}
	at, err := tx.stage(r)
	if err != nil {
		tx.spoiled = err
		return err
	}
	tx.records[at] = r
	if err := Apply(tx, r, at); err != nil {
		tx.spoiled = err
		return err
	}
	return nil
}

func (tx *Tx) put(key, value []byte) {
	tx.writes[string(key)] = value
	tx.bytes += len(key) + len(value)
}

// putWallet writes a wallet; nil: deleted.
func (tx *Tx) putWallet(id state.WalletID, w *state.Wallet) {
	if tx.isRecent = w != nil; !tx.isRecent {
		tx.put(state.WalletKey(id), nil)
		return
	}
	tx.recentID, tx.recent = id, *w
	tx.put(state.WalletKey(id), w.Encode())
}

func (tx *Tx) revoke(unlock string, at time.Time) {
	r := Revocation{unlock, at.Add(RevokedFor)}
	tx.put(state.RevokedKey(r.Until, unlock), []byte{})
	tx.revoked = append(tx.revoked, r)
}

// RevokedFor is how long a dead unlock is remembered: as long as a token of it can
// live, and the leeway for clocks.
const RevokedFor = paywall.AccessTTL + time.Hour

// check refuses legs that would take a wallet below zero, overflow a balance or not
// sum to zero.
func (tx *Tx) check(legs []paywall.Leg) error {
	sum := int64(0)
	for _, l := range legs {
		sum += l.Micros
		balance, isWallet, err := tx.balance(l.Account)
		if err != nil {
			return err
		}
		after := balance + l.Micros
		switch {
		case l.Micros > 0 && balance > math.MaxInt64-l.Micros, l.Micros < 0 && balance < math.MinInt64-l.Micros:
			return paywall.Errorf(paywall.CodeMalformed, "the amount overflows the balance")
		case isWallet && after < 0 && l.Micros < 0:
			return paywall.ErrInsufficientFunds
		}
	}
	if sum != 0 {
		return fmt.Errorf("checking a transfer: its legs sum to %d millionths", sum)
	}
	return nil
}

func (v *view) balance(account string) (balance int64, isWallet bool, err error) {
	if id, ok := strings.CutPrefix(account, walletPrefix); ok {
		_, w, err := v.wallet(id)
		if paywall.ErrorCode(err) == paywall.CodeNoWallet { // about to be opened
			err = nil
		}
		return w.Balance, true, err
	}
	value, err := v.Get(state.AccountKey(account))
	if err != nil || value == nil {
		return 0, false, err
	}
	balance, err = state.DecodeBalance(value)
	return balance, false, err
}

var walletPrefix = paywall.WalletAccount("")

// ClassOf says how a key is used.
func ClassOf[K ~[]byte | ~string](key K) Class {
	switch key[0] {
	case state.TagWallet, state.TagAccount:
		return Sum
	case state.TagUnlock, state.TagResource:
		return Row
	}
	return Index
}

// RowPrefixes begin all keys of the class [Row].
func RowPrefixes() [][]byte { return [][]byte{{state.TagUnlock}, {state.TagResource}} }
