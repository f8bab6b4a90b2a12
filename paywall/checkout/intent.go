package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/consent"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/topup"
)

// An intent's id says nothing about its reader. Whoever has it, as the provider does, sees
// how far the payment is, and nothing of the wallet. Only the wallet that began it is shown
// more, and only a browser that kept what its reader agreed to goes on into the article:
// by a form, since GET buys nothing.

// showIntent says how far a payment is. Of a bank transfer it says what to tell the bank,
// and when it has come, it leads whoever agreed to buy an article to the page that goes on.
func showIntent(ctx context.Context, x *exchange, l Ledger, who identity) error {
	status, err := lookAt(ctx, x, l, &who, x.r.URL.Query().Get("id"))
	if err != nil {
		return err
	}
	if x.json {
		return answerIntent(x, &status)
	}
	if _, agreed := consentTo(x, who, &status); agreed && status.Intent.State == paywall.IntentPaid {
		x.redirect(returnPagePath(status.Intent.ID))
		return nil
	}
	return intentPage(x, who, &status, back{})
}

// showReturn is where a provider sends a reader back to. It looks the payment up, and leads
// whoever agreed to buy an article on to it.
func showReturn(ctx context.Context, x *exchange, l Ledger, who identity) error {
	query := x.r.URL.Query()
	status, err := lookAt(ctx, x, l, &who, query.Get("intent"))
	if err != nil {
		return err
	}
	if x.json {
		return answerIntent(x, &status)
	}
	from := back{returned: true, canceled: query.Get("canceled") == "1"}
	agreed, ok := consentTo(x, who, &status)
	if !ok {
		return intentPage(x, who, &status, from)
	}
	offer, over := x.takeOffer(agreed.Offer)
	if offer == nil {
		return over
	}
	if over != nil && status.Intent.State == paywall.IntentPaid {
		x.redirect(x.about.back) // the article makes a new offer, which the wallet can pay
		return nil
	}
	unlock, has, err := owned(ctx, l, who, offer.Site, offer.Resource)
	switch {
	case err != nil:
		return err
	case has:
		return deliver(x, &unlock, x.about.back)
	case over == nil:
		from.offer = agreed.Offer
	}
	return intentPage(x, who, &status, from)
}

// goOn buys the article that money was added for, as the reader agreed to before, once.
func goOn(ctx context.Context, x *exchange, l Ledger, who identity) error {
	status, err := x.c.o.TopUps.Show(ctx, x.fields["intent"])
	if err != nil {
		return err
	}
	agreed, ok := consentTo(x, who, &status)
	if !ok || status.Intent.State != paywall.IntentPaid {
		x.redirect(returnPagePath(status.Intent.ID))
		return nil
	}
	offer, over := x.takeOffer(agreed.Offer)
	if offer == nil {
		return over
	}
	x.setCookie(paywall.ExpiredCookie(paywall.NewConsentCookie(x.tls, "", 0)))
	if over != nil {
		x.redirect(x.about.back)
		return nil
	}
	x.fields = map[string]string{"offer": agreed.Offer, "shown": agreed.Shown}
	return completePurchase(ctx, x, l, who, offer, agreed.Offer)
}

// consentTo is what a reader agreed to buy with a top-up of their own.
func consentTo(x *exchange, who identity, s *topup.Status) (consent.Consent, bool) {
	if !ownsIntent(who, s) {
		return consent.Consent{}, false
	}
	cookies := x.r.CookiesNamed(paywall.ConsentCookie.On(x.tls))
	for _, cookie := range cookies[:min(len(cookies), paywall.MaxCookieCandidates)] {
		if c, ok := consent.Open(cookie.Value, who.key, s.Intent.ID); ok {
			return c, true
		}
	}
	return consent.Consent{}, false
}

func ownsIntent(who identity, s *topup.Status) bool {
	return who.known() && who.wallet.ID == s.Intent.Wallet
}

// lookAt asks the provider how far a payment is, but not more often than a page looks
// again: whoever has an id could have us ask all the time. It reads the visitor's wallet
// again, which may have been paid into by that.
func lookAt(ctx context.Context, x *exchange, l Ledger, who *identity, id string) (status topup.Status, err error) {
	if x.c.o.Limits.mayAsk(id, x.c.o.Now()) {
		status, err = x.c.o.TopUps.Look(ctx, id)
	} else {
		status, err = x.c.o.TopUps.Show(ctx, id)
	}
	if err == nil && ownsIntent(*who, &status) {
		who.wallet, err = l.Wallet(ctx, who.hash)
	}
	return status, err
}

func answerIntent(x *exchange, s *topup.Status) error {
	return x.answer(http.StatusOK, struct {
		Intent   string              `json:"intent"`
		State    paywall.IntentState `json:"state"`
		Amount   paywall.Money       `json:"amount"`
		Currency paywall.Currency    `json:"currency"`
		Credited paywall.Money       `json:"credited"`
	}{s.Intent.ID, s.Intent.State, s.Intent.Amount, s.Intent.Amount.Currency, s.Credited})
}

// back is how a reader came to the page of a payment.
type back struct {
	returned, canceled bool
	offer              string // that they agreed to, and that still stands; "" if none
}

type intentView struct {
	layout
	ID       string
	Amount   paywall.Money
	Lead     string // what happened, and what comes next
	Transfer *topup.Transfer
	Picture  string // address of the transfer's QR code, "" if there is none
	Ends     time.Time
	Mine     bool          // the reader's wallet began it
	Paid     bool          // it is in the wallet
	Failed   bool          // another way has to be chosen
	Balance  paywall.Money // of the reader's wallet
	Read     bool          // a form leads on into the article
	Auto     string        // address of the script that sends it, "" for none
	Pay      string        // the provider's page, to go on with; "" for none
	Again    string        // this page's address, to look again; "" if there is no need
	Back     string        // path of the article, "" if not known
	Offer    string        // that the reader came for, "" if none
}

func intentPage(x *exchange, who identity, s *topup.Status, from back) error {
	state := s.Intent.State
	waits := !state.Final()
	title, lead := intentTexts(s, from)
	v := intentView{
		layout: x.layout(x.text().T(title, "Amount", x.text().Money(s.Intent.Amount))), Lead: x.text().T(lead),
		ID: s.Intent.ID, Amount: s.Intent.Amount, Ends: s.Intent.ExpiresAt,
		Mine: ownsIntent(who, s), Paid: state == paywall.IntentPaid, Failed: !waits && state != paywall.IntentPaid || from.canceled && waits,
		Balance: balanceOf(x, who), Back: x.about.back, Offer: from.offer,
	}
	v.Script = page.TopUpScript.URL()
	if v.Read = v.Paid && from.offer != ""; v.Read {
		v.Auto = page.AutoScript.URL()
	}
	if waits && s.Next != nil {
		if v.Transfer = s.Next.Transfer; v.Transfer != nil && v.Transfer.Code != "" {
			v.Picture = Prefix + "topup/code.svg?id=" + s.Intent.ID
		}
		if v.Mine {
			v.Pay = s.Next.URL
		}
	}
	if waits && !from.canceled {
		v.Again = lookAgainAt(x, s, from, v.Transfer != nil)
	}
	return x.page(http.StatusOK, "intent", v)
}

// intentTexts are the keys of a page's title and of what it says.
func intentTexts(s *topup.Status, from back) (title, lead string) {
	state := s.Intent.State
	switch {
	case state == paywall.IntentPaid:
		return "intent.paid", "intent.paid_lead"
	case state == paywall.IntentExpired:
		return "intent.expired", "intent.expired_lead"
	case state.Final():
		return "intent.failed", "intent.failed_lead"
	case from.canceled:
		return "intent.canceled", "intent.canceled_lead"
	case s.Next != nil && s.Next.Transfer != nil:
		return "transfer.title", "transfer.lead"
	case state == paywall.IntentPending:
		return "intent.pending", "intent.pending_lead"
	case s.Late:
		return "intent.waiting", "intent.late_lead"
	}
	return "intent.waiting", "intent.waiting_lead"
}

// pauses are how long a page waits before it looks again by itself, with how often it does
// at each. After them the reader looks.
var pauses = [...]struct{ times, seconds int }{{5, 2}, {10, 5}, {12, 15}}

// lookAgainAt is the address of this page, at which the browser looks again without a
// script. Of a transfer it does not: it takes longer, and its reader is copying numbers.
func lookAgainAt(x *exchange, s *topup.Status, from back, transfer bool) string {
	address := intentPath(s.Intent.ID)
	if from.returned {
		address = returnPagePath(s.Intent.ID)
	}
	if transfer {
		return address
	}
	looked, err := strconv.Atoi(x.r.URL.Query().Get("looked"))
	if err != nil || looked < 0 {
		looked = 0
	}
	until := 0
	for _, p := range pauses {
		if until += p.times; looked < until {
			x.w.Header().Set("Refresh", fmt.Sprintf("%d; url=%s&looked=%d", p.seconds, address, looked+1))
			break
		}
	}
	return address
}

// showTransferCode draws what banking apps read.
func showTransferCode(ctx context.Context, x *exchange, _ Ledger, _ identity) error {
	status, err := x.c.o.TopUps.Show(ctx, x.r.URL.Query().Get("id"))
	if err != nil {
		return err
	}
	if status.Next == nil || status.Next.Transfer == nil || status.Next.Transfer.Code == "" {
		return paywall.Errorf(paywall.CodeNotFound, "nothing is to be transferred for this")
	}
	return writePicture(x, status.Next.Transfer.Code)
}

// addAt is where money is added, if that is what to do about an error. The article is kept.
func addAt(x *exchange, err error) string {
	switch {
	case x.c.o.TopUps == nil || !isUnpaid(err) && !errors.Is(err, paywall.ErrOwing):
		return ""
	case x.about.offer != "":
		return Prefix + "topup?offer=" + x.about.offer
	}
	return Prefix + "topup"
}
