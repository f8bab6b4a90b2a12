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

// catalogues are all languages by tag, read once, when the first checkout is made.
var catalogues = sync.OnceValues(func() (map[string]*catalogue, error) {
	all := make(map[string]*catalogue, len(Languages))
	for _, tag := range Languages {
		c, err := newCatalogue(tag)
		if err != nil {
			return nil, err
		}
		all[tag] = c
	}
	return all, nil
})

// languages are those of one checkout.
type languages struct {
	english *catalogue   // of what programs read
	offered []*catalogue // for people; the first is for those who want none of them
	matcher language.Matcher
}

func newLanguages(tags []string) (*languages, error) {
	all, err := catalogues()
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		tags = Languages
	}
	l := &languages{english: all["en"]}
	var matched []language.Tag
	for i, tag := range tags {
		c, ok := all[tag]
		if !ok {
			return nil, fmt.Errorf("there are no pages in the language %q; write some of %s", tag, strings.Join(Languages, " "))
		}
		if slices.Contains(tags[:i], tag) {
			return nil, fmt.Errorf("the language %q is given twice; write it once", tag)
		}
		l.offered = append(l.offered, c)
		matched = append(matched, language.Make(tag))
	}
	l.matcher = language.NewMatcher(matched)
	return l, nil
}

// named is the catalogue of a tag that this checkout offers, nil if it does not.
func (l *languages) named(tag string) *catalogue {
	for _, c := range l.offered {
		if c.Tag == tag {
			return c
		}
	}
	return nil
}

// maxAcceptLanguage bounds what is parsed. Browsers send less than 200 bytes.
const maxAcceptLanguage = 1024

// accepted is the language that suits an Accept-Language best (RFC 9110, 12.5.4).
func (l *languages) accepted(header string) *catalogue {
	if len(header) > maxAcceptLanguage {
		return l.offered[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return l.offered[0]
	}
	_, i, _ := l.matcher.Match(wanted...)
	return l.offered[i]
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
	Action  string // the page to show again
	Offer   string // that it is about, "" if none
	Unlock  string // the same, of a receipt
	Offered []*catalogue
}

// languageSwitch leads back to this page or, from the answer to a form, to the
// page that the form stood on. nil if there is nothing to choose.
func (x *exchange) languageSwitch() *languageSwitch {
	if len(x.c.languages.offered) < 2 {
		return nil
	}
	s := &languageSwitch{Action: Prefix + "wallet", Offer: x.offer, Offered: x.c.languages.offered}
	switch {
	case x.offer != "":
		s.Action = Prefix + "unlock"
	case x.r.Method != http.MethodPost && strings.HasPrefix(x.r.URL.Path, Prefix):
		s.Action = x.r.URL.Path
	case x.r.URL.Path == Prefix+"topup/voucher":
		s.Action = Prefix + "topup"
	}
	return s
}
