package checkout

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// identity is who acts: the wallet and the key that opened it.
type identity struct {
	key    paywall.WalletKey
	hash   paywall.Hash
	wallet paywall.Wallet
}

// known reports whether it is anybody.
func (i identity) known() bool { return i.key != "" }

// identify finds the reader's wallet. [paywall.ErrNoWallet] if the request
// carries no key, or one that opens nothing. A bearer goes before a cookie:
// only its owner can send it.
func (x *exchange) identify(ctx context.Context, ledger walletKeeper) (identity, error) {
	key := paywall.WalletKey(x.bearer)
	if key == "" {
		var err error
		if key, err = x.cookieKey(); err != nil {
			return identity{}, err
		}
	}
	hash, ok := key.Hash()
	if !ok {
		return identity{}, paywall.ErrNoWallet
	}
	wallet, err := ledger.Wallet(ctx, hash)
	if err != nil {
		return identity{}, err
	}
	return identity{key: key, hash: hash, wallet: wallet}, nil
}

// errTwoWallets: a sibling host has planted a cookie beside ours (session
// fixation). Acting for either could pay from, or into, the wrong wallet.
var errTwoWallets = paywall.Errorf(paywall.CodeMalformed, "your browser sent two different wallets; remove the cookies of this site and recover your wallet with its code")

func isTwoWallets(err error) bool { return isError(err, errTwoWallets) }

// isError tells an error from others with its code, which errors.Is would not.
func isError(err error, want *paywall.Error) bool {
	e, ok := errors.AsType[*paywall.Error](err)
	return ok && e == want
}

// cookieKey is the wallet cookie's key, "" if there is none.
func (x *request) cookieKey() (paywall.WalletKey, error) {
	cookies := x.r.CookiesNamed(paywall.WalletCookie.On(x.tls))
	if len(cookies) > paywall.MaxCookieCandidates {
		return "", errTwoWallets
	}
	keys := walletKeys(cookies)
	switch len(keys) {
	case 0:
		return "", nil
	case 1:
		return keys[0], nil
	}
	return "", errTwoWallets
}

// walletKeys are the different keys among wallet cookies.
func walletKeys(cookies []*http.Cookie) (keys []paywall.WalletKey) {
	for _, c := range cookies {
		key := paywall.WalletKey(c.Value)
		if _, ok := key.Hash(); !ok || c.Quoted || slices.Contains(keys, key) {
			continue // never one of ours, or sent twice
		}
		keys = append(keys, key)
	}
	return keys
}

// visitor is identify for pages that anyone may see: without a wallet, or with
// two, the answer is nobody.
func (x *exchange) visitor(ctx context.Context, ledger walletKeeper) (identity, error) {
	who, err := x.identify(ctx, ledger)
	if isTwoWallets(err) || errors.Is(err, paywall.ErrNoWallet) && x.bearer == "" {
		return identity{}, nil
	}
	return who, err
}

// ensureWallet is the wallet a POST acts for. A person who has none gets one, opened
// with the key drawn for the page that was sent: a double click, or the same
// form thirty times, is then one wallet. A program must bring its own, and a
// browser must have shown that it would keep it. A wallet that money is paid into
// opens whatever others at the address have opened.
func (x *exchange) ensureWallet(ctx context.Context, ledger walletKeeper, pays bool) (identity, error) {
	who, err := x.identify(ctx, ledger)
	if x.json {
		return who, err
	}
	if errors.Is(err, paywall.ErrNoWallet) {
		if !x.keepsCookies() {
			return identity{}, errNoCookies
		}
		key := paywall.WalletKey(x.fields["new_wallet"])
		if key == "" {
			key = paywall.NewWalletKey()
		}
		who, err = x.open(ctx, ledger, key, pays)
	}
	if err != nil {
		return identity{}, err
	}
	x.giveWallet(who.key)
	return who, nil
}

// giveWallet gives the browser the cookie of a wallet. From then on its forms are
// vouched for by that. A known wallet's cookie is renewed: browsers drop it 400 days
// after it was last set, however much its owner reads.
func (x *exchange) giveWallet(key paywall.WalletKey) {
	x.csrfSecrets = []string{string(key)}
	x.setCookie(paywall.NewWalletCookie(x.tls, key, x.now))
}

// returning is [paywall.ErrNoWallet] for who has none yet. The key in a page's form
// may have opened one: the form is then sent again.
func (x *exchange) returning(ctx context.Context, ledger walletKeeper) error {
	_, err := x.identify(ctx, ledger)
	if errors.Is(err, paywall.ErrNoWallet) {
		hash, _ := paywall.WalletKey(x.fields["new_wallet"]).Hash()
		_, err = ledger.Wallet(ctx, hash)
	}
	return err
}

// open answers the wallet of a key and opens it if there is none. Opening again
// what exists does not count against the limit of new wallets.
func (x *exchange) open(ctx context.Context, ledger walletKeeper, key paywall.WalletKey, pays bool) (identity, error) {
	hashes, ok := key.Hashes()
	if !ok {
		return identity{}, paywall.Errorf(paywall.CodeMalformed, "the field new_wallet is not a wallet key")
	}
	wallet, err := ledger.Wallet(ctx, hashes.Key)
	if errors.Is(err, paywall.ErrNoWallet) {
		if !pays {
			if err := x.within(opening); err != nil {
				return identity{}, err
			}
		}
		wallet, err = openWelcomed(ctx, x, ledger, hashes)
	}
	if err != nil {
		return identity{}, err
	}
	return identity{key: key, hash: hashes.Key, wallet: wallet}, nil
}

// deviceKeeper says who is let into a wallet, and takes keys away.
type deviceKeeper interface {
	Devices(ctx context.Context, wallet string, key paywall.Hash) ([]paywall.Device, error)
	Drop(ctx context.Context, wallet string, d paywall.Drop) error
}

// signOut ends what other browsers can do with the wallet, or this one.
//
// The recovery code of a browser that is signed out goes with it: whoever used
// that browser could have read it there. The field codes with "false" lets all codes
// stay, for who wrote one of them down. This browser's own code stays when it signs
// itself out, as the way back.
func signOut(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	drop, here, err := wantedDrop(ctx, x, ledger, who)
	if err != nil {
		return err
	}
	if err := ledger.Drop(ctx, who.wallet.ID, drop); err != nil {
		return err
	}
	notice := "signed-out"
	if !drop.Codes {
		notice = "signed-out-kept"
	}
	if here {
		notice = "signed-out-here"
		if err := leave(ctx, x, ledger, who); err != nil {
			return err
		}
	}
	if !x.json {
		x.redirect(Prefix + "wallet?notice=" + notice)
		return nil
	}
	return x.answer(http.StatusOK, map[string]bool{"signed_out": true})
}

// wantedDrop reads who is to be signed out: the field device has the id of one,
// or others is "true"; and whether codes is not "false".
func wantedDrop(ctx context.Context, x *exchange, ledger deviceKeeper, who identity) (_ paywall.Drop, here bool, err error) {
	id, others := x.fields["device"], x.fields["others"] == "true"
	if (id != "") == others {
		return paywall.Drop{}, false, paywall.Errorf(paywall.CodeMalformed, "send either device, with the id of one, or others, with true")
	}
	codes := x.fields["codes"] != "false"
	if others {
		return paywall.Drop{Except: who.hash, Codes: codes}, false, nil
	}
	devices, err := ledger.Devices(ctx, who.wallet.ID, who.hash)
	if err != nil {
		return paywall.Drop{}, false, err
	}
	for _, d := range devices {
		if d.ID == id {
			return paywall.Drop{Device: id, Codes: codes && !d.Current}, d.Current, nil
		}
	}
	return paywall.Drop{}, false, paywall.ErrNoDevice
}

// leave makes this browser forget the wallet and what it opened.
func leave(ctx context.Context, x *exchange, ledger historian, who identity) error {
	unlocks, _, err := ledger.Unlocks(ctx, who.wallet.ID, paywall.Page{Limit: maxExpired})
	if err != nil {
		return err
	}
	forgetWallet(x, unlocks)
	return nil
}
