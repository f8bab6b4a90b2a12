package ledger

import (
	"time"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// month numbers the months of the UTC calendar.
func month(t time.Time) uint64 {
	year, m, _ := t.UTC().Date()
	return uint64(year)*12 + uint64(m) - 1
}

// day numbers the days of the UTC calendar from 1970.
func day(t time.Time) uint64 { return uint64(t.Unix() / (24 * 60 * 60)) }

// dayTime is when a numbered day begins.
func dayTime(day uint64) time.Time { return time.Unix(int64(day)*(24*60*60), 0) }

// weekOf numbers the weeks of the UTC calendar, which begin on Monday; 1970 began on a
// Thursday.
func weekOf(t time.Time) uint64 { return (day(t) + 3) / 7 }

// spentOn is what counts at a time: nothing of another day, week or month.
func spentOn(s state.Spent, t time.Time) state.Spent {
	now := state.Spent{Day: day(t)}
	if now.Day == s.Day {
		return s
	}
	last := dayTime(s.Day)
	if weekOf(last) == weekOf(t) {
		now.Week = s.Week
	}
	if month(last) == month(t) {
		now.Month = s.Month
	}
	return now
}

// spend counts a payment.
func spend(s *state.Spent, r *journal.Record) {
	paid := r.Paid()
	if paid == 0 {
		return
	}
	*s = spentOn(*s, r.Time)
	s.Today += paid
	s.Month += paid
	if r.Auto {
		s.Week += paid
	}
}

// unspend takes off what a purchase had taken, in the periods that still count.
func unspend(s *state.Spent, bought *journal.Record, back int64) {
	last := dayTime(s.Day)
	if day(bought.Time) == s.Day {
		s.Today = max(s.Today-back, 0)
	}
	if bought.Auto && weekOf(bought.Time) == weekOf(last) {
		s.Week = max(s.Week-back, 0)
	}
	if month(bought.Time) == month(last) {
		s.Month = max(s.Month-back, 0)
	}
}

// count adds to a counter. What is taken off was counted before: if another period
// has begun since, it counts nowhere any more.
func (tx *Tx) count(key []byte, period uint64, amount int64) error {
	before, err := tx.counted(key, period)
	if err != nil || amount == 0 || amount < 0 && before == 0 {
		return err
	}
	tx.put(key, state.Counter{Period: period, Amount: max(before+amount, 0)}.Encode())
	return nil
}
