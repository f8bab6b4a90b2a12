package checkout

import (
	"fmt"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// catalogue is every word a reader sees, in one language. Texts are plain text
// with fmt verbs; the templates escape them.
type catalogue struct {
	Tag     string // BCP 47, for the page's lang
	Dir     string // "ltr" or "rtl"
	texts   map[string]string
	plural  func(n int) string // CLDR category of a whole number
	money   func(paywall.Money) string
	integer func(int) string
	date    string // layout for time.Format
}

// T is the text of a key. A missing key is a mistake in a template, which a
// test finds; a reader then sees the key.
func (c *catalogue) T(key string, args ...any) string {
	text, ok := c.texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// N is a text with a number, in the number's plural form.
func (c *catalogue) N(key string, n int) string {
	return c.T(key+"."+c.plural(n), c.integer(n))
}

// Money is an amount as people write it.
func (c *catalogue) Money(m paywall.Money) string { return c.money(m) }

// Date is a day in UTC: where the reader is, is not known.
func (c *catalogue) Date(t time.Time) string { return t.UTC().Format(c.date) }

// Duration is a length of time in its largest fitting unit, rounded up.
func (c *catalogue) Duration(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	switch {
	case minutes < 120:
		return c.N("minutes", minutes)
	case minutes < 48*60:
		return c.N("hours", (minutes+59)/60)
	}
	return c.N("days", (minutes+24*60-1)/(24*60))
}

// Machine is a time for the datetime attribute.
func (c *catalogue) Machine(t time.Time) string { return wireTime(t) }
