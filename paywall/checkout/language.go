package checkout

import (
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// chooseLanguage is the language of the answer: the one just chosen at the foot
// of a page, the one chosen before, or what the browser asks for.
func (x *exchange) chooseLanguage() *page.Catalogue {
	if c := x.c.languages.Named(x.askedLanguage()); c != nil {
		return c
	}
	for _, cookie := range x.r.CookiesNamed(paywall.LanguageCookie.On(x.tls)) {
		if c := x.c.languages.Named(cookie.Value); c != nil {
			return c
		}
	}
	return x.c.languages.Accepted(strings.Join(x.r.Header.Values("Accept-Language"), ","))
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
	Offered []page.Choice
}

// languageSwitch leads back to this page or, from the answer to a form, to the
// page that the form stood on. nil if there is nothing to choose.
func (x *exchange) languageSwitch() *languageSwitch {
	offered := x.c.languages.Choices()
	if offered == nil {
		return nil
	}
	s := &languageSwitch{Action: Prefix + "wallet", Offer: x.about.offer, Gift: x.about.gift, Offered: offered}
	switch {
	case x.about.gift != "":
		s.Action = GiftPath
	case x.about.offer != "":
		s.Action = Prefix + "unlock"
	case x.r.Method != http.MethodPost && strings.HasPrefix(x.r.URL.Path, Prefix):
		s.Action = x.r.URL.Path
	case x.r.URL.Path == Prefix+"topup/voucher":
		s.Action = Prefix + "topup"
	}
	return s
}
