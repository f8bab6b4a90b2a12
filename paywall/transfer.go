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

	// Money in and out. The comments name the legs; G, A, R, F, B are amounts. w is what
	// of them the wallet has, paid credit first, and d what of them it owed. An erased
	// wallet has nothing, and what it owes stays receivable. What would go into a wallet
	// that is closed or erased goes to unclaimed, under the record's way and id. What of w
	// was free credit is free again when it comes back.
	KindIntent           Kind = "intent"            // a top-up begun, or in another state
	KindTopUp            Kind = "topup"             // way −G, receivable +d, wallet +(G−d); d: what the wallet owed, at most G
	KindFee              Kind = "fee"               // fees −F, way +F
	KindReversal         Kind = "reversal"          // refunded at the provider: way +R, wallet −w, receivable −(R−w); of unclaimed money: unclaimed for wallet; what a person sent back by hand before is no part of R
	KindReversalFailed   Kind = "reversal-failed"   // way −R, receivable +d, wallet +(R−d)
	KindDispute          Kind = "dispute"           // way +(A+f), fees −f, wallet −w, receivable −(A−w)
	KindDisputeWon       Kind = "dispute-won"       // way −A, receivable +d, wallet +(A−d)
	KindDisputeLost      Kind = "dispute-lost"      // receivable +r, wallet −w, losses −(r−w); r: what the wallet still owes, at most what it owed of this
	KindSettlement       Kind = "settlement"        // provider to bank: way +P, bank −P
	KindSettlementFailed Kind = "settlement-failed" // its mirror
	KindUnclaimed        Kind = "unclaimed"         // way −A, unclaimed +A
	KindAssign           Kind = "assign"            // unclaimed −A, receivable +d, wallet +(A−d)
	KindSendBack         Kind = "send-back"         // unclaimed −A, way +A
	KindSuspense         Kind = "suspense"          // way −A, suspense +A; A has a sign
	KindCashOut          Kind = "cashout"           // planned: wallet −B, transit +B; done: transit −B, way +B; failed, canceled: transit −B (after done: way −B), wallet +B
	KindRevoke           Kind = "revoke"            // a batch of vouchers revoked
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
	AccountPromo      = "promo"      // welcome credit given
	AccountVoucher    = "voucher"    // vouchers redeemed
	AccountBank       = "bank"       // what the publisher's bank has; also the account of the way of that name
	AccountFees       = "fees"       // what providers took
	AccountTransit    = "transit"    // on its way back to readers
	AccountReceivable = "receivable" // what wallets owe after a payment was taken back
	AccountLosses     = "losses"     // of that, what never comes
	AccountUnclaimed  = "unclaimed"  // money that came and belongs to no wallet yet
	AccountSuspense   = "suspense"   // movements of a provider that nothing explains
	walletPrefix      = "wallet/"
	sitePrefix        = "site/"
	creatorPrefix     = "creator/"
)

// WalletAccount is the account of a wallet.
func WalletAccount(id string) string { return walletPrefix + id }

// SiteAccount is where a site's part of its sales goes.
func SiteAccount(origin string) string { return sitePrefix + origin }

// CreatorAccount is where a creator's part goes.
func CreatorAccount(name string) string { return creatorPrefix + name }
