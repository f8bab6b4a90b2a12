package state

import (
	"encoding/binary"

	"github.com/tuppence/tuppence/paywall/journal"
)

// Wallet is the value of a wallet's key: all that a change of it needs. Amounts are in
// millionths. It has nothing that grows with the wallet's history.
type Wallet struct {
	Number  Number
	Balance int64
	Free    int64 // of the balance, credit that the publisher gave; it is spent first
	Settings
	Spent  Spent
	Opened journal.Ref
	Bought journal.Ref // its newest purchase
	Moved  journal.Ref // its newest tip or top-up
	Gave   journal.Ref // its newest gift

	Owed    int64       // after a payment was taken back; it cannot buy then
	Funded  journal.Ref // its newest payment
	Leaving Leaving
}

// Leaving is what a wallet's cash-outs do to it.
type Leaving struct {
	Newest journal.Ref // the plan of its newest part
	Parts  uint64      // that have not ended
	Closes bool        // nothing is bought with the wallet any more, and nothing comes in
}

// Closed reports whether the wallet is closed, and nothing of it is on its way any more.
func (l Leaving) Closed() bool { return l.Closes && l.Parts == 0 }

// Settings stand in the wallet's value, which each purchase reads anyway, and take no
// room there while nothing is set.
type Settings struct {
	Budget  int64 // per day
	Article int64 // without asking
	Week    int64 // without asking
	Forget  bool
	Forgot  int64 // Unix milliseconds; purchases before are not to be listed any more
}

// Spent is what purchases and tips took from a wallet, less what was undone, on the
// UTC day of the last of them, and in its week and month. It is kept always, so that a
// budget that begins today counts what was spent before.
type Spent struct {
	Day   uint64 // from 1970
	Today int64
	Week  int64 // without being asked
	Month int64
}

// The parts of a wallet's value after the balance, each after its letter and only
// where it says something.
const (
	partFree     = 'f'
	partSettings = 's'
	partSpent    = 'c'
	partOpened   = 'o'
	partBought   = 'b'
	partMoved    = 't'
	partGave     = 'g'
	partOwed     = 'd'
	partFunded   = 'p'
	partLeaving  = 'l'
)

// Encode writes the value.
func (w *Wallet) Encode() []byte {
	b := append(make([]byte, 0, 48), w.Number[:]...)
	b = binary.AppendVarint(b, w.Balance)
	if w.Free != 0 {
		b = binary.AppendVarint(append(b, partFree), w.Free)
	}
	if w.Settings != (Settings{}) {
		b = w.Settings.append(append(b, partSettings))
	}
	if w.Spent != (Spent{}) {
		b = w.Spent.append(append(b, partSpent))
	}
	for _, ref := range [...]struct {
		part byte
		to   journal.Ref
	}{{partOpened, w.Opened}, {partBought, w.Bought}, {partMoved, w.Moved}, {partGave, w.Gave}} {
		if !ref.to.IsZero() {
			b = AppendRef(append(b, ref.part), ref.to)
		}
	}
	if w.Owed != 0 {
		b = binary.AppendVarint(append(b, partOwed), w.Owed)
	}
	if !w.Funded.IsZero() {
		b = AppendRef(append(b, partFunded), w.Funded)
	}
	if w.Leaving != (Leaving{}) {
		b = w.Leaving.append(append(b, partLeaving))
	}
	return b
}

// DecodeWallet reads the value.
func DecodeWallet(v []byte) (w Wallet, err error) {
	if len(v) < 6 {
		return w, ErrValue
	}
	w.Number = Number(v[:5])
	w.Balance, v, err = cutVarint(v[5:])
	for len(v) > 0 && err == nil {
		part := v[0]
		switch v = v[1:]; part {
		case partFree:
			w.Free, v, err = cutVarint(v)
		case partSettings:
			w.Settings, v, err = cutSettings(v)
		case partSpent:
			w.Spent, v, err = cutSpent(v)
		case partOpened:
			w.Opened, v, err = CutRef(v)
		case partBought:
			w.Bought, v, err = CutRef(v)
		case partMoved:
			w.Moved, v, err = CutRef(v)
		case partGave:
			w.Gave, v, err = CutRef(v)
		case partOwed:
			w.Owed, v, err = cutVarint(v)
		case partFunded:
			w.Funded, v, err = CutRef(v)
		case partLeaving:
			w.Leaving, v, err = cutLeaving(v)
		default:
			err = ErrValue
		}
	}
	return w, err
}

func (l Leaving) append(b []byte) []byte {
	n := l.Parts << 1
	if l.Closes {
		n |= 1
	}
	return appendLink(binary.AppendUvarint(b, n), l.Newest)
}

func cutLeaving(v []byte) (l Leaving, rest []byte, err error) {
	n, size := binary.Uvarint(v)
	if size <= 0 {
		return l, v, ErrValue
	}
	l.Parts, l.Closes = n>>1, n&1 == 1
	l.Newest, rest, err = cutLink(v[size:])
	return l, rest, err
}

// cutVarint reads a number and what comes after it.
func cutVarint(v []byte) (n int64, rest []byte, err error) {
	n, size := binary.Varint(v)
	if size <= 0 {
		return 0, v, ErrValue
	}
	return n, v[size:], nil
}

func (s Settings) append(b []byte) []byte {
	for _, n := range [...]int64{s.Budget, s.Article, s.Week, s.Forgot} {
		b = binary.AppendVarint(b, n)
	}
	if s.Forget {
		return append(b, 1)
	}
	return append(b, 0)
}

func cutSettings(v []byte) (s Settings, rest []byte, err error) {
	for _, field := range [...]*int64{&s.Budget, &s.Article, &s.Week, &s.Forgot} {
		if *field, v, err = cutVarint(v); err != nil {
			return s, v, err
		}
	}
	if len(v) == 0 || v[0] > 1 {
		return s, v, ErrValue
	}
	s.Forget = v[0] == 1
	return s, v[1:], nil
}

func (s Spent) append(b []byte) []byte {
	b = binary.AppendUvarint(b, s.Day)
	for _, n := range [...]int64{s.Today, s.Week, s.Month - s.Today} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func cutSpent(v []byte) (s Spent, rest []byte, err error) {
	day, size := binary.Uvarint(v)
	if size <= 0 {
		return s, v, ErrValue
	}
	s.Day, v = day, v[size:]
	for _, field := range [...]*int64{&s.Today, &s.Week, &s.Month} {
		if *field, v, err = cutVarint(v); err != nil {
			return s, v, err
		}
	}
	s.Month += s.Today
	return s, v, nil
}
