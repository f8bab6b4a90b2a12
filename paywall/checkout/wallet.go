package checkout

import (
	"context"
	"errors"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// walletKeeper opens wallets, finds them and closes them.
type walletKeeper interface {
	Welcomes(ctx context.Context, site string) (int, error)
	OpenWallet(ctx context.Context, keys paywall.KeyHashes, welcome paywall.Welcome) (paywall.Wallet, error)
	Wallet(ctx context.Context, key paywall.Hash) (paywall.Wallet, error)
	AddKey(ctx context.Context, code paywall.Hash, next paywall.KeyHashes) (paywall.Wallet, error)
	Erase(ctx context.Context, wallet string) error
}

// maxListed bounds the lists on the wallet page and in its JSON: purchases on each
// page of them, tips and gifts in all.
const maxListed = 200

// listPurchases are those on the page that the address asks for, and where the next begins.
func listPurchases(ctx context.Context, x *exchange, ledger historian, who identity) (list []paywall.Unlock, next string, err error) {
	page := paywall.Page{Limit: maxListed}
	if x.r.Method != http.MethodPost {
		page.Before = x.r.URL.Query().Get("before")
	}
	return ledger.Unlocks(ctx, who.wallet.ID, page)
}

// toWallet leads whoever shortened an address to the page that readers look for.
func toWallet(x *exchange) error {
	x.redirect(Prefix + "wallet")
	return nil
}

// showWallet lists balance and purchases.
func showWallet(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	if !who.known() && x.json {
		return paywall.ErrNoWallet
	}
	if !who.known() {
		if err := x.lookedAgain(); err != nil {
			return err
		}
		return strangerPage(x, http.StatusUnauthorized, "")
	}
	if x.json {
		return answerWallet(ctx, x, ledger, who)
	}
	return ownPage(ctx, x, ledger, http.StatusOK, who, "")
}

type unlockEntry struct {
	UnlockID        string        `json:"unlock_id"`
	Resource        string        `json:"resource"`
	Title           string        `json:"title"`
	Paid            paywall.Money `json:"paid"`
	At              string        `json:"at"`
	RefundableUntil string        `json:"refundable_until"`
}

// answerWallet leaves refunded purchases out: the entries have no member that
// would tell them from what the reader still has.
func answerWallet(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	unlocks, next, err := listPurchases(ctx, x, ledger, who)
	if err != nil {
		return err
	}
	settings, spent, err := ledger.Settings(ctx, who.wallet.ID)
	if err != nil {
		return err
	}
	gifts, err := ledger.Gifts(ctx, who.wallet.ID, maxListed)
	if err != nil {
		return err
	}
	given := make([]giftEntry, 0, len(gifts))
	for i := range gifts {
		given = append(given, newGiftEntry(&gifts[i]))
	}
	tips, err := ledger.Tips(ctx, who.wallet.ID, maxListed)
	if err != nil {
		return err
	}
	tipped := make([]givenTip, 0, len(tips))
	for i := range tips {
		tipped = append(tipped, newGivenTip(&tips[i]))
	}
	entries := make([]unlockEntry, 0, len(unlocks))
	for i := range unlocks {
		u := &unlocks[i]
		limitUndo(x, u, spent.Undone)
		if !u.RefundedAt.IsZero() {
			continue
		}
		until := u.RefundableUntil
		if until.IsZero() {
			until = u.At
		}
		shown := unnamed(*u)
		entries = append(entries, unlockEntry{u.ID, shown.Resource, shown.Title, u.Paid, wireTime(u.At), wireTime(until)})
	}
	return x.answer(http.StatusOK, struct {
		WalletID string           `json:"wallet_id"`
		Balance  paywall.Money    `json:"balance"`
		Paid     paywall.Money    `json:"paid_credit"` // of the balance, what the reader put in
		Free     paywall.Money    `json:"free_credit"` // and what the site gave
		Currency paywall.Currency `json:"currency"`
		Unlocks  []unlockEntry    `json:"unlocks"`
		Next     string           `json:"next,omitempty"` // the page with those before: ?before=
		Gifts    []giftEntry      `json:"gifts"`          // links that were made
		Tips     []givenTip       `json:"tips"`
		Settings settingsEntry    `json:"settings"`
		Spending spendingEntry    `json:"spending"`
	}{
		who.wallet.ID, who.wallet.Balance, who.wallet.Paid(), who.wallet.Free, who.wallet.Balance.Currency, entries, next, given, tipped,
		newSettingsEntry(settings), spendingEntry{spent.Today, spent.Week, spent.Month},
	})
}

// unnamed is a purchase as its reader is shown it: without what says of what it is,
// where that is to be forgotten.
func unnamed(u paywall.Unlock) paywall.Unlock {
	if u.Forgotten {
		u.Resource, u.URL, u.Title = "", "", ""
	}
	return u
}

// openWallet opens a wallet. A person who has one keeps it.
func openWallet(ctx context.Context, x *exchange, ledger Ledger) error {
	if !x.json {
		if _, err := x.ensureWallet(ctx, ledger, false); err != nil {
			return err
		}
		x.redirect(Prefix + "wallet")
		return nil
	}
	who, err := x.open(ctx, ledger, paywall.NewWalletKey(), false)
	if err != nil {
		return err
	}
	return answerKey(x, http.StatusCreated, who)
}

// answerKey hands a program the secrets of a wallet. They are nowhere else.
func answerKey(x *exchange, status int, who identity) error {
	return x.answer(status, struct {
		WalletID     string            `json:"wallet_id"`
		WalletKey    paywall.WalletKey `json:"wallet_key"`
		RecoveryCode string            `json:"recovery_code"`
		Balance      paywall.Money     `json:"balance"`
		Currency     paywall.Currency  `json:"currency"`
	}{who.wallet.ID, who.key, who.key.RecoveryCode(), who.wallet.Balance, who.wallet.Balance.Currency})
}

// recoverWallet lets this browser into the wallet whose recovery code was
// typed, with a key of its own: a key that stood in the browser before, planted
// or not, opens nothing new.
func recoverWallet(ctx context.Context, x *exchange, ledger Ledger) error {
	who, err := enterWithCode(ctx, x, ledger)
	switch {
	case errors.Is(err, paywall.ErrNoWallet) && !x.json:
		return strangerPage(x, http.StatusUnauthorized, "recover.wrong")
	case err != nil:
		return err
	}
	return letIn(x, who)
}

// letIn gives whoever has shown that a wallet is theirs the key drawn for them.
func letIn(x *exchange, who identity) error {
	if x.json {
		return answerKey(x, http.StatusOK, who)
	}
	x.giveWallet(who.key)
	x.redirect(Prefix + "wallet?notice=recovered")
	return nil
}

func enterWithCode(ctx context.Context, x *exchange, ledger walletKeeper) (identity, error) {
	who := identity{key: paywall.NewWalletKey()}
	next, _ := who.key.Hashes() // of a key just drawn: always well formed
	who.hash = next.Key
	err := x.attempt(func() (err error) {
		code, ok := paywall.HashCode(x.fields["code"])
		if !ok {
			return paywall.ErrNoWallet
		}
		who.wallet, err = ledger.AddKey(ctx, code, next)
		return err
	})
	return who, err
}

// eraseWallet removes the reader's traces and makes the browser forget.
func eraseWallet(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	unlocks, _, err := ledger.Unlocks(ctx, who.wallet.ID, paywall.Page{Limit: maxExpired})
	if err != nil {
		return err
	}
	if err := ledger.Erase(ctx, who.wallet.ID); err != nil {
		return err
	}
	forgetWallet(x, unlocks)
	if !x.json {
		x.redirect(Prefix + "wallet?notice=erased")
		return nil
	}
	return x.answer(http.StatusOK, map[string]bool{"erased": true})
}

// forgetWallet makes the browser forget a wallet and what it opened, pages in
// its history included.
func forgetWallet(x *exchange, unlocks []paywall.Unlock) {
	for i := range unlocks {
		expireAccess(x, &unlocks[i])
	}
	x.setCookie(paywall.ExpiredCookie(paywall.NewWalletCookie(x.tls, "", x.now)))
	x.setCookie(paywall.ExpiredCookie(paywall.NewConsentCookie(x.tls, "", 0)))
	x.forget(`"cache"`)
}

// maxExpired bounds the cookies taken back in one answer: browsers and proxies
// limit the size of a head. Tokens left over are revoked all the same.
const maxExpired = 20

func expireAccess(x *exchange, u *paywall.Unlock) {
	if u.Site == x.origin {
		x.setCookie(paywall.ExpiredCookie(paywall.NewAccessCookie(x.tls, u.Resource, u.URL, "", x.now)))
	}
}
