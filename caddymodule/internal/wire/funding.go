package wire

import (
	"encoding/json"
	"time"
)

// Line is one line of an answer to whoever asks a long call for application/x-ndjson: how
// far it is, and in the last line what it came to, or why it broke off.
type Line struct {
	Done   int             `json:"done,omitempty"`
	Total  int             `json:"total,omitempty"` // 0: not known
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// What became of a transfer.
const (
	TransferBooked    = "booked"
	TransferReplayed  = "booked-before"
	TransferUnclaimed = "unclaimed" // the money is there, and nobody knows whose it is
)

// Transfer is an entry of a bank's statement that may concern the ledger.
type Transfer struct {
	ID       string `json:"id"`
	In       bool   `json:"in"` // money came; else it went
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Booked   string `json:"booked,omitempty"` // the day
	Intent   string `json:"intent,omitempty"`
	Outcome  string `json:"outcome"` // one of those above, or the matter that keeps it from being booked
	Why      string `json:"why,omitempty"`
}

// Import is the answer of POST /paywall/bank.
type Import struct {
	Format        string     `json:"format"`
	Transfers     []Transfer `json:"transfers"`
	NotOurs       int        `json:"not_ours"`       // entries that have nothing to do with the ledger
	OtherAccounts int        `json:"other_accounts"` // statements of other accounts in the file
	Open          int        `json:"open"`           // transfers that need a person
}

// Unclaimed is money that came and that nobody placed yet.
type Unclaimed struct {
	Way      string    `json:"way"`
	ID       string    `json:"id"`
	Amount   string    `json:"amount"`
	Currency string    `json:"currency"`
	At       time.Time `json:"at"`
}

// Placing is the body of POST /paywall/bank/assign and, without an intent, of return.
type Placing struct {
	Way    string `json:"way"`
	ID     string `json:"id"`
	Intent string `json:"intent,omitempty"` // or the reference of its transfer
}

// Placed is the answer to a [Placing].
type Placed struct {
	Credited string `json:"credited,omitempty"`
	Currency string `json:"currency,omitempty"`
	Replayed bool   `json:"replayed,omitempty"`
}

// CashOut is money that a person has to send back at the bank.
type CashOut struct {
	Part      string    `json:"part"`
	Reference string    `json:"reference"` // of the transfer that it came with, to send it back with
	Payment   string    `json:"payment"`   // what the bank called that transfer
	Amount    string    `json:"amount"`
	Currency  string    `json:"currency"`
	State     string    `json:"state"`
	At        time.Time `json:"at"`
}

// Sent is the body of POST /paywall/bank/sent.
type Sent struct {
	Part string `json:"part"`
}

// Reconciled is the answer of GET /paywall/reconcile.
type Reconciled struct {
	OK          bool         `json:"ok"`
	Since       time.Time    `json:"since"`
	Asked       []string     `json:"asked"`   // ways whose providers were asked
	Manual      []string     `json:"manual"`  // ways whose statements are imported
	There       int          `json:"there"`   // movements at the providers
	Earlier     int          `json:"earlier"` // of these, from before a way's first top-up: none of ours, left alone
	Here        int          `json:"here"`    // and in the journal
	Mended      int          `json:"mended"`  // missing in the journal, and booked now
	Open        int          `json:"open"`    // differences that are left
	Differences []Difference `json:"differences"`
}

// Difference is a movement that a provider and the journal do not agree on.
type Difference struct {
	What     string    `json:"what"` // missing-here, missing-there or other-amount
	Way      string    `json:"way"`
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	Amount   string    `json:"amount"`
	Here     string    `json:"here,omitempty"` // what the journal says, if it is another amount
	Currency string    `json:"currency"`
	At       time.Time `json:"at"`
	Mended   bool      `json:"mended,omitempty"`
	Why      string    `json:"why,omitempty"` // it could not be booked
}

// Batch is vouchers that were made together.
type Batch struct {
	Number   uint64    `json:"batch"`
	Campaign string    `json:"campaign"`
	Count    int       `json:"count"`
	Amount   string    `json:"amount"` // of all together
	Expires  time.Time `json:"expires_at,omitzero"`
	Redeemed int       `json:"redeemed"`
	Revoked  int       `json:"revoked"`
	Made     time.Time `json:"made_at"`
}

// Revoke is the body of POST /paywall/vouchers/revoke.
type Revoke struct {
	Batch uint64 `json:"batch"`
}

// Revoked is the answer to a [Revoke].
type Revoked struct {
	Revoked int `json:"revoked"` // vouchers that nobody had redeemed
}

// Funding is the part of [Stats] about money that came in and went out.
type Funding struct {
	Ways []struct {
		Way       string `json:"way"`
		PaidIn    Tally  `json:"paid_in"`
		CashedOut Tally  `json:"cashed_out"`
		Reversed  Tally  `json:"reversed"`
		Disputed  Tally  `json:"disputed"`
		Fees      string `json:"fees"`
		Balance   string `json:"balance"`
	} `json:"ways"`
	Vouchers   Tally  `json:"vouchers"`
	Fees       string `json:"fees"`
	Receivable string `json:"receivable"`
	Losses     string `json:"losses"`
	Unclaimed  string `json:"unclaimed"`
	Suspense   string `json:"suspense"`
	Transit    string `json:"transit"`
}
