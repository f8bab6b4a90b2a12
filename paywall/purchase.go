package paywall

import "time"

// Purchase is a wish to buy.
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

// Page asks for a part of a list that is newest first.
type Page struct {
	Before string // where it begins: what the page before answered; "": with the newest
	Limit  int    // how much is on it
}
