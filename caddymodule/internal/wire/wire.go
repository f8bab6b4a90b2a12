// Package wire is what the admin API's calls take and answer, for those who serve them
// and for the commands that make them.
package wire

import (
	"fmt"
	"time"
)

// Price is the answer of GET /paywall/price.
type Price struct {
	URL      string  `json:"url"`
	Site     string  `json:"site,omitempty"` // none for a path alone
	Resource string  `json:"resource,omitempty"`
	Status   string  `json:"status"` // priced, free, unpriced, misconfigured, refused or reserved
	Price    string  `json:"price,omitempty"`
	Currency string  `json:"currency,omitempty"`
	Access   string  `json:"access,omitempty"`
	Shares   []Share `json:"shares,omitempty"`
	Rule     string  `json:"rule,omitempty"` // where it stands
	Why      string  `json:"why"`
}

// Share is a creator's part of a price.
type Share struct {
	Creator string `json:"creator"`
	Percent string `json:"percent"` // "70"
}

// VoucherOrder is the body of POST /paywall/vouchers.
type VoucherOrder struct {
	Count    int       `json:"count"`
	Amount   string    `json:"amount"`
	Expires  time.Time `json:"expires,omitzero"`
	Campaign string    `json:"campaign,omitempty"`
}

// Vouchers is the answer to a [VoucherOrder]: the one time that codes are shown.
type Vouchers struct {
	Codes    []string `json:"codes"`
	Currency string   `json:"currency"`
}

// RotatedKey is the answer of POST /paywall/keys/rotate.
type RotatedKey struct {
	KeyID string `json:"kid"`
}

// Stats is the answer of GET /paywall/stats: the library's, amounts as decimals.
type Stats struct {
	Currency string `json:"currency"`
	Wallets  int    `json:"wallets"`
	Sales    Tally  `json:"sales"`
	Refunds  Tally  `json:"refunds"`
	Tips     Tally  `json:"tips"`
	Gifts    int    `json:"gifts"`
	Owed     string `json:"wallets_owed"`

	PaidIn      Tally  `json:"paid_in"`
	FreeGiven   Tally  `json:"free_given"`
	SalesPaid   string `json:"sales_paid"`
	SalesFree   string `json:"sales_free"`
	RefundsPaid string `json:"refunds_paid"`
	RefundsFree string `json:"refunds_free"`
	TipsPaid    string `json:"tips_paid"`
	TipsFree    string `json:"tips_free"`
	OwedPaid    string `json:"wallets_owed_paid"`
	OwedFree    string `json:"wallets_owed_free"`
	Creators    []struct {
		Creator string `json:"creator"`
		Amount  string `json:"amount"`
	} `json:"creators_owed"`

	Funding *Funding `json:"funding"` // nil: money came in by vouchers alone

	Resources []struct {
		Site     string `json:"site"`
		Resource string `json:"resource"`
		Sales    Tally  `json:"sales"`
	} `json:"resources"`
}

// Tally is a count of transfers, and what they come to.
type Tally struct {
	Count  int    `json:"count"`
	Amount string `json:"amount"`
}

// String writes the tally for people, with its currency.
func (t Tally) String(currency string) string {
	return fmt.Sprintf("%d, %s %s", t.Count, t.Amount, currency)
}
