package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"github.com/tuppence/tuppence/paywall"
)

// Catalogue is every word a reader sees, in one language, as messages/*.toml
// has it. Texts are plain text; the templates escape them.
type Catalogue struct {
	Tag string // BCP 47, for the page's lang
	Dir string // "ltr" or "rtl"

	localizer *i18n.Localizer
	numbers   numbers
	symbols   map[paywall.Currency]string // those that differ from the code
	adjoins   bool                        // nothing stands between symbol and number
}

// newCatalogue reads a message file, and panics if it cannot: the files are a part
// of the program. The bundle holds this one language, so that nothing can fall
// back to another unseen.
func newCatalogue(tag string) *Catalogue {
	bundle := i18n.NewBundle(language.Make(tag))
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	file, err := bundle.LoadMessageFileFS(embedded, "messages/"+tag+".toml")
	if err != nil {
		panic(fmt.Errorf("reading the messages of %q: %w", tag, err))
	}
	c := &Catalogue{Tag: tag, localizer: i18n.NewLocalizer(bundle, tag), symbols: map[paywall.Currency]string{}}
	for _, m := range file.Messages {
		if m.ID == "money.amount" {
			c.adjoins = strings.Contains(m.Other, "{{.Symbol}}{{.Number}}")
		}
		if code, ok := strings.CutPrefix(m.ID, "money.symbol."); ok {
			c.symbols[paywall.Currency(code)] = m.Other
		}
	}
	c.Dir = c.T("language.direction")
	c.numbers = numbers{decimal: c.T("number.decimal"), group: c.T("number.group")}
	if c.numbers.groupFrom, err = strconv.Atoi(c.T("number.group_from")); err != nil {
		panic(fmt.Errorf("reading the messages of %q: %w", tag, err))
	}
	return c
}

// T is the text of a key. The pairs are what stands in its places, a name and
// a text each. A missing key is a mistake in a template, which a test finds; a
// reader then sees the key.
func (c *Catalogue) T(key string, pairs ...string) string {
	return c.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: placed(pairs)})
}

// N is a text with a number, in the number's plural form.
func (c *Catalogue) N(key string, n int) string {
	return c.localize(&i18n.LocalizeConfig{
		MessageID: key, PluralCount: n,
		TemplateData: placed([]string{"Count", c.Number(n)}),
	})
}

// Number is a whole number as the language writes it.
func (c *Catalogue) Number(n int) string { return c.numbers.format(strconv.Itoa(n)) }

func (c *Catalogue) localize(l *i18n.LocalizeConfig) string {
	text, err := c.localizer.Localize(l)
	if err != nil {
		return l.MessageID
	}
	return text
}

func placed(pairs []string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	data := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = pairs[i+1]
	}
	return data
}

// Date is a day in UTC: where the reader is, is not known.
func (c *Catalogue) Date(t time.Time) string {
	year, month, day := t.UTC().Date()
	return c.T("date.long",
		"Day", strconv.Itoa(day), "Month", c.T("month."+strconv.Itoa(int(month))), "Year", strconv.Itoa(year))
}

// Duration is a length of time in its largest fitting unit, rounded up.
func (c *Catalogue) Duration(d time.Duration) string {
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
func (c *Catalogue) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }
