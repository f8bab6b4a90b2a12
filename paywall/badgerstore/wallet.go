package badgerstore

import (
	"encoding/binary"
	"time"

	"github.com/tuppence/tuppence/paywall/journal"
)

// wallet is the value of a wallet's key: what each change of it needs. It says
// nothing that grows with its history.
type wallet struct {
	number  number
	balance int64
	free    int64 // of the balance, what the publisher gave; it is spent first
	settings
	spent  spent
	opened journal.Ref
	bought journal.Ref // its newest purchase
	moved  journal.Ref // its newest tip or top-up
	gave   journal.Ref // its newest gift
}

// The parts of a wallet's value that follow the balance, each behind its letter
// and only if it says something.
const (
	partFree     = 'f'
	partSettings = 's'
	partSpent    = 'c'
	partOpened   = 'o'
	partBought   = 'b'
	partMoved    = 't'
	partGave     = 'g'
)

func (w wallet) encode() []byte {
	b := append(make([]byte, 0, 48), w.number[:]...)
	b = binary.AppendVarint(b, w.balance)
	if w.free != 0 {
		b = binary.AppendVarint(append(b, partFree), w.free)
	}
	if w.settings != (settings{}) {
		b = appendSettings(append(b, partSettings), w.settings)
	}
	if w.spent != (spent{}) {
		b = w.spent.append(append(b, partSpent))
	}
	for _, place := range [...]struct {
		part byte
		at   journal.Ref
	}{{partOpened, w.opened}, {partBought, w.bought}, {partMoved, w.moved}, {partGave, w.gave}} {
		if !place.at.IsZero() {
			b = appendPtr(append(b, place.part), place.at)
		}
	}
	return b
}

func decodeWallet(v []byte) (w wallet, err error) {
	if len(v) < 6 {
		return w, errValue
	}
	balance, size := binary.Varint(v[5:])
	if size <= 0 {
		return w, errValue
	}
	w.number, w.balance = number(v[:5]), balance
	for v = v[5+size:]; len(v) > 0 && err == nil; {
		part := v[0]
		switch v = v[1:]; part {
		case partFree:
			w.free, size = binary.Varint(v)
			if size <= 0 {
				return w, errValue
			}
			v = v[size:]
		case partSettings:
			w.settings, v, err = cutSettings(v)
		case partSpent:
			w.spent, v, err = cutSpent(v)
		case partOpened:
			w.opened, v, err = cutPtr(v)
		case partBought:
			w.bought, v, err = cutPtr(v)
		case partMoved:
			w.moved, v, err = cutPtr(v)
		case partGave:
			w.gave, v, err = cutPtr(v)
		default:
			err = errValue
		}
	}
	return w, err
}

// spend takes a payment off the free credit first, and answers how much of it that was.
func (w *wallet) spend(paid int64) (free int64) {
	free = min(paid, w.free)
	w.free -= free
	return free
}

// spent is what purchases and tips took from a wallet, less what was undone, on
// the UTC day of the last of them, and in its week and month. It is kept always,
// so that a budget that begins today knows at once what was spent before.
type spent struct {
	day   uint64
	today int64
	week  int64 // without being asked
	month int64
}

func (s spent) append(b []byte) []byte {
	b = binary.AppendUvarint(b, s.day)
	for _, n := range [...]int64{s.today, s.week, s.month - s.today} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func cutSpent(v []byte) (s spent, rest []byte, err error) {
	day, size := binary.Uvarint(v)
	if size <= 0 {
		return s, v, errValue
	}
	s.day, v = day, v[size:]
	for _, field := range [...]*int64{&s.today, &s.week, &s.month} {
		n, size := binary.Varint(v)
		if size <= 0 {
			return s, v, errValue
		}
		*field, v = n, v[size:]
	}
	s.month += s.today
	return s, v, nil
}

// on is what counts at a time: nothing of another day, week or month.
func (s spent) on(t time.Time) spent {
	now := spent{day: day(t)}
	if now.day == s.day {
		return s
	}
	last := dayTime(s.day)
	if weekOf(last) == weekOf(t) {
		now.week = s.week
	}
	if month(last) == month(t) {
		now.month = s.month
	}
	return now
}

// pay counts what a record took.
func (s *spent) pay(r *journal.Record) {
	paid := r.Paid()
	if paid == 0 {
		return
	}
	*s = s.on(r.Time)
	s.today += paid
	s.month += paid
	if r.Auto {
		s.week += paid
	}
}

// undo takes off what a purchase had taken, where it still counts.
func (s *spent) undo(bought *journal.Record, back int64) {
	last := dayTime(s.day)
	if day(bought.Time) == s.day {
		s.today = max(s.today-back, 0)
	}
	if bought.Auto && weekOf(bought.Time) == weekOf(last) {
		s.week = max(s.week-back, 0)
	}
	if month(bought.Time) == month(last) {
		s.month = max(s.month-back, 0)
	}
}
