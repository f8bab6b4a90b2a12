// Package topup brings money into wallets and unspent money back: it begins intents,
// asks the ways what became of them, and has the ledger book what it lacks.
//
// What is true is looked up. A webhook, the page that a reader returns to, and
// reconciliation only name an object; one function reads it from the provider and books
// each of its movements under the provider's own id. Order and duplicates do not matter.
package topup

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Way is how money comes in. It translates between a provider's objects and movements,
// and keeps nothing. Every method is safe for concurrent use, ends with its context, and
// answers [ErrProvider] when the provider does not answer or makes no sense; then the same
// call later may succeed. IDs that go in and out are the provider's own, in clear.
type Way interface {
	// Name is the way's account, such as "stripe".
	Name() string
	// Origins are where its pages are, for form-action; empty if it has none.
	Origins() []string
	// Life is how long a reader has to pay an intent: it ends that long after it began.
	Life() time.Duration
	// Begin asks the provider for a payment. The same intent again gets the same answer,
	// also after a lost one. [ErrRefused]: the provider does not take it. A way without
	// Origins asks nobody and answers at once, as often as its page is shown.
	Begin(ctx context.Context, in Begin) (Next, error)
	// Look reads an intent at the provider: how far it is, and all that moved for it. An
	// intent without Object got no answer from Begin yet: a way that cannot find it
	// without answers [ErrProvider]. A way that has nobody to ask answers the intent's own
	// state and no movements.
	Look(ctx context.Context, in paywall.Intent) (Found, error)
	// Hook verifies a provider's call and answers which intents to look at, and movements
	// that belong to none. It answers the request itself only when it is refused, and then
	// returns an error of package paywall with its code. A call that is genuine and says
	// nothing of ours answers nothing and no error.
	Hook(w http.ResponseWriter, r *http.Request) (Named, error)
	// Movements are all on the provider's account since then, oldest first, each as Look
	// and Hook name it. [ErrManual]: nobody can be asked, statements are imported.
	Movements(ctx context.Context, since time.Time) iter.Seq2[paywall.Movement, error]
	// Return gives a part of a payment back. The same key again asks for nothing more.
	// [ErrManual]: a person has to do it. [ErrRefused]: the provider will not, ever.
	Return(ctx context.Context, part paywall.CashOutPart) (paywall.CashOutState, error)
}

// Begin is what a way is told of an intent. It is all that a provider may learn.
type Begin struct {
	ID      string // the intent's, random: 16 characters of A-Z and 2-7
	Amount  paywall.Money
	Expires time.Time
	Return  string // URL that the provider sends the reader back to, without anything of the reader's in it
	Cancel  string // the same, for readers who changed their mind
	Strict  bool   // strong customer authentication is to be demanded: too many payments fail
}

// Next is what a reader has to do.
type Next struct {
	Object    string // what the provider calls the intent
	URL       string // to go to; "" if the page shows Transfer instead
	ExpiresAt time.Time
	Transfer  *Transfer
}

// Transfer is what a reader tells a bank.
type Transfer struct {
	Name      string // of the payee
	IBAN      string
	Reference string // RF creditor reference (ISO 11649)
	Amount    paywall.Money
	Code      string // EPC069-12: what banking apps read from the QR code
}

// Found is an intent as its provider has it.
type Found struct {
	State     paywall.IntentState
	URL       string // to go on with, if it is offered
	Movements []paywall.Movement
	Warned    []string // payments that a bank called fraud and that can still be refunded
}

// Named is what a provider's call names.
type Named struct {
	Intents   []Reference
	Movements []paywall.Movement // each with the payment that it belongs to before it, if it belongs to one
}

// Reference leads to an intent.
type Reference struct {
	Intent string // id
	Object string // what the provider calls it, "" if the call does not say
}

// Errors of ways.
var (
	ErrProvider = errors.New("the provider does not answer")
	ErrRefused  = errors.New("the provider refuses this")
	ErrManual   = errors.New("this has to be done by hand")
)
