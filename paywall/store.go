package paywall

import (
	"context"
	"io"
	"time"
)

// Store is the ledger: the one place where money moves. Every method is safe
// for concurrent use.
//
// Durability: a method that changes something answers nil only when the change
// is on disk and every later read sees it. When it answers an error, nothing
// was taken, except that a caller whose context ended may not learn the outcome
// of a change already submitted; the same call again answers it.
//
// Idempotency: changes have natural keys, named at each method. The same key
// with the same content answers the first receipt again and moves nothing. The
// same key with other content is [ErrOfferChanged].
//
// A store that is closed, failing, out of disk space or too busy answers
// [ErrUnavailable] to changes; reads go on where they can.
type Store interface {
	// OpenWallet makes a wallet and pays the welcome credit into it, unless the site
	// has given that to as many today as its limit says: then the wallet is empty. Key:
	// the hash of the wallet's key; the same key again answers the same wallet.
	OpenWallet(ctx context.Context, keys KeyHashes, welcome Welcome) (Wallet, error)

	// Welcomes answers how many wallets a site has given its welcome credit to in this
	// UTC day.
	Welcomes(ctx context.Context, site string) (int, error)

	// AddKey lets a further browser into the wallet whose recovery code has
	// this hash: from now on next.Key opens it and next.Code recovers it. Key:
	// next.Key. Without such a wallet: [ErrNoWallet]. A key that was dropped is never
	// taken again: [ErrOfferChanged]. Where it is one above [MaxDevices], the key that
	// came first opens the wallet no more; its recovery code still leads to it.
	AddKey(ctx context.Context, code Hash, next KeyHashes) (Wallet, error)

	// Admit is AddKey for a wallet whose owner has shown otherwise who they are, such
	// as with a passkey. [ErrNoWallet].
	Admit(ctx context.Context, wallet string, next KeyHashes) (Wallet, error)

	// SetPasskey gives a wallet a passkey, or replaces what is kept of it; SetAt is the
	// store's. Another wallet's: [ErrOfferChanged]. One too many, or too long:
	// [CodeMalformed]. [ErrNoWallet].
	SetPasskey(ctx context.Context, wallet string, p Passkey) error

	// RemovePasskey takes it away: from the answer on it leads nowhere. [ErrNoPasskey],
	// [ErrNoWallet].
	RemovePasskey(ctx context.Context, wallet, id string) error

	// Passkey finds a passkey and the wallet it leads to. [ErrNoPasskey].
	Passkey(ctx context.Context, id string) (Passkey, Wallet, error)

	// Passkeys lists a wallet's, the latest set first. [ErrNoWallet].
	Passkeys(ctx context.Context, wallet string) ([]Passkey, error)

	// Wallet finds a wallet by its key. [ErrNoWallet].
	Wallet(ctx context.Context, key Hash) (Wallet, error)

	// Devices lists who is let into a wallet, the first one first. The one with this
	// key is the current one. [ErrNoWallet].
	Devices(ctx context.Context, wallet string, key Hash) ([]Device, error)

	// Drop takes keys from a wallet; from its answer on they open nothing. Key: each
	// dropped key. Without such a device, or when Except is not a key of the wallet:
	// [ErrNoDevice]. When no recovery code would be left: [CodeMalformed].
	// [ErrNoWallet].
	Drop(ctx context.Context, wallet string, d Drop) error

	// Erase removes the wallet's keys, codes, history and ownership, and revokes
	// its unlocks. Transfers stay, with an id that nothing leads to any more; a
	// balance left over stays in the ledger unreachable. Of a long history the
	// ownership and the tokens may end a little later than the wallet, if ctx ends
	// before: nothing of it can be seen. [ErrNoWallet].
	Erase(ctx context.Context, wallet string) error

	// Unlock buys: debit, shares and ownership in one step. Keys: wallet and
	// offer, and wallet and resource while an unlock of it is live: then the
	// receipt says AlreadyOwned and nothing is debited. The balance never goes
	// below zero: [ErrInsufficientFunds]. An offer whose purchase was refunded
	// is [ErrOfferSpent]. [ErrNoWallet].
	//
	// An offer with a cap takes what [Offer.Charge] says, in the end nothing; a
	// refund takes off the sum of the month of the purchase what it gives back. More
	// than was shown is never taken: [ErrOfferChanged]. Free credit is taken first, and
	// creators share in the rest, see [Divide]. What [Store.Refund] will refuse is sold
	// as what cannot be undone. What the wallet's settings do not allow is
	// [ErrOverBudget] or, of a purchase with Auto set, [ErrAskFirst]; so is, with Auto
	// set, a resource whose last purchase the wallet undid.
	Unlock(ctx context.Context, p Purchase) (Receipt, error)

	// Quote answers what Unlock would do with the offer now, and changes nothing.
	// [ErrNoWallet].
	Quote(ctx context.Context, wallet string, o Offer) (Quote, error)

	// Refund gives back exactly what was paid, as the credit that it was, takes the
	// shares back, ends ownership and revokes the unlock before it answers. Key: the
	// unlock; a second refund answers the first receipt. An unlock that is unknown or
	// another wallet's is [ErrNotFound].
	//
	// Undoing is for mistakes, not for reading. It is refused after RefundableUntil, or
	// after the access has ended: [ErrRefundClosed]; when the wallet undid a purchase of
	// the resource before: [ErrRefundOnce]; when a cap took something off a price that
	// the wallet paid at the site in the UTC month of the purchase:
	// [ErrRefundCapped]; when somebody opened a gift of it: [ErrRefundGiven].
	// With a limit above zero, a wallet that had that many refunds in this UTC month
	// is refused the next: [ErrTooManyRefunds]. Those without a limit count, too.
	Refund(ctx context.Context, wallet, unlock string, limit int) (Receipt, error)

	// Tip moves money as a purchase does, and gives nothing for it; it cannot be
	// undone. It answers the wallet after it. Keys: the wallet and the tip's ID; the
	// same ID with other content is [ErrOfferChanged]. [ErrOverBudget],
	// [ErrInsufficientFunds], [ErrNoWallet].
	Tip(ctx context.Context, wallet string, t Tip) (Wallet, error)

	// Shares answers how the money of a wallet's purchase was divided, for tips to be
	// divided alike. When it was refunded or took nothing, or is another wallet's:
	// [ErrNotFound]. [ErrNoWallet].
	Shares(ctx context.Context, wallet, unlock string) ([]Share, error)

	// Tips lists the tips among a wallet's newest tips and top-ups, so many of them
	// together, newest first. [ErrNoWallet].
	Tips(ctx context.Context, wallet string, limit int) ([]TipState, error)

	// AddGift makes a gift link of a purchase that opens its resource to the wallet
	// now and was no gift itself: else [ErrNotFound]. Key: the gift's key; with other
	// content: [ErrOfferChanged]. Above the limit: [ErrTooManyGifts]. [ErrNoWallet].
	AddGift(ctx context.Context, wallet string, g Gift) error

	// Gift answers what a link opens. When it would open nothing: [ErrGiftOver], with
	// what it opened once, unless that is not known.
	Gift(ctx context.Context, key Hash) (GiftState, error)

	// OpenGift gives a wallet an unlock of what the gift's giver owns, for as long as
	// the giver does. It stays when the giver is erased. Key: the gift and the wallet;
	// the same call again answers the first receipt. A wallet that owns the resource
	// is told so and uses nothing up. [ErrGiftOver], [ErrNoWallet].
	OpenGift(ctx context.Context, wallet string, key Hash) (Receipt, error)

	// Gifts lists the newest gifts that a wallet made, newest first. [ErrNoWallet].
	Gifts(ctx context.Context, wallet string, limit int) ([]GiftState, error)

	// AddVouchers makes vouchers, all or none. Key: the hash of each code; a
	// hash that exists is [ErrOfferChanged].
	AddVouchers(ctx context.Context, vouchers []Voucher) error

	// Voucher answers what a code would pay into a wallet that redeems it now.
	// Unknown: [ErrBadVoucher]; redeemed: [ErrVoucherUsed]; else expired:
	// [ErrVoucherExpired].
	Voucher(ctx context.Context, code Hash) (Money, error)

	// Redeem pays a voucher into a wallet, once. Key: the voucher; the same
	// wallet again gets the first top-up with Replayed set. Unknown, redeemed by
	// another wallet or expired: as [Store.Voucher]. [ErrNoWallet].
	Redeem(ctx context.Context, wallet string, code Hash) (TopUp, error)

	// Owned answers the live unlock of a resource (canonical path on the site's
	// origin) by the wallet with this key. [ErrNotFound] if there is none,
	// [ErrNoWallet] if the key opens nothing.
	Owned(ctx context.Context, key Hash, site, resource string) (Unlock, error)

	// Unlocks lists a page of a wallet's purchases, newest first, refunded ones
	// included, and says where the next page begins: "" after the last. Of the page
	// those are left out that the wallet is to forget. It costs what is on the page,
	// however long the history is. A page that begins with no purchase of the wallet's
	// is [ErrNotFound]. [ErrNoWallet].
	Unlocks(ctx context.Context, wallet string, p Page) (list []Unlock, next string, err error)

	// Bought answers one purchase that Unlocks would list on some page: else
	// [ErrNotFound]. [ErrNoWallet].
	Bought(ctx context.Context, wallet, unlock string) (Unlock, error)

	// Set replaces a wallet's settings. Settings that [Settings.Check] refuses are
	// [CodeMalformed]. [ErrNoWallet].
	Set(ctx context.Context, wallet string, s Settings) error

	// Settings answers a wallet's settings and what it spent. [ErrNoWallet].
	Settings(ctx context.Context, wallet string) (Settings, Spending, error)

	// WalletExport hands over everything that the ledger holds of a wallet, in parts
	// that fit into memory: first all but the lists that grow with its history, then
	// those, in the order of the fields, a part of one at a time. It ends with ctx, and
	// with the first error of part, which it answers. [ErrNoWallet].
	WalletExport(ctx context.Context, wallet string, part func(*WalletExport) error) error

	// Revoked reports whether tokens of this unlock are dead. It is on the hot
	// path: no I/O, no lock shared between readers, no allocation.
	Revoked(unlock string) bool

	// Stats sums the ledger up.
	Stats(ctx context.Context) (Stats, error)

	// Verify recomputes the ledger from its first record and compares. An error
	// means that it could not be done; what is wrong stands in the report.
	Verify(ctx context.Context) (Report, error)

	// Export writes every transfer in order, one JSON object a line, up to the
	// last one that was durable when it began.
	Export(ctx context.Context, w io.Writer) error

	// Backup writes a consistent copy of the ledger, as it was at one moment while
	// it ran, from which a store of the same kind can be restored. It says itself
	// whether it is whole and undamaged. It holds no secret: no key of a wallet and
	// no signing key. A Since behind the last transfer is [CodeMalformed], before
	// anything is written; after another error what was written is no backup.
	Backup(ctx context.Context, w io.Writer, o BackupOptions) error
}

// Page asks for a part of a list that is newest first.
type Page struct {
	Before string // where it begins: what the page before answered; "": with the newest
	Limit  int    // how much is on it
}

// BackupOptions of [Store.Backup].
type BackupOptions struct {
	Since uint64            // only what follows this transfer; 0: everything
	Size  func(bytes int64) // is told the backup's length before its first byte; may be nil
}

// Purchase is what [Store.Unlock] needs.
type Purchase struct {
	Wallet string
	Offer  Offer
	Refund time.Duration // how long the purchase can be undone
	Shown  *Money        // the charge that the reader was shown; nil: none was
	Auto   bool          // the reader was not asked

	FreeShares bool // creators share in free credit as well
}

// Quote is what a purchase would come to.
type Quote struct {
	Charge Money // what it would take, with what the cap leaves
	Free   Money // of it, free credit
	Spent  Money // at this site in this month under a cap; zero if the offer has none
	Owned  bool  // the wallet owns the resource: it would take nothing
	Auto   bool  // it could be made without asking
	Undone int   // purchases that the wallet undid in this month

	// Final is why the purchase could not be undone, [ErrRefundOnce] or
	// [ErrRefundCapped]; nil if it could.
	Final error

	// Refusal is why it would be refused, such as [ErrInsufficientFunds]; nil if it
	// would not.
	Refusal error
}

// Receipt is the outcome of an unlock or a refund.
type Receipt struct {
	Unlock       Unlock
	Balance      Money // of the wallet, after it
	AlreadyOwned bool  // nothing was debited by this call
}

// Voucher is prepaid credit that one wallet can redeem once.
type Voucher struct {
	Code      Hash
	Amount    Money
	ExpiresAt time.Time // zero: never
	Campaign  string    // the publisher's own label, may be empty
}

// TopUp is money that came into a wallet.
type TopUp struct {
	Credited Money
	Balance  Money
	Replayed bool // credited by an earlier call
}

// Stats sums up the ledger. Amounts are decimal strings on the wire.
type Stats struct {
	Currency  Currency        `json:"currency"`
	Wallets   int             `json:"wallets"`
	Sales     Tally           `json:"sales"`
	Refunds   Tally           `json:"refunds"`
	TopUps    Tally           `json:"top_ups"` // PaidIn and FreeGiven together
	Tips      Tally           `json:"tips"`
	Gifts     int             `json:"gifts"`        // opened, for nothing
	Owed      Money           `json:"wallets_owed"` // what all wallets hold together
	Resources []ResourceSales `json:"resources"`

	// What readers put in, and what the publisher gave, which is spent first. Sales,
	// refunds and tips consist of both.
	PaidIn      Tally `json:"paid_in"`    // vouchers redeemed
	FreeGiven   Tally `json:"free_given"` // welcome credit
	SalesPaid   Money `json:"sales_paid"`
	SalesFree   Money `json:"sales_free"`
	RefundsPaid Money `json:"refunds_paid"`
	RefundsFree Money `json:"refunds_free"`
	TipsPaid    Money `json:"tips_paid"`
	TipsFree    Money `json:"tips_free"`
	OwedPaid    Money `json:"wallets_owed_paid"` // owed to readers
	OwedFree    Money `json:"wallets_owed_free"` // owed to nobody, but readers may spend it

	Creators []CreatorOwed `json:"creators_owed"` // by name
}

// CreatorOwed is what a creator has earned, less what was undone.
type CreatorOwed struct {
	Creator string `json:"creator"`
	Amount  Money  `json:"amount"`
}

// Tally counts and sums.
type Tally struct {
	Count  int   `json:"count"`
	Amount Money `json:"amount"`
}

// ResourceSales is what one resource brought.
type ResourceSales struct {
	Site     string `json:"site"`
	Resource string `json:"resource"`
	Sales    Tally  `json:"sales"`
	Refunds  Tally  `json:"refunds"`
}

// Report is the outcome of [Store.Verify]. OK means that Problems is empty. Notes
// say what is no damage but good to know, such as what the next start will mend.
type Report struct {
	OK        bool     `json:"ok"`
	Transfers uint64   `json:"transfers"`
	Seq       uint64   `json:"seq"`
	Head      string   `json:"head"` // hash of the last record
	Problems  []string `json:"problems"`
	Notes     []string `json:"notes,omitempty"`
}
