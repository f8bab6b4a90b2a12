package page

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
func (c *Catalogue) Money(m paywall.Money) string {
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
func (c *Catalogue) symbol(currency paywall.Currency) string {
	symbol, ok := c.symbols[currency]
	if !ok {
		symbol = string(currency)
	}
	if last, _ := utf8.DecodeLastRuneInString(symbol); c.adjoins && !unicode.IsSymbol(last) {
		symbol += "\u00a0"
	}
	return symbol
}

// Plain is an amount that a person typed as [paywall.ParseMoney] reads it: both
// decimal marks are taken in every language, and the digits of Arabic and
// Persian. Thousands are not grouped here. ok is false where a mark may group
// them all the same, or where there are more decimals than the currency has.
func (c *Catalogue) Plain(typed string, currency paywall.Currency) (plain string, ok bool) {
	plain = strings.Map(func(r rune) rune {
		switch {
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		case r >= '۰' && r <= '۹':
			return r - '۰' + '0'
		case r == '٫':
			return '.'
		}
		return r
	}, strings.TrimSpace(typed))
	mark := strings.IndexAny(plain, ".,")
	if mark < 0 {
		return plain, true
	}
	decimals := len(plain) - mark - 1
	if decimals > currency.Decimals() || decimals == 3 && plain[mark:mark+1] == c.numbers.group {
		return "", false
	}
	return plain[:mark] + "." + plain[mark+1:], true
}

// Field is an amount as a field holds it: without currency and groups, "" for
// nothing. [Catalogue.Plain] reads it back.
func (c *Catalogue) Field(m paywall.Money) string {
	if m.IsZero() {
		return ""
	}
	return strings.Replace(m.String(), ".", c.numbers.decimal, 1)
}
