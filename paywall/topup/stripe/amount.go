package stripe

import (
	"fmt"
	"math"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// unit is how many millionths Stripe's unit of a currency has. Stripe follows ISO 4217
// but for MGA, which has none of its fifths there, and for ISK and UGX, which kept two
// decimals (docs.stripe.com/currencies). It charges multiples of [paywall.Currency.Smallest].
func unit(c paywall.Currency) int64 {
	decimals := c.Decimals()
	switch c {
	case "MGA":
		decimals = 0
	case "ISK", "UGX":
		decimals = 2
	}
	n := int64(1_000_000)
	for range decimals {
		n /= 10
	}
	return n
}

// minor is an amount as Stripe is told it.
func minor(m paywall.Money) (int64, error) {
	if m.Micros <= 0 || m.Micros%m.Currency.Smallest() != 0 {
		return 0, fmt.Errorf("%w: Stripe cannot charge %s %s; it takes multiples of %s", topup.ErrRefused, m, m.Currency,
			paywall.Money{Micros: m.Currency.Smallest(), Currency: m.Currency})
	}
	return m.Micros / unit(m.Currency), nil
}

// CheckAmount refuses an amount that Stripe cannot charge.
func (w *Way) CheckAmount(m paywall.Money) error {
	_, err := minor(m)
	return err
}

// money is an amount of the ledger's currency as Stripe tells it. Beyond all reason it is
// the largest that there is, which no ledger takes.
func (w *Way) money(n int64) paywall.Money {
	u := unit(w.currency)
	n = min(max(n, -math.MaxInt64/u), math.MaxInt64/u)
	return paywall.Money{Micros: n * u, Currency: w.currency}
}

// ours reports whether a currency of Stripe's is the ledger's.
func (w *Way) ours(c stripe.Currency) bool { return strings.EqualFold(string(c), string(w.currency)) }
