package checkout

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/checkout/passkey"
)

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
	Owed      paywall.Money // that has to be paid first
	Closed    bool          // the wallet is
	Add       *addView      // money that would do; nil if there is none
	Others    bool          // there are other ways to add some
	TopUpID   string
	Budget    bool // it would go over what the reader wants to spend in a day
	Refund    time.Duration
	Final     string // why it could not be undone, the key of a text; "" if it could
	Vouchers  bool
	Buy       string // address where vouchers are sold, "" for none
	Auto      string // address of the script that sends the form, "" for none
	capView
}

// addView is one press that adds money and goes on to the article.
type addView struct {
	Amount paywall.Money
	Stays  paywall.Money // after the purchase
}

// newAddView takes the smallest amount by card that is enough; nil if none is.
func newAddView(x *exchange, missing, balance, charge paywall.Money) *addView {
	card, err := x.c.choice(byCard)
	if err != nil {
		return nil
	}
	for _, amount := range card.Amounts {
		if amount.Micros >= missing.Micros {
			return &addView{amount, paywall.Money{Micros: amount.Micros - missing.Micros + max(balance.Micros-charge.Micros, 0), Currency: amount.Currency}}
		}
	}
	return nil
}

func purchasePage(x *exchange, status int, p purchase) error {
	o := p.offer
	balance := balanceOf(x, p.who)
	if !p.who.known() {
		balance = promised(x)
	}
	after, err := balance.Add(p.quote.Charge.Neg())
	if err != nil {
		return err
	}
	v := purchaseView{
		layout: noticed(x, alerted(x, x.layout(titleOf(x, o.Title)), p.alert)),
		Offer:  p.raw, NewWallet: drawWalletKey(x, p.who.known()),
		Words: o.Words, Minutes: minutesToRead(o.Words),
		Price: o.Price, Charge: p.quote.Charge, Access: o.Access, Balance: balance, After: after, House: !p.who.known() && !balance.IsZero(),
		Budget: errors.Is(p.quote.Refusal, paywall.ErrOverBudget), Refund: x.c.o.Refund, Final: final(x, &p.quote), Vouchers: x.c.o.Vouchers, Buy: x.c.o.BuyVoucher,
		capView: capView{o.Cap, p.quote.Spent, paywall.NextMonth(x.now).AddDate(0, 0, -1)},
	}
	v.Script = page.PressGuard.URL()
	if opensAlone(x, &p) {
		v.Auto = page.AutoScript.URL()
	}
	v.Closed, v.Owed = p.who.wallet.Closed, p.who.wallet.Owed
	if after.Micros < 0 {
		v.Missing = after.Neg()
	}
	v.Missing.Currency = o.Price.Currency
	v.Missing.Micros += v.Owed.Micros // a debt is paid by what comes in, not of the balance
	if v.Missing.Micros > 0 && !v.Closed {
		v.Add = newAddView(x, v.Missing, balance, p.quote.Charge)
		v.Others, v.TopUpID, v.pays = len(x.c.choices()) > 0, paywall.NewID(), x.c.payPages()
	}
	return x.page(status, "unlock", v)
}

// drawWalletKey draws the key that a stranger's form carries. Sent twice, it opens
// one wallet. It is secret as the cookie it becomes: the page is not stored.
// Beside the page goes the cookie that has to come back with the form.
func drawWalletKey(x *exchange, known bool) paywall.WalletKey {
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
func titleOf(x *exchange, article string) string {
	if title := page.DisplayTitle(article); title != "" {
		return title
	}
	return x.text().T("unlock.untitled")
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

func newPurchaseEntry(x *exchange, u *paywall.Unlock) purchaseEntry {
	e := purchaseEntry{
		ID: u.ID, Title: shownTitle(u), Paid: u.Paid, At: u.At,
		Refunded: !u.RefundedAt.IsZero(), Refundable: u.Refundable(x.now), Left: u.RefundableUntil.Sub(x.now),
		Given: u.Gift != paywall.Hash{}, Auto: u.Auto,
	}
	if u.Forgotten {
		e.Title = x.text().T("memory.untitled")
	}
	e.Tip = newTipView(x, u)
	if giveable(x, u) {
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
	Buy       string        // address where vouchers are sold, "" for none
	Offer     string        // of the article that money is added for, "" if none
	Shown     string        // what that takes
	Welcome   paywall.Money // credit of a new wallet
	WebAuthn  bool          // passkeys work on this origin
}

func (x *exchange) newFormsView(l layout, who identity) formsView {
	return formsView{layout: l, Known: who.known(), Balance: balanceOf(x, who), Vouchers: x.c.o.Vouchers, Buy: x.c.o.BuyVoucher}
}

// wayView is a way to add money.
type wayView struct {
	Kind    string // card or bank
	Amounts []paywall.Money
}

type topUpView struct {
	formsView
	Ways    []wayView
	TopUpID string
	Article string // title of what money is added for, "" if nothing
	Back    string // its path
	Owed    paywall.Money
	Closed  bool // the wallet is
}

// takePasskeys gives a page what its forms for passkeys need, where they work. A
// text browser would show them, although they stay hidden until a script comes.
func takePasskeys(x *exchange, v *formsView) {
	if silent(x.r) {
		return
	}
	if _, v.WebAuthn = passkey.Site(x.origin); v.WebAuthn {
		v.Module = page.PasskeyModule.URL()
	}
}

func topUpPage(x *exchange, status int, who identity, article wanted, alert string) error {
	l := noticed(x, alerted(x, x.layout(x.text().T("topup.title")), alert))
	v := topUpView{formsView: x.newFormsView(l, who), TopUpID: paywall.NewID(), Article: article.title, Owed: who.wallet.Owed, Closed: who.wallet.Closed}
	v.NewWallet, v.Offer, v.Shown = drawWalletKey(x, who.known()), article.raw, article.shown
	if article.raw != "" {
		v.Back = x.about.back
	}
	v.Script = page.TopUpScript.URL()
	if !v.Closed {
		v.pays = x.c.payPages()
		for _, way := range x.c.choices() {
			v.Ways = append(v.Ways, wayView{kindOf(way.Name), way.Amounts})
		}
	}
	return x.page(status, "topup", v)
}

type strangerView struct {
	formsView
	Others bool // there are ways to add money beside vouchers
}

// strangerPage is the wallet page of someone who has none here.
func strangerPage(x *exchange, status int, alert string) error {
	x.w.Header().Set("WWW-Authenticate", "Bearer")
	v := strangerView{formsView: x.newFormsView(noticed(x, alerted(x, x.layout(x.text().T("stranger.title")), alert)), identity{}), Others: len(x.c.choices()) > 0}
	v.NewWallet, v.Welcome = drawWalletKey(x, false), promised(x)
	v.Script = page.WalletScript.URL()
	takePasskeys(x, &v.formsView)
	return x.page(status, "stranger", v)
}

// confirmErase asks once more; the wallet page only links here.
func confirmErase(_ context.Context, x *exchange, _ Ledger, who identity) error {
	v := formsView{layout: x.layout(x.text().T("erase.title")), Known: true, Balance: who.wallet.Balance}
	v.Script = page.PressGuard.URL()
	return x.page(http.StatusOK, "erase", v)
}

type errorView struct {
	layout
	Next   string
	Back   string // path of the article, "" if not known
	Wallet bool   // the wallet page is where to go on
	Reset  bool   // removing all cookies may help
	Add    string // address where money is added, perhaps in another way; "" if that is no help
}

func newErrorView(x *exchange, code paywall.Code, err error) errorView {
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
	case isUnpaid(err):
		key = "error.unpaid"
	}
	if code == paywall.CodeNoCookies {
		x.tryCookie()
	}
	return errorView{
		layout: x.layout(x.text().T(key + ".title")), Next: x.text().T(key + ".next"),
		Back: x.about.back, Wallet: code != paywall.CodeUnavailable && code != paywall.CodeInternal && code != paywall.CodeGiftOver,
		Reset: isTwoWallets(err) || code == paywall.CodeNoCookies, Add: addAt(x, err),
	}
}
