package checkout

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"github.com/tuppence/tuppence/paywall"
)

// Languages the pages are written in, in the order of the switch at their foot.
var Languages = []string{"en", "de", "fr", "es", "nl", "ar", "he"}

// ownNames are the languages in their own words.
var ownNames = map[string]string{
	"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "nl": "Nederlands", "ar": "العربية", "he": "עברית",
}

// catalogues are the languages by tag. Each is read when a page first needs it:
// all of them take 8 ms (measured), and no start should wait for that.
var catalogues = func() map[string]func() *catalogue {
	all := make(map[string]func() *catalogue, len(Languages))
	for _, tag := range Languages {
		all[tag] = sync.OnceValue(func() *catalogue { return newCatalogue(tag) })
	}
	return all
}()

// english is what programs read, and what templates are checked with.
func english() *catalogue { return catalogues["en"]() }

// languages are those of one checkout.
type languages struct {
	offered []string // tags; the first is for those who want none of them
	matcher language.Matcher
}

func newLanguages(tags []string) (*languages, error) {
	if len(tags) == 0 {
		tags = Languages
	}
	l := &languages{offered: tags}
	var matched []language.Tag
	for i, tag := range tags {
		if catalogues[tag] == nil {
			return nil, fmt.Errorf("there are no pages in the language %q; write some of %s", tag, strings.Join(Languages, " "))
		}
		if slices.Contains(tags[:i], tag) {
			return nil, fmt.Errorf("the language %q is given twice; write it once", tag)
		}
		matched = append(matched, language.Make(tag))
	}
	l.matcher = language.NewMatcher(matched)
	return l, nil
}

// named is the catalogue of a tag that this checkout offers, nil if it does not.
func (l *languages) named(tag string) *catalogue {
	if !slices.Contains(l.offered, tag) {
		return nil
	}
	return catalogues[tag]()
}

// maxAcceptLanguage bounds what is parsed. Browsers send less than 200 bytes.
const maxAcceptLanguage = 1024

// accepted is the language that suits an Accept-Language best (RFC 9110, 12.5.4).
func (l *languages) accepted(header string) *catalogue {
	i := 0
	if len(header) <= maxAcceptLanguage {
		if wanted, _, err := language.ParseAcceptLanguage(header); err == nil {
			_, i, _ = l.matcher.Match(wanted...)
		}
	}
	return catalogues[l.offered[i]]()
}

// chooseLanguage is the language of the answer: the one just chosen at the foot
// of a page, the one chosen before, or what the browser asks for.
func (x *exchange) chooseLanguage() *catalogue {
	if c := x.c.languages.named(x.askedLanguage()); c != nil {
		return c
	}
	for _, cookie := range x.r.CookiesNamed(paywall.LanguageCookie.On(x.tls)) {
		if c := x.c.languages.named(cookie.Value); c != nil {
			return c
		}
	}
	return x.c.languages.accepted(strings.Join(x.r.Header.Values("Accept-Language"), ","))
}

// askedLanguage is what the switch sends.
func (x *exchange) askedLanguage() string { return x.r.URL.Query().Get("lang") }

// rememberLanguage keeps a language for later pages, if a page of ours is where
// it was chosen: another site's link shows one page in its language, and changes
// nothing.
func (x *exchange) rememberLanguage() {
	from := x.r.Header.Get("Sec-Fetch-Site")
	ours := from == "" || from == "same-origin"
	if ours && x.r.Method == http.MethodGet && !prefetches(x.r) && x.askedLanguage() == x.text.Tag {
		x.setCookie(paywall.NewLanguageCookie(x.tls, x.text.Tag, x.now))
	}
}

// languageSwitch is the form at the foot of a page.
type languageSwitch struct {
	Action  string          // the page to show again
	Offer   string          // that it is about, "" if none
	Unlock  string          // the same, of a receipt
	Gift    paywall.GiftKey // the same, of a gift
	Offered []choice
}

// choice is a language to choose.
type choice struct{ Tag, Name string }

// languageSwitch leads back to this page or, from the answer to a form, to the
// page that the form stood on. nil if there is nothing to choose.
func (x *exchange) languageSwitch() *languageSwitch {
	if len(x.c.languages.offered) < 2 {
		return nil
	}
	s := &languageSwitch{Action: Prefix + "wallet", Offer: x.offer, Gift: x.gift}
	for _, tag := range x.c.languages.offered {
		s.Offered = append(s.Offered, choice{tag, ownNames[tag]})
	}
	switch {
	case x.gift != "":
		s.Action = GiftPath
	case x.offer != "":
		s.Action = Prefix + "unlock"
	case x.r.Method != http.MethodPost && strings.HasPrefix(x.r.URL.Path, Prefix):
		s.Action = x.r.URL.Path
	case x.r.URL.Path == Prefix+"topup/voucher":
		s.Action = Prefix + "topup"
	}
	return s
}
