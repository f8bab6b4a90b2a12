package paywall

import (
	"fmt"
	"math"
	"strings"
)

// microsPerUnit is how many millionths make one unit of a currency.
const microsPerUnit = 1_000_000

// maxPriceUnits bounds a configured price, in units of the currency. Ten million
// such prices still fit an int64 of millionths, so sums cannot overflow by accident.
const maxPriceUnits = 1_000_000

// Money is an amount in millionths of a currency unit. It is never a float.
// Arithmetic that would overflow, or mix currencies, is an error.
type Money struct {
	Micros   int64
	Currency Currency
}

// ParseMoney reads a plain decimal such as "0.20" or "-1.5": an optional minus,
// ASCII digits, and at most six decimals. Signs, exponents, spaces, separators
// and other scripts' digits are refused with [CodeMalformed].
func ParseMoney(s string, c Currency) (Money, error) {
	digits, negative := strings.CutPrefix(s, "-")
	units, fraction, dotted := strings.Cut(digits, ".")
	if units == "" || len(units) > 13 || dotted && fraction == "" || len(fraction) > 6 {
		return Money{}, malformedAmount(s)
	}
	var micros int64
	for _, r := range units + fraction + "000000"[len(fraction):] {
		if r < '0' || r > '9' {
			return Money{}, malformedAmount(s)
		}
		d := int64(r - '0')
		if micros > (math.MaxInt64-d)/10 {
			return Money{}, Errorf(CodeMalformed, "amount %q is too large", s)
		}
		micros = micros*10 + d
	}
	if negative {
		micros = -micros
	}
	return Money{Micros: micros, Currency: c}, nil
}

func malformedAmount(s string) error {
	if len(s) > 32 {
		s = s[:32] + "…"
	}
	return Errorf(CodeMalformed, "amount %q is not a decimal such as 0.20, with a point and without a currency", s)
}

// ParsePrice is ParseMoney for amounts that people pay: above zero, no finer
// than the currency's minor unit (ISO 4217), and at most a million units.
func ParsePrice(s string, c Currency) (Money, error) {
	m, err := ParseMoney(s, c)
	if err != nil {
		return Money{}, err
	}
	switch {
	case m.Micros <= 0:
		return Money{}, Errorf(CodeMalformed, "amount %q must be above zero", s)
	case m.Micros > maxPriceUnits*microsPerUnit:
		return Money{}, Errorf(CodeMalformed, "amount %q is above the limit of %d %s", s, maxPriceUnits, c)
	case m.Micros%c.minorUnit() != 0:
		return Money{}, Errorf(CodeMalformed, "amount %q is finer than %s can be paid; it has %d decimals", s, c, c.Decimals())
	}
	return m, nil
}

// String is the plain decimal: at least the currency's decimals, at most six,
// without the currency ("0.20", "-0.066667").
func (m Money) String() string {
	sign, n := "", uint64(m.Micros)
	if m.Micros < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%d.%06d", n/microsPerUnit, n%microsPerUnit)
	keep := len(s) - 6 + m.Currency.Decimals()
	for len(s) > keep && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return sign + strings.TrimSuffix(s, ".")
}

// IsZero reports whether the amount is nothing.
func (m Money) IsZero() bool { return m.Micros == 0 }

// Neg is the same amount in the other direction. Only math.MinInt64 has none,
// and no ledger comes near it.
func (m Money) Neg() Money { return Money{Micros: -m.Micros, Currency: m.Currency} }

// Add sums two amounts of one currency. A mix of currencies, or an overflow,
// is refused with [CodeMalformed].
func (m Money) Add(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, Errorf(CodeMalformed, "adding %s to %s", o.Currency, m.Currency)
	}
	sum := m.Micros + o.Micros
	if (o.Micros > 0) != (sum > m.Micros) && o.Micros != 0 {
		return Money{}, Errorf(CodeMalformed, "adding %s to %s overflows", o, m)
	}
	return Money{Micros: sum, Currency: m.Currency}, nil
}

// MarshalText is the decimal string of [Money.String].
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
