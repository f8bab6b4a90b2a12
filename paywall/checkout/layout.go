package checkout

import (
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// layout is what every page shows around its content.
type layout struct {
	*page.Catalogue
	Title  string
	Site   string // the publisher's name, or the host
	Logo   string // path of an image, "" if none
	CSS    string
	Icon   string
	Notice string // good news, "" if none
	Onward string // path of the article that the news is about, "" if none
	Alert  string // what to correct, "" if none
	Field  string // id of the field to correct, "" if none
	Typed  string // what stands in it
	Switch *languageSwitch
	Script string // address of a script, "" for none
	Module string // the same of a module

	FormToken string // that every form carries, "" for browsers that need none

	pays []string // origins that a form of the page leads to, beside ours
}

func (l layout) scripted() bool     { return l.Script != "" || l.Module != "" }
func (l layout) payPages() []string { return l.pays }

func (x *exchange) layout(title string) layout {
	look := x.c.o.Look
	return layout{
		Catalogue: x.text(), Title: title, Site: x.siteName(), Logo: look.Logo(), CSS: look.Style().URL(), Icon: page.Icon.URL(), Switch: x.languageSwitch(),
		FormToken: x.drawCSRFToken(),
	}
}

// siteName is the publisher's name, or the host.
func (x *exchange) siteName() string {
	if name := x.c.o.Look.Name(); name != "" {
		return name
	}
	_, host, _ := strings.Cut(x.origin, "://")
	return host
}

// notices are the texts a redirect may ask for. Only the key travels in the
// address, so that nobody can make the page say anything else.
var notices = map[string]bool{
	noticeRefunded: true, "credited": true, "recovered": true, "erased": true, noticeAgain: true,
	"saved": true, "forgotten": true, "signed-out": true, "signed-out-here": true, "signed-out-kept": true, "passkey-added": true, "passkey-removed": true,
}

func noticed(x *exchange, l layout) layout {
	if key := x.r.URL.Query().Get("notice"); x.r.Method != http.MethodPost && notices[key] {
		l.Notice = l.T("notice." + key)
		if key == noticeRefunded {
			// In the head, so that a publisher's template cannot lack it.
			x.w.Header().Set("Link", "<"+Prefix+`forget.css>; rel="preload"; as="style"`)
		}
	}
	return l
}

// alerted says what is wrong with a field: "voucher.wrong" with that of "voucher".
func alerted(x *exchange, l layout, key string) layout {
	if key != "" {
		l.Alert = l.T(key)
		l.Field, _, _ = strings.Cut(key, ".")
		l.Typed = x.typedCode()
	}
	return l
}

// maxTyped is how much of a wrong code is shown again: as much as its field takes.
const maxTyped = 64

// typedCode is the wrong code that a form was sent with, to be corrected. Text browsers
// put what is typed next after what stands in a field: there the field is empty.
func (x *request) typedCode() string {
	typed := []rune(x.fields["code"])
	if silent(x.r) {
		return ""
	}
	return string(typed[:min(len(typed), maxTyped)])
}

// text is the words of the answer. It chooses their language when they are first asked
// for: a purchase has none.
func (x *exchange) text() *page.Catalogue {
	if x.language == nil {
		x.language = x.chooseLanguage()
	}
	return x.language
}

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
func (x *request) askedLanguage() string { return x.r.URL.Query().Get("lang") }

// rememberLanguage keeps a language for later pages, if a page of ours is where
// it was chosen: another site's link shows one page in its language, and changes
// nothing.
func (x *exchange) rememberLanguage() {
	from := x.r.Header.Get("Sec-Fetch-Site")
	ours := from == "" || from == "same-origin"
	if ours && x.r.Method == http.MethodGet && !prefetches(x.r) && x.askedLanguage() == x.text().Tag {
		x.setCookie(paywall.NewLanguageCookie(x.tls, x.text().Tag, x.now))
	}
}

// languageSwitch is the form at the foot of a page.
type languageSwitch struct {
	Action  string          // the page to show again
	Offer   string          // that it is about, "" if none
	Unlock  string          // the same, of a receipt
	Gift    paywall.GiftKey // the same, of a gift
	Intent  string          // the same, where a payment leads back to
	ID      string          // the same, of a payment or of money that goes back
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
	here, query := x.r.URL.Path, x.r.URL.Query()
	switch {
	case x.r.Method != http.MethodPost && (here == Prefix+"topup/intent" || here == Prefix+"wallet/cash-out"):
		s.Action, s.Offer, s.ID = here, "", short(query.Get("id"))
	case x.r.Method != http.MethodPost && here == Prefix+"topup/return":
		s.Action, s.Offer, s.Intent = here, "", short(query.Get("intent"))
	case x.r.Method != http.MethodPost && here == Prefix+"topup":
		s.Action = here
	case x.about.gift != "":
		s.Action = GiftPath
	case x.about.offer != "":
		s.Action = Prefix + "unlock"
	case x.r.Method != http.MethodPost && strings.HasPrefix(here, Prefix):
		s.Action = here
	case strings.HasPrefix(here, Prefix+"topup/"):
		s.Action = Prefix + "topup"
	}
	return s
}

// short leaves out what is no id.
func short(id string) string {
	if len(id) > maxTyped {
		return ""
	}
	return id
}

// NewLook checks what a publisher wants of the pages. Errors say what to write
// instead; those of a template begin with its file, line and column.
func NewLook(o page.Options) (*page.Look, error) { return page.NewLook(o, views) }

// views are what the templates are given, as empty as can be.
func views(c *page.Catalogue) map[string]any {
	l := layout{Catalogue: c, Title: "Title", Site: "Site", CSS: "/", Icon: "/"}
	forms := formsView{layout: l}
	return map[string]any{
		"unlock":    purchaseView{layout: l},
		"wallet":    walletView{formsView: forms},
		"stranger":  strangerView{formsView: forms},
		"topup":     topUpView{formsView: forms},
		"erase":     forms,
		"reset":     resetView{formsView: forms},
		"receipt":   receiptView{layout: l},
		"gift":      giftView{layout: l},
		"giftlink":  giftLinkView{layout: l},
		"intent":    intentView{layout: l},
		"cashout":   cashOutView{layout: l},
		"cashedout": acknowledgeView{layout: l},
		"error":     errorView{layout: l},
		"box":       boxView{Catalogue: c, CSS: "/"},
		"bar":       barView{Catalogue: c, CSS: "/"},
	}
}
