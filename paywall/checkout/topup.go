package checkout

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/consent"
	"github.com/tuppence/tuppence/paywall/topup"
)

// TopUps brings money in and sends it back. A [topup.Service] does.
type TopUps interface {
	Ways() []topup.Choice
	Begin(ctx context.Context, q topup.Request) (topup.Status, error)
	Look(ctx context.Context, intent string) (topup.Status, error)
	Show(ctx context.Context, intent string) (topup.Status, error)
	Waiting(ctx context.Context, wallet string) ([]paywall.Intent, error)
	CashOutOffer(ctx context.Context, wallet string) (paywall.CashOut, error)
	CashOut(ctx context.Context, wallet, id string, closes bool) (paywall.CashOut, error)
	CashOuts(ctx context.Context, wallet string) ([]paywall.CashOutPart, error)
}

// What readers and programs call the ways: one that sends readers to a provider's page,
// and the one that has them transfer the money themselves.
const (
	byCard = "card"
	byBank = "bank"
)

// kindOf is what readers call a way.
func kindOf(way string) string {
	if way == paywall.AccountBank {
		return byBank
	}
	return byCard
}

// choices are the ways that readers have, by what they call them: the first of each kind.
func (c *Checkout) choices() []topup.Choice {
	if c.o.TopUps == nil {
		return nil
	}
	var first []topup.Choice
	for _, kind := range [...]string{byCard, byBank} {
		for _, way := range c.o.TopUps.Ways() {
			if kindOf(way.Name) == kind {
				first = append(first, way)
				break
			}
		}
	}
	return first
}

// choice is the way of a kind.
func (c *Checkout) choice(kind string) (topup.Choice, error) {
	for _, way := range c.choices() {
		if kindOf(way.Name) == kind {
			return way, nil
		}
	}
	return topup.Choice{}, paywall.Errorf(paywall.CodeNotFound, "money does not come in this way here")
}

// payPages are the origins that a form for a top-up may lead to. Chromium applies a page's
// form-action to the redirect after its form, too (measured with version 156).
func (c *Checkout) payPages() (origins []string) {
	for _, way := range c.choices() {
		origins = append(origins, way.Origins...)
	}
	return origins
}

// wanted is the article that money is added for. The zero value: none.
type wanted struct {
	raw   string // the offer as it was sent
	title string
	shown string // what it takes of this wallet
}

// showTopUp is the page with the ways to put money in.
func showTopUp(ctx context.Context, x *exchange, l Ledger, who identity) error {
	if !x.json {
		if err := x.lookedAgain(); err != nil {
			return err
		}
		article, err := wantedArticle(ctx, x, l, who)
		if err != nil {
			return err
		}
		return topUpPage(x, http.StatusOK, who, article, "")
	}
	if !who.known() {
		return paywall.ErrNoWallet
	}
	ways, amounts := []string{}, map[string][]paywall.Money{}
	for _, way := range x.c.choices() {
		ways = append(ways, kindOf(way.Name))
		amounts[kindOf(way.Name)] = way.Amounts
	}
	if x.c.o.Vouchers {
		ways = append(ways, "voucher")
	}
	return x.answer(http.StatusOK, struct {
		Balance    paywall.Money              `json:"balance"`
		Currency   paywall.Currency           `json:"currency"`
		Ways       []string                   `json:"ways"`
		Amounts    map[string][]paywall.Money `json:"amounts,omitempty"` // by way
		BuyVoucher string                     `json:"buy_voucher,omitempty"`
	}{who.wallet.Balance, who.wallet.Balance.Currency, ways, amounts, x.c.o.BuyVoucher})
}

// wantedArticle is what the address names. An offer that cannot be bought any more is none:
// money can be added without one.
func wantedArticle(ctx context.Context, x *exchange, l Ledger, who identity) (w wanted, err error) {
	query, err := parseForm(x.r.URL.RawQuery)
	if err != nil || query["offer"] == "" {
		return w, err
	}
	offer, over := x.takeOffer(query["offer"])
	if over != nil {
		x.about.offer = ""
		return w, nil
	}
	quote, err := quoted(ctx, l, who, offer)
	if err != nil || quote.Owned || unsellable(&quote) != nil {
		return w, err
	}
	return wanted{raw: query["offer"], title: titleOf(x, offer.Title), shown: quote.Charge.String()}, nil
}

// beginTopUp asks a way for what the reader has to do. The intent that a form begins
// follows from the form and the wallet: sent twice, it is one.
func beginTopUp(kind string) handler {
	return func(x *exchange) error {
		way, err := x.c.choice(kind)
		if err != nil {
			return err
		}
		amount, err := wantedAmount(x, way)
		if err != nil {
			return err
		}
		offer, over, err := takeWantedOffer(x)
		if err != nil {
			return err
		}
		return commit(func(ctx context.Context, x *exchange, l Ledger) error {
			who, err := x.ensureWallet(ctx, l, false)
			if err != nil {
				return err
			}
			status, err := x.c.o.TopUps.Begin(ctx, topup.Request{
				ID: intentID(x, who.wallet.ID, kind, amount), Wallet: who.wallet.ID, Way: way.Name, Amount: amount, Site: x.origin,
				Network: networksOf(x.c.o.ClientIP(x.r))[address], Known: who.wallet.Paid().Micros > 0,
			})
			if err != nil {
				return unpaidFor(err)
			}
			if offer != nil && !over && !x.json {
				agreed := consent.Consent{Intent: status.Intent.ID, Shown: x.fields["shown"], Offer: x.fields["offer"]}
				x.setCookie(paywall.NewConsentCookie(x.tls, agreed.Seal(who.key), consentLife))
			}
			return sendToPay(x, way, &status)
		})(x)
	}
}

// consentLife is how long a browser keeps what was agreed to. The offer ends before; until
// then, and with it, the way back to the article is known.
const consentLife = time.Hour

// wantedAmount is the amount of the button that was pressed, or that a program names.
func wantedAmount(x *exchange, way topup.Choice) (paywall.Money, error) {
	amount, err := paywall.ParseMoney(x.fields["amount"], x.c.o.Currency)
	if err == nil && slices.Contains(way.Amounts, amount) {
		return amount, nil
	}
	var offered []string
	for _, m := range way.Amounts {
		offered = append(offered, m.String())
	}
	return amount, paywall.Errorf(paywall.CodeMalformed, "the field amount is none of those that can be added: %s", strings.Join(offered, ", "))
}

// intentID is the id of the intent that a form begins, "" for a program that names none.
func intentID(x *exchange, wallet, kind string, amount paywall.Money) string {
	form := x.fields["topup_id"]
	if form == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"intent", wallet, kind, amount.String(), form}, "\n")))
	return base32.StdEncoding.EncodeToString(sum[:10])
}

// unpaid is an error after which nothing was taken of the reader's money elsewhere.
type unpaid struct{ error }

func (u unpaid) Unwrap() error { return u.error }

func isUnpaid(err error) bool {
	_, is := errors.AsType[unpaid](err)
	return is
}

// soonAgain is when a network may begin another top-up, and when a provider may answer.
const (
	networkAgain  = 6 * time.Minute
	providerAgain = time.Minute
)

// unpaidFor says when a refused top-up can be tried again.
func unpaidFor(err error) error {
	switch codeOf(err) {
	case paywall.CodeRateLimited:
		return later{err, networkAgain}
	case paywall.CodeTooManyTopUps:
		return later{err, 30 * time.Minute}
	case paywall.CodeUnavailable:
		if errors.Is(err, topup.ErrProvider) || errors.Is(err, topup.ErrRefused) {
			return unpaid{later{err, providerAgain}}
		}
	}
	return err
}

// sendToPay leads a reader to the provider's page, or to ours that says how to pay.
func sendToPay(x *exchange, way topup.Choice, s *topup.Status) error {
	pays := s.Next != nil && s.Next.URL != ""
	if pays && !slices.ContainsFunc(way.Origins, func(origin string) bool { return onOrigin(s.Next.URL, origin) }) {
		return fmt.Errorf("the way %s sends readers to a page that is on none of its origins", way.Name)
	}
	if x.json {
		return answerBegun(x, s)
	}
	switch {
	case pays:
		x.redirect(s.Next.URL)
	case kindOf(way.Name) == byBank:
		x.redirect(intentPath(s.Intent.ID))
	default: // the form of a payment that is on its way, or over, was sent again
		x.redirect(returnPagePath(s.Intent.ID))
	}
	return nil
}

// onOrigin reports whether an address is on an origin.
func onOrigin(address, origin string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User == nil && u.Scheme+"://"+u.Host == origin
}

func intentPath(id string) string     { return Prefix + "topup/intent?id=" + url.QueryEscape(id) }
func returnPagePath(id string) string { return Prefix + "topup/return?intent=" + url.QueryEscape(id) }

// answerBegun tells a program where to pay, or what to tell a bank.
func answerBegun(x *exchange, s *topup.Status) error {
	if s.Next == nil {
		return answerIntent(x, s)
	}
	if t := s.Next.Transfer; t != nil {
		return x.answer(http.StatusOK, struct {
			Intent    string           `json:"intent"`
			IBAN      string           `json:"iban"`
			Name      string           `json:"name"`
			Reference string           `json:"reference"`
			Amount    paywall.Money    `json:"amount"`
			Currency  paywall.Currency `json:"currency"`
			EPC       string           `json:"epc,omitempty"`
			ExpiresAt string           `json:"expires_at"`
		}{s.Intent.ID, t.IBAN, t.Name, t.Reference, t.Amount, t.Amount.Currency, t.Code, wireTime(s.Intent.ExpiresAt)})
	}
	return x.answer(http.StatusOK, struct {
		Intent    string `json:"intent"`
		URL       string `json:"url"`
		ExpiresAt string `json:"expires_at"`
	}{s.Intent.ID, s.Next.URL, wireTime(s.Next.ExpiresAt)})
}
