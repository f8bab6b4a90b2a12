package paywall

import "time"

// Tip is money for who made a resource, beyond its price.
type Tip struct {
	ID       string  // natural key of the tip together with the wallet, 1 to 64 bytes
	Site     string  // origin
	Resource string  // canonical path
	Amount   Money   // above zero
	Shares   []Share // as in an offer

	FreeShares bool // as in a [Purchase]
}

// TipState is a tip that was given.
type TipState struct {
	Site     string    `json:"site"`
	Resource string    `json:"resource,omitempty"` // "" where the wallet wanted nothing remembered
	Amount   Money     `json:"amount"`
	At       time.Time `json:"at"`
}

// Credit is money that came into a wallet.
type Credit struct {
	Kind   Kind      `json:"kind"`   // [KindOpen]: welcome credit; else the kind of the top-up
	Amount Money     `json:"amount"` // into the wallet; below zero: out of it, see [KindReversal], [KindDispute], [KindCashOut]
	At     time.Time `json:"at"`
}

// WalletExport is everything that the ledger holds of a reader. Purchases that the
// wallet wants forgotten are marked; gifts of them and tips for them have no names.
type WalletExport struct {
	ID        string      `json:"wallet_id"`
	Currency  Currency    `json:"currency"`
	Balance   Money       `json:"balance"`
	Free      Money       `json:"free_credit"` // of the balance, what the publisher gave
	OpenedAt  time.Time   `json:"opened_at"`
	Settings  Settings    `json:"settings"`
	Devices   []Device    `json:"devices"`
	Passkeys  []Passkey   `json:"passkeys"`
	Purchases []Unlock    `json:"purchases"` // and gifts that were opened; newest first, as all that follows
	Gifts     []GiftState `json:"gifts"`
	Tips      []TipState  `json:"tips"`
	Credits   []Credit    `json:"credits"`
}
