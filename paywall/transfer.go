package paywall

import "time"

// Kind says what a transfer records.
type Kind string

// The kinds of transfer.
const (
	KindGenesis Kind = "genesis" // first record: currency of the ledger
	KindOpen    Kind = "open"    // wallet opened, with its welcome credit if any
	KindKey     Kind = "key"     // another key for a wallet (recovery in a second browser)
	KindPasskey Kind = "passkey" // a passkey set or, without data, removed
	KindDrop    Kind = "drop"    // a key taken from a wallet
	KindVoucher Kind = "voucher" // voucher made; no money moves until it is redeemed
	KindRedeem  Kind = "redeem"  // voucher into a wallet
	KindUnlock  Kind = "unlock"  // purchase
	KindRefund  Kind = "refund"  // purchase undone
	KindTip     Kind = "tip"     // money for a resource beyond its price
	KindGift    Kind = "gift"    // gift link made; opened, it is an unlock
	KindSetting Kind = "setting" // a wallet's settings replaced
	KindErase   Kind = "erase"   // personal traces of a wallet removed
)

// Transfer is one record of the ledger: a change of state and, where money
// moves, its legs, which sum to zero.
type Transfer struct {
	Seq   uint64 // from 1, without gaps
	Time  time.Time
	Kind  Kind
	Cause string // unique natural key: the same cause is never recorded twice
	Legs  []Leg
}

// Leg moves an amount, in millionths of the ledger's currency, into (above
// zero) or out of (below zero) an account.
type Leg struct {
	Account string
	Micros  int64
}

// Accounts of the ledger. Only wallets are kept from going below zero.
const (
	AccountPromo   = "promo"   // welcome credit given
	AccountVoucher = "voucher" // vouchers redeemed
	walletPrefix   = "wallet/"
	sitePrefix     = "site/"
	creatorPrefix  = "creator/"
)

// WalletAccount is the account of a wallet.
func WalletAccount(id string) string { return walletPrefix + id }

// SiteAccount is where a site's part of its sales goes.
func SiteAccount(origin string) string { return sitePrefix + origin }

// CreatorAccount is where a creator's part goes.
func CreatorAccount(name string) string { return creatorPrefix + name }
