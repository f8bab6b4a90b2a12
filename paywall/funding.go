package paywall

import "time"

// IntentState is how far a top-up is that somebody began.
type IntentState string

// The states of an intent. What is paid after it failed or expired is credited all the
// same; it is paid then.
const (
	IntentOpen    IntentState = "open"    // recorded; the way was not asked yet, or its answer is not known
	IntentOffered IntentState = "offered" // the way answered what the reader has to do
	IntentPending IntentState = "pending" // the reader did it; the money is on its way
	IntentPaid    IntentState = "paid"
	IntentFailed  IntentState = "failed"
	IntentExpired IntentState = "expired"
	IntentRefused IntentState = "refused" // the way did not take it
)

// Final reports whether nobody is expected to pay any more.
func (s IntentState) Final() bool {
	switch s {
	case IntentPaid, IntentFailed, IntentExpired, IntentRefused:
		return true
	case IntentOpen, IntentOffered, IntentPending:
	}
	return false
}

// Intent is a top-up that somebody began. A ledger knows what a provider knows only
// sealed, see package topup: ID and Object are sealed there and clear elsewhere.
type Intent struct {
	ID        string
	Wallet    string
	Way       string // which is the name of its account, too, such as "stripe"
	Amount    Money
	State     IntentState
	Object    string // what the provider calls it, such as a checkout session; empty while open
	Begun     time.Time
	ExpiresAt time.Time
}

// MovementKind says what happened to money at a provider or a bank.
type MovementKind string

// The kinds of movement.
const (
	MovedPayment      MovementKind = "payment"       // a reader paid; without a known intent it stays unclaimed
	MovedFee          MovementKind = "fee"           // what the provider took for something
	MovedRefund       MovementKind = "refund"        // went back to a reader: for a cash-out, or because somebody did it at the provider
	MovedRefundFailed MovementKind = "refund-failed" // that came back; ID is the refund's
	MovedDispute      MovementKind = "dispute"       // a bank took a payment back, and Fee
	MovedDisputeWon   MovementKind = "dispute-won"   // and gave it back; ID is the dispute's
	MovedDisputeLost  MovementKind = "dispute-lost"  // and never will; moves nothing at the provider
	MovedPayout       MovementKind = "payout"        // from the provider to the publisher's bank
	MovedPayoutFailed MovementKind = "payout-failed" // and back; ID is the payout's
	MovedOther        MovementKind = "other"         // anything else; its amount has a sign: above zero, the provider has more
)

// Movement is money that moved at a provider or a bank. The same Way, Kind and ID are
// the same movement.
type Movement struct {
	Way     string
	Kind    MovementKind
	ID      string // the provider's own; in a ledger sealed, if Payment is set
	Payment string // the payment that it is or belongs to; in a ledger sealed
	Intent  string // that it pays for; in a ledger sealed. Empty: unknown
	CashOut string // that asked for the refund, "" if none did; see [CashOutPart.ID]
	Amount  Money  // above zero, but see MovedOther
	Fee     Money  // of a dispute
	At      time.Time
}

// Booked says what became of a movement.
type Booked struct {
	Wallet   string // that it concerns, "" if none
	Credited Money  // went into the wallet, below zero: was taken from it
	Balance  Money
	Placed   bool // false: it stands in unclaimed or suspense until somebody places it
	Replayed bool // by an earlier call
}

// CashOutState is how far money is on its way back.
type CashOutState string

// The states of a cash-out.
const (
	CashOutPlanned  CashOutState = "planned" // taken from the wallet; the way was not asked yet
	CashOutSent     CashOutState = "sent"    // the way was asked, its answer is not known
	CashOutPending  CashOutState = "pending" // the way accepted it
	CashOutDone     CashOutState = "done"
	CashOutFailed   CashOutState = "failed"   // the money is in the wallet again
	CashOutCanceled CashOutState = "canceled" // before the way was asked; the same
)

// CashOutPart gives (a part of) one payment back the way it came.
type CashOutPart struct {
	ID      string // the cash-out's and a number: "…-0"; also the key that the way is asked with
	Wallet  string
	Way     string
	Payment string // sealed in a ledger
	Intent  string // that it had paid for; sealed in a ledger
	Amount  Money
	State   CashOutState
	Asked   time.Time // for, by the reader
	At      time.Time // of that state
}

// CashOut is unspent paid credit on its way back, or an offer to send it.
type CashOut struct {
	ID     string // "" of an offer
	Amount Money
	Rest   Money // paid credit that cannot go back this way, such as of vouchers
	Parts  []CashOutPart
	Closes bool // the wallet with it
	At     time.Time
}

// Unclaimed is money that came and that nobody placed yet.
type Unclaimed struct {
	Way    string
	ID     string // the bank's or provider's
	Amount Money
	At     time.Time
}
