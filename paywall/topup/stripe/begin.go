package stripe

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

const (
	// product is all that Stripe, and a card's statement, learn of what was bought.
	product = "Reading credit"
	// metaIntent and metaCashOut are the metadata that lead from Stripe's objects to ours.
	metaIntent  = "intent"
	metaCashOut = "cashout"
)

// excluded are ways to pay that can be taken back for weeks (debits of bank accounts) or
// that lend money (pay later). The publisher chooses among the others in the Dashboard.
var excluded = stripe.StringSlice([]string{
	"acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account",
	"affirm", "afterpay_clearpay", "alma", "billie", "klarna", "scalapay", "sunbit", "zip",
})

// Begin makes a Checkout Session. The intent's id is the idempotency key, so that the same
// intent gets the same session. A failure that Stripe stored with that key is passed over
// with the next key: nobody has the URL of the session that may have been made unseen, so
// nobody can pay twice.
func (w *Way) Begin(ctx context.Context, in topup.Begin) (topup.Next, error) {
	amount, err := minor(in.Amount)
	if err != nil {
		return topup.Next{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readerWaits)
	defer cancel()
	var s *stripe.CheckoutSession
	for n := range maxKeys {
		s, err = call(ctx, createSession, func(ctx context.Context) (*stripe.CheckoutSession, error) {
			params := sessionParams(in, amount)
			params.SetIdempotencyKey(key(in.ID, n))
			return w.api.createSession(ctx, params)
		})
		if !stored(err) {
			break
		}
	}
	if err != nil {
		return topup.Next{}, err
	}
	asked := paywall.Intent{ID: in.ID, Amount: in.Amount}
	if wrong := w.differs(s, asked); wrong != "" {
		return topup.Next{}, fmt.Errorf("%w: the session that was made has another %s than was asked for", topup.ErrProvider, wrong)
	}
	if !w.onPage(s.URL) {
		return topup.Next{}, fmt.Errorf("%w: its page is not at %s; a custom Checkout domain has to be set as page_origin", topup.ErrProvider, w.page)
	}
	return topup.Next{Object: s.ID, URL: s.URL, ExpiresAt: time.Unix(s.ExpiresAt, 0).UTC()}, nil
}

// sessionParams are the same for the same intent, as idempotency demands. What the
// Dashboard could switch on and would change the amount is switched off.
func sessionParams(in topup.Begin, amount int64) *stripe.CheckoutSessionCreateParams {
	p := &stripe.CheckoutSessionCreateParams{
		UIMode:            stripe.String("hosted_page"),
		Mode:              stripe.String("payment"),
		ClientReferenceID: &in.ID,
		Metadata:          map[string]string{metaIntent: in.ID},
		PaymentIntentData: &stripe.CheckoutSessionCreatePaymentIntentDataParams{
			Metadata: map[string]string{metaIntent: in.ID},
		},
		LineItems: []*stripe.CheckoutSessionCreateLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionCreateLineItemPriceDataParams{
				Currency:    stripe.String(strings.ToLower(string(in.Amount.Currency))),
				UnitAmount:  &amount,
				ProductData: &stripe.CheckoutSessionCreateLineItemPriceDataProductDataParams{Name: stripe.String(product)},
			},
		}},
		ExpiresAt:                  stripe.Int64(in.Expires.Unix()),
		SuccessURL:                 &in.Return,
		CancelURL:                  &in.Cancel,
		AdaptivePricing:            &stripe.CheckoutSessionCreateAdaptivePricingParams{Enabled: stripe.Bool(false)},
		AutomaticTax:               &stripe.CheckoutSessionCreateAutomaticTaxParams{Enabled: stripe.Bool(false)},
		ManagedPayments:            &stripe.CheckoutSessionCreateManagedPaymentsParams{Enabled: stripe.Bool(false)},
		ExcludedPaymentMethodTypes: excluded,
	}
	if in.Strict {
		p.PaymentMethodOptions = &stripe.CheckoutSessionCreatePaymentMethodOptionsParams{
			Card: &stripe.CheckoutSessionCreatePaymentMethodOptionsCardParams{RequestThreeDSecure: stripe.String("any")},
		}
	}
	return p
}

// onPage reports whether a URL is on the hosted page's origin, the only one that a page
// with the form lets a reader be sent to.
func (w *Way) onPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.User == nil && u.Scheme+"://"+strings.ToLower(u.Host) == w.page
}

// differs names what of a session is not as the intent has it, "" if nothing.
func (w *Way) differs(s *stripe.CheckoutSession, in paywall.Intent) string {
	switch amount, err := minor(in.Amount); {
	case err != nil || s.AmountTotal != amount:
		return "amount"
	case !strings.EqualFold(string(s.Currency), string(in.Amount.Currency)):
		return "currency"
	case s.Livemode != w.live:
		return "livemode"
	case s.ClientReferenceID != in.ID:
		return "client_reference_id"
	case s.Metadata[metaIntent] != in.ID:
		return "metadata.intent"
	case s.Mode != stripe.CheckoutSessionModePayment:
		return "mode"
	}
	return ""
}
