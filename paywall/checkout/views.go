package checkout

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/checkout/passkey"
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
	Alert  string // what to mend, "" if none
	Field  string // id of the field to mend, "" if none
	Typed  string // what stands in it
	Switch *languageSwitch
	Script string // address of a script, "" for none
	Module string // the same of a module

	FormToken string // that every form carries, "" for browsers that need none
}

func (l layout) scripted() bool { return l.Script != "" || l.Module != "" }

func (x *exchange) layout(title string) layout {
	look := x.c.o.Look
	return layout{
		Catalogue: x.text, Title: title, Site: x.siteName(), Logo: look.Logo(), CSS: look.Style().URL(), Icon: page.Icon.URL(), Switch: x.languageSwitch(),
		FormToken: x.drawFormToken(),
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

func (x *exchange) noticed(l layout) layout {
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
func (x *exchange) alerted(l layout, key string) layout {
	if key != "" {
		l.Alert = l.T(key)
		l.Field, _, _ = strings.Cut(key, ".")
		l.Typed = x.typedCode()
	}
	return l
}

// maxTyped is how much of a wrong code is shown again: as much as its field takes.
const maxTyped = 64

// typedCode is the wrong code that a form was sent with, to be mended. Text browsers
// put what is typed next after what stands in a field: there the field is empty.
func (x *exchange) typedCode() string {
	typed := []rune(x.fields["code"])
	if silent(x.r) {
		return ""
	}
	return string(typed[:min(len(typed), maxTyped)])
}

// purchase is what a purchase page is about.
type purchase struct {
	offer *paywall.Offer
	raw   string // the offer as it was sent
	who   identity
	quote paywall.Quote
	alert string // key of a text
}

type purchaseView struct {
	layout
	Offer     string
	NewWallet paywall.WalletKey
	Words     int
	Minutes   int
	Price     paywall.Money
	Charge    paywall.Money // what is really taken
	Access    time.Duration
	Balance   paywall.Money
	After     paywall.Money // left after the purchase
	Missing   paywall.Money // for the purchase; above zero: it cannot be made
	House     bool          // the balance is a welcome credit not yet given
	Budget    bool          // it would go over what the reader wants to spend in a day
	Refund    time.Duration
	Final     string // why it could not be undone, the key of a text; "" if it could
	Vouchers  bool
	Auto      string // address of the script that sends the form, "" for none
	capView
}

func (x *exchange) purchasePage(status int, p purchase) error {
	o := p.offer
	balance := x.balanceOf(p.who)
	if !p.who.known() {
		balance = x.promised()
	}
	after, err := balance.Add(p.quote.Charge.Neg())
	if err != nil {
		return err
	}
	v := purchaseView{
		layout: x.noticed(x.alerted(x.layout(x.titleOf(o.Title)), p.alert)),
		Offer:  p.raw, NewWallet: x.newWallet(p.who.known()),
		Words: o.Words, Minutes: minutesToRead(o.Words),
		Price: o.Price, Charge: p.quote.Charge, Access: o.Access, Balance: balance, After: after, House: !p.who.known() && !balance.IsZero(),
		Budget: errors.Is(p.quote.Refusal, paywall.ErrOverBudget), Refund: x.c.o.Refund, Final: x.final(&p.quote), Vouchers: x.c.o.Vouchers,
		capView: capView{o.Cap, p.quote.Spent, paywall.NextMonth(x.now).AddDate(0, 0, -1)},
	}
	v.Script = page.PressGuard.URL()
	if x.opensAlone(&p) {
		v.Auto = page.AutoScript.URL()
	}
	if after.Micros < 0 {
		v.Missing = after.Neg()
	}
	return x.page(status, "unlock", v)
}

// newWallet draws the key that a stranger's form carries. Sent twice, it opens
// one wallet. It is secret as the cookie it becomes: the page is not stored.
// Beside the page goes the cookie that has to come back with the form.
func (x *exchange) newWallet(known bool) paywall.WalletKey {
	if known {
		return ""
	}
	x.tryCookie()
	if sent := paywall.WalletKey(x.fields["new_wallet"]); x.r.Method == http.MethodPost {
		if _, ok := sent.Hash(); ok {
			return sent // the form is shown again: the same wallet to be
		}
	}
	return paywall.NewWalletKey()
}

// titleOf is the title of a page about an article.
func (x *exchange) titleOf(article string) string {
	if title := page.DisplayTitle(article); title != "" {
		return title
	}
	return x.text.T("unlock.untitled")
}

func shownTitle(u *paywall.Unlock) string {
	if title := page.DisplayTitle(u.Title); title != "" {
		return title
	}
	return page.DisplayTitle(u.Resource)
}

type purchaseEntry struct {
	ID         string
	Title      string
	Link       string // path on this site, address on another, "" if it leads nowhere
	Paid       paywall.Money
	At         time.Time
	Refunded   bool
	Refundable bool
	Left       time.Duration       // to undo
	Given      bool                // as a gift, without a receipt
	Gifts      []paywall.GiftState // links that give it to others
	GiftKey    paywall.GiftKey     // of a link to be; "" if none can be made
	Auto       bool                // without asking
	Tip        *tipView            // nil if none can be given
}

func (x *exchange) entry(u *paywall.Unlock) purchaseEntry {
	e := purchaseEntry{
		ID: u.ID, Title: shownTitle(u), Paid: u.Paid, At: u.At,
		Refunded: !u.RefundedAt.IsZero(), Refundable: u.Refundable(x.now), Left: u.RefundableUntil.Sub(x.now),
		Given: u.Gift != paywall.Hash{}, Auto: u.Auto,
	}
	if u.Forgotten {
		e.Title = x.text.T("memory.untitled")
	}
	e.Tip = x.tipView(u)
	if x.giveable(u) {
		e.GiftKey = paywall.NewGiftKey()
	}
	if back, ok := returnPath(u.URL); ok && !u.Forgotten {
		e.Link = back
		if u.Site != x.origin { // one ledger may serve several sites
			e.Link = u.Site + back
		}
	}
	return e
}

// formsView is what the forms need.
type formsView struct {
	layout
	NewWallet paywall.WalletKey
	Known     bool
	Balance   paywall.Money
	Vouchers  bool
	Offer     string        // always "": no article is wanted
	Welcome   paywall.Money // credit of a new wallet
	WebAuthn  bool          // passkeys work on this origin
}

// takesPasskeys gives a page what its forms for passkeys need, where they work. A
// text browser would show them, although they stay hidden until a script comes.
func (x *exchange) takesPasskeys(v *formsView) {
	if silent(x.r) {
		return
	}
	if _, v.WebAuthn = passkey.Site(x.origin); v.WebAuthn {
		v.Module = page.PasskeyModule.URL()
	}
}

func (x *exchange) topUpPage(status int, who identity, alert string) error {
	v := formsView{
		layout:    x.noticed(x.alerted(x.layout(x.text.T("topup.title")), alert)),
		NewWallet: x.newWallet(who.known()), Known: who.known(), Balance: x.balanceOf(who), Vouchers: x.c.o.Vouchers,
	}
	v.Script = page.PressGuard.URL()
	return x.page(status, "topup", v)
}

// strangerPage is the wallet page of someone who has none here.
func (x *exchange) strangerPage(status int, alert string) error {
	x.w.Header().Set("WWW-Authenticate", "Bearer")
	v := formsView{
		layout:    x.noticed(x.alerted(x.layout(x.text.T("stranger.title")), alert)),
		NewWallet: x.newWallet(false), Vouchers: x.c.o.Vouchers, Welcome: x.promised(),
	}
	v.Script = page.WalletScript.URL()
	x.takesPasskeys(&v)
	return x.page(status, "stranger", v)
}

// confirmErase asks once more; the wallet page only links here.
func confirmErase(_ context.Context, x *exchange, _ Ledger, who identity) error {
	v := formsView{layout: x.layout(x.text.T("erase.title")), Known: true, Balance: who.wallet.Balance}
	v.Script = page.PressGuard.URL()
	return x.page(http.StatusOK, "erase", v)
}

type errorView struct {
	layout
	Next   string
	Back   string // path of the article, "" if not known
	Wallet bool   // the wallet page is where to go on
	Reset  bool   // removing all cookies may help
}

func (x *exchange) errorView(code paywall.Code, err error) errorView {
	key := "error." + string(code)
	switch {
	case isTwoWallets(err):
		key = "error.two-wallets"
	case isError(err, paywall.ErrRefundOnce):
		key = "error.refund-once"
	case isError(err, paywall.ErrRefundCapped):
		key = "error.refund-capped"
	case isError(err, paywall.ErrRefundGiven):
		key = "error.refund-given"
	}
	if code == paywall.CodeNoCookies {
		x.tryCookie()
	}
	return errorView{
		layout: x.layout(x.text.T(key + ".title")), Next: x.text.T(key + ".next"),
		Back: x.about.back, Wallet: code != paywall.CodeUnavailable && code != paywall.CodeInternal && code != paywall.CodeGiftOver,
		Reset: isTwoWallets(err) || code == paywall.CodeNoCookies,
	}
}
