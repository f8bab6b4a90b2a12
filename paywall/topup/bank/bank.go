// Package bank is the way of bank transfers. A reader sends money with a reference of
// ours to the publisher's account. Nobody can be asked whether it came: the bank's
// statements say so (camt.052, .053, .054), see [Way.Parse] and [Folder].
//
// Of a statement only amounts, days, the bank's references and ours are read. A payer's
// name, account and words are never kept.
package bank

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// life is how long an intent waits for its transfer. What comes later is credited, too.
const life = 30 * 24 * time.Hour

// centMicros is the smallest amount that a bank transfers in euros.
const centMicros = 10_000

// Config is the publisher's account.
type Config struct {
	Name     string // as registered at the bank, which compares it; at most 70 characters
	IBAN     string // spaces and case do not matter
	BIC      string // optional
	Currency paywall.Currency
}

// Way is the account that readers transfer money to. It keeps nothing and asks nobody.
type Way struct {
	config Config
	coded  bool // transfers have an EPC code
}

var _ topup.Way = (*Way)(nil)

// New checks the configuration. Its errors say what to write.
func New(c Config) (*Way, error) {
	name, err := checkName(c.Name)
	if err != nil {
		return nil, err
	}
	iban, err := ParseIBAN(c.IBAN)
	if err != nil {
		return nil, err
	}
	currency, err := paywall.ParseCurrency(string(c.Currency))
	if err != nil {
		return nil, err
	}
	coded := currency == "EUR" && inSEPA(iban)
	bic, err := checkBIC(c.BIC, iban, coded)
	if err != nil {
		return nil, err
	}
	return &Way{config: Config{Name: name, IBAN: iban, BIC: bic, Currency: currency}, coded: coded}, nil
}

// Name is the account of the publisher's bank.
func (w *Way) Name() string { return paywall.AccountBank }

// Origins is empty: readers go to their own bank.
func (w *Way) Origins() []string { return nil }

// Life is 30 days.
func (w *Way) Life() time.Duration { return life }

// Begin answers what a reader tells the bank. It follows from the intent alone, and can
// be asked again at any time. Transfer.Code is empty unless the account takes euros in
// the SEPA area, which is all that the code is defined for.
func (w *Way) Begin(_ context.Context, in topup.Begin) (topup.Next, error) {
	reference, err := Reference(in.ID)
	switch {
	case err != nil:
		return topup.Next{}, fmt.Errorf("%w: %w", topup.ErrRefused, err)
	case in.Amount.Currency != w.config.Currency:
		return topup.Next{}, fmt.Errorf("%w: the account takes %s, not %s", topup.ErrRefused, w.config.Currency, in.Amount.Currency)
	case in.Amount.Micros <= 0:
		return topup.Next{}, fmt.Errorf("%w: nothing to transfer", topup.ErrRefused)
	case w.coded && in.Amount.Micros%centMicros != 0:
		return topup.Next{}, fmt.Errorf("%w: %s EUR cannot be transferred; cents are the smallest unit", topup.ErrRefused, in.Amount)
	}
	transfer := &topup.Transfer{Name: w.config.Name, IBAN: w.config.IBAN, Reference: reference, Amount: in.Amount}
	if w.coded {
		transfer.Code = w.code(reference, in.Amount)
	}
	return topup.Next{Object: reference, ExpiresAt: in.Expires, Transfer: transfer}, nil
}

// Look answers what the ledger knows: there is nobody to ask.
func (w *Way) Look(_ context.Context, in paywall.Intent) (topup.Found, error) {
	return topup.Found{State: in.State}, nil
}

// Hook refuses every call: no bank makes any.
func (w *Way) Hook(rw http.ResponseWriter, _ *http.Request) (topup.Named, error) {
	err := paywall.Errorf(paywall.CodeNotFound, "bank transfers have no webhook; they are read from the bank's statements")
	http.Error(rw, err.Message, err.Code.HTTPStatus())
	return topup.Named{}, err
}

// Movements is [topup.ErrManual]: statements are imported.
func (w *Way) Movements(context.Context, time.Time) iter.Seq2[paywall.Movement, error] {
	return func(yield func(paywall.Movement, error) bool) {
		yield(paywall.Movement{}, topup.ErrManual)
	}
}

// Return is [topup.ErrManual]: a person sends the money back at the bank, with the
// reference that it came with. The statement with that debit ends the cash-out.
func (w *Way) Return(context.Context, paywall.CashOutPart) (paywall.CashOutState, error) {
	return "", topup.ErrManual
}
