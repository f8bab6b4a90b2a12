package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall/topup"
)

// operation is what is asked of Stripe, in the words of the Dashboard's permissions.
type operation struct {
	resource string
	write    bool
}

var (
	createSession = operation{"Checkout Sessions", true}
	readSession   = operation{"Checkout Sessions", false}
	readPayment   = operation{"Payment Intents", false}
	readCharge    = operation{"Charges", false}
	createRefund  = operation{"Refunds", true}
	readRefunds   = operation{"Refunds", false}
	readDisputes  = operation{"Disputes", false}
	readWarnings  = operation{"Early Fraud Warnings", false}
	readBalance   = operation{"Balance Transactions", false}
	readPayout    = operation{"Payouts", false}
)

// String names the permission.
func (o operation) String() string {
	if o.write {
		return o.resource + ": Write"
	}
	return o.resource + ": Read"
}

// problem is a call of Stripe that failed. It is [topup.ErrRefused] if Stripe will never
// do what was asked, and [topup.ErrProvider] otherwise.
type problem struct {
	answer
	code stripe.ErrorCode
	text string
	kind error
}

// Error says what is wrong and what to do.
func (p *problem) Error() string { return p.text }

// Unwrap gives the kind.
func (p *problem) Unwrap() error { return p.kind }

// permission is how Stripe names what a restricted key lacks.
var permission = regexp.MustCompile(`rak_[a-z0-9_]{1,80}`)

// newProblem puts an error of the SDK into words. The SDK's own text may hold a whole page
// of HTML, or a URL with ids; it is not repeated.
func newProblem(o operation, a answer, err error) *problem {
	p := &problem{answer: a, kind: topup.ErrProvider}
	said, ok := errors.AsType[*stripe.Error](err)
	if !ok {
		p.text = fmt.Sprintf("stripe (%s): %s", o, silence(a, err))
		return p
	}
	p.code = said.Code
	switch a.status {
	case http.StatusUnauthorized:
		p.text = "Stripe does not accept secret_key: it is revoked, expired or mistyped; write a valid one"
		return p
	case http.StatusForbidden:
		p.text = fmt.Sprintf("the restricted key may not do this: give it the permission %q in Stripe's Dashboard under Developers, API keys", o)
		if name := permission.FindString(said.Msg); name != "" {
			p.text += " (Stripe calls it " + name + ")"
		}
		return p
	}
	// A refund that was asked for with other words may have been made.
	unknown := o == createRefund && said.Type == stripe.ErrorTypeIdempotency
	if o.write && a.status >= 400 && a.status < 500 && !a.passing() && !p.lowBalance() && !unknown {
		p.kind = topup.ErrRefused
	}
	p.text = fmt.Sprintf("stripe (%s): %d %s", o, a.status, strings.Join(words(string(said.Type), string(said.Code), said.Param, short(said.Msg), said.RequestID), ", "))
	return p
}

// silence says how no answer came, or none of Stripe's.
func silence(a answer, err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL is left out
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, errTooLarge):
		return errTooLarge.Error()
	case a.status != 0:
		return fmt.Sprintf("the answer (%d) is none of Stripe's; is there a proxy in between, or another server at endpoint?", a.status)
	}
	return err.Error()
}

// words are those that are not empty.
func words(all ...string) (some []string) {
	for _, s := range all {
		if s != "" {
			some = append(some, s)
		}
	}
	return some
}

// short bounds what a provider says, on one line.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// stored reports whether err is a stored answer that says nothing of what asking anew
// would come to: a failure of Stripe's, or a balance that was too low.
func stored(err error) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.replayed && (p.status >= 500 || p.lowBalance())
}

// lowBalance reports whether the publisher's balance does not suffice for now.
func (p *problem) lowBalance() bool {
	return p.code == stripe.ErrorCodeBalanceInsufficient || p.code == stripe.ErrorCodeInsufficientFunds
}
