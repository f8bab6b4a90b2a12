package paywall

import "time"

// MaxVouchers bounds the vouchers that are made at once: they are one record, so that all
// are made or none.
const MaxVouchers = 100_000

// MaxCampaign bounds a voucher's campaign, in bytes.
const MaxCampaign = 128

// Voucher is prepaid credit that one wallet can redeem once.
type Voucher struct {
	Code      Hash
	Amount    Money
	ExpiresAt time.Time // zero: never
	Campaign  string    // the publisher's own label, may be empty
}

// VoucherBatch is vouchers that were made together.
type VoucherBatch struct {
	Number    uint64    `json:"batch"` // of the record that made them
	Campaign  string    `json:"campaign"`
	Count     int       `json:"count"`
	Amount    Money     `json:"amount"`              // of all of them together
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	Redeemed  int       `json:"redeemed"`
	Revoked   int       `json:"revoked"`
	MadeAt    time.Time `json:"made_at"`
}

// TopUp is money that came into a wallet.
type TopUp struct {
	Credited Money
	Balance  Money
	Replayed bool // credited by an earlier call
}
