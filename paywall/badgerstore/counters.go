package badgerstore

import (
	"encoding/binary"
	"time"
)

// counter is how much was counted in one period of the UTC calendar. When another
// begins, it begins with that at nothing, so that each needs one key for ever.
type counter struct {
	period uint64
	amount int64 // millionths, or how many
}

// What is counted for a wallet; the byte after its number in a counter's key.
const (
	countCap     = 'c' // paid at one site in a month under a cap
	countRefunds = 'r' // refunds in a month
	countGifts   = 'g' // gift links made in a month
	countReduced = 'x' // months in which a cap took something off a price at one site
	countWelcome = 'w' // welcome credits that one site gave in a day; for nobody's number
)

// counterKeys begin all counters of a wallet.
func counterKeys(n number) []byte {
	return append(append(make([]byte, 0, 15), tagCounter), n[:]...)
}

func counterKey(n number, what byte, of ...byte) []byte {
	return append(append(counterKeys(n), what), of...)
}

// capKey counts for a site's cap.
func capKey(n number, site string) []byte {
	h := resourceHash(site, "")
	return counterKey(n, countCap, h[:8]...)
}

// welcomeKey counts a site's welcome credits.
func welcomeKey(site string) []byte {
	h := resourceHash(site, "")
	return counterKey(number{}, countWelcome, h[:8]...)
}

// month numbers the months of the UTC calendar.
func month(t time.Time) uint64 {
	year, m, _ := t.UTC().Date()
	return uint64(year)*12 + uint64(m) - 1
}

// day numbers the days of the UTC calendar from 1970.
func day(t time.Time) uint64 { return uint64(t.Unix() / (24 * 60 * 60)) }

// dayTime is when a numbered day begins.
func dayTime(day uint64) time.Time { return time.Unix(int64(day)*(24*60*60), 0) }

// weekOf numbers its weeks, which begin on Monday; 1970 began on a Thursday.
func weekOf(t time.Time) uint64 { return (day(t) + 3) / 7 }

func (c counter) encode() []byte {
	return binary.AppendVarint(binary.AppendUvarint(nil, c.period), c.amount)
}

func decodeCounter(v []byte) (c counter, err error) {
	period, n := binary.Uvarint(v)
	if n <= 0 {
		return c, errValue
	}
	c.period = period
	c.amount, err = decodeBalance(v[n:])
	return c, err
}

func (v *view) counter(key []byte) (c counter, err error) {
	value, err := v.get(key)
	if err != nil || value == nil {
		return c, err
	}
	return decodeCounter(value)
}

// counted is what a counter has in a period.
func (v *view) counted(key []byte, period uint64) (int64, error) {
	c, err := v.counter(key)
	if err != nil || c.period != period {
		return 0, err
	}
	return c.amount, nil
}

// count adds to a counter. What is taken off it was counted before: if another
// period has begun since, it stands nowhere any more.
func (g *group) count(key []byte, period uint64, amount int64) error {
	before, err := g.counted(key, period)
	if err != nil || amount == 0 || amount < 0 && before == 0 {
		return err
	}
	g.put(key, counter{period, max(before+amount, 0)}.encode())
	return nil
}
