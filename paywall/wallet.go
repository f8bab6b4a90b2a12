package paywall

import "time"

// Wallet is an anonymous prepaid balance. Nothing here says who holds it.
type Wallet struct {
	ID      string
	Balance Money
	Free    Money // of the balance, what the publisher gave; it is spent first
	Owed    Money // a payment into it was taken back after it was spent; above zero, it cannot buy
	Closed  bool  // its money was sent back, or is about to be: it reads, and neither buys nor takes money
}

// Paid is what is left in the wallet of what its reader put in.
func (w Wallet) Paid() Money {
	return Money{Micros: w.Balance.Micros - w.Free.Micros, Currency: w.Balance.Currency}
}

// Welcome is the credit that a site gives a new wallet: the publisher's own money.
type Welcome struct {
	Amount Money  // zero: none
	Site   string // origin of the site that gives it
	Limit  int    // how many wallets the site gives it to in a UTC day; 0: no limit
}

// KeyHashes is how a wallet is reached from one browser or script: the hash of its
// key and the hash of the recovery code that follows from the key.
type KeyHashes struct {
	Key  Hash
	Code Hash
}

// Hashes gives what the store keeps of a key; ok is false for what cannot be a key.
func (k WalletKey) Hashes() (a KeyHashes, ok bool) {
	if a.Key, ok = k.Hash(); !ok {
		return a, false
	}
	a.Code, ok = HashCode(k.RecoveryCode())
	return a, ok
}

// Device is a browser or script that one of a wallet's keys lets in.
type Device struct {
	ID      string    `json:"id"` // tells it apart, opens nothing
	AddedAt time.Time `json:"added_at"`
	Current bool      `json:"current,omitzero"` // it is the one that asks
}

// MaxKept bounds what a purchase's record keeps of its URL, and of its title, in
// bytes. The resource is kept whole: it is what was bought.
const MaxKept = 300

// MaxDevices bounds those of one wallet: one more, and the oldest is let in no more.
const MaxDevices = 50

// Bounds of a [Passkey]; credential ids are that long at most (WebAuthn Level 3, 5.8.3).
const (
	MaxPasskeys     = 10 // of one wallet
	MaxPasskeyID    = 1023
	MaxPasskeyBytes = 2 << 10
)

// Passkey is a public-key credential that leads to a wallet. It holds no secret.
type Passkey struct {
	ID    string    `json:"id"`   // the credential's, at most [MaxPasskeyID] bytes, in base64url
	Data  string    `json:"data"` // what its verifier keeps of it, at most [MaxPasskeyBytes] of UTF-8; opaque here
	SetAt time.Time `json:"set_at"`
}

// Drop says which devices are let in no more.
type Drop struct {
	Device string // id of one; "": all but the one with the key Except
	Except Hash
	Codes  bool // their recovery codes lead to the wallet no more, either
}

// Unlock is one purchase of one resource by one wallet.
type Unlock struct {
	ID              string    `json:"unlock_id"`
	Wallet          string    `json:"-"`
	Offer           string    `json:"offer"`    // id of the offer it was bought with
	Site            string    `json:"site"`     // origin
	Resource        string    `json:"resource"` // canonical path
	URL             string    `json:"url"`      // path and query the reader came from, where that is no longer than [MaxKept]
	Title           string    `json:"title"`
	Paid            Money     `json:"paid"`           // less than the price where a cap was reached
	Auto            bool      `json:"auto,omitzero"`  // bought without asking
	Gift            Hash      `json:"gift,omitzero"`  // key of the gift it was opened with; zero: it was bought
	Given           bool      `json:"given,omitzero"` // others opened a gift of it; told by Unlocks only
	At              time.Time `json:"at"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"`  // zero: for ever
	RefundableUntil time.Time `json:"refundable_until"`     // as fixed at the purchase; no later than At if it cannot be undone
	RefundedAt      time.Time `json:"refunded_at,omitzero"` // zero: not refunded
	Forgotten       bool      `json:"forgotten,omitzero"`   // nobody is to be shown of what it is, see [Settings.Forget]; told by Unlocks, Bought and WalletExport only
}

// Live reports whether the unlock opens its resource at the given time.
func (u *Unlock) Live(now time.Time) bool {
	return u.RefundedAt.IsZero() && (u.ExpiresAt.IsZero() || now.Before(u.ExpiresAt))
}

// Refundable reports whether the reader may still have the money back.
func (u *Unlock) Refundable(now time.Time) bool {
	return u.RefundedAt.IsZero() && !u.Given && now.Before(u.RefundableUntil)
}
