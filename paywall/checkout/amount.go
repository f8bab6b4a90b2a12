package checkout

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

// numbers is how a language writes them.
type numbers struct {
	decimal   string
	group     string // between thousands
	groupFrom int    // digits a number must have to be grouped (CLDR, minimumGroupingDigits + 3)
}

// format writes a plain decimal without a sign.
func (n numbers) format(plain string) string {
	units, fraction, dotted := strings.Cut(plain, ".")
	if len(units) >= n.groupFrom {
		for i := len(units) - 3; i > 0; i -= 3 {
			units = units[:i] + n.group + units[i:]
		}
	}
	if dotted {
		units += n.decimal + fraction
	}
	return units
}

// Money is an amount as the language writes it. It is never rounded, because
// what is shown is what is charged: where an amount is finer than the minor
// unit, all its digits stand there, down to the millionth ("€0.001").
func (c *catalogue) Money(m paywall.Money) string {
	plain, negative := strings.CutPrefix(m.String(), "-")
	key := "money.amount"
	if negative {
		key = "money.negative"
	}
	return c.T(key, "Symbol", c.symbol(m.Currency), "Number", c.numbers.format(plain))
}

// symbol is the currency's sign. In the one language here that puts it right
// before the number, letters are kept off the digits (CLDR, currencySpacing):
// "€0.20", but "CHF 0.20".
func (c *catalogue) symbol(currency paywall.Currency) string {
	symbol, ok := c.symbols[currency]
	if !ok {
		symbol = string(currency)
	}
	if last, _ := utf8.DecodeLastRuneInString(symbol); c.adjoins && !unicode.IsSymbol(last) {
		symbol += "\u00a0"
	}
	return symbol
}
