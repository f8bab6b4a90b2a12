package checkout

import (
	"context"
	"errors"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/passkey"
)

// passkeyKeeper keeps passkeys, and lets in whoever has shown one.
type passkeyKeeper interface {
	SetPasskey(ctx context.Context, wallet string, p paywall.Passkey) error
	RemovePasskey(ctx context.Context, wallet, passkey string) error
	Passkey(ctx context.Context, id string) (paywall.Passkey, paywall.Wallet, error)
	Passkeys(ctx context.Context, wallet string) ([]paywall.Passkey, error)
	Admit(ctx context.Context, wallet string, next paywall.KeyHashes) (paywall.Wallet, error)
}

// relyingParty is this site, where passkeys work; where they do not, there is no such page.
func relyingParty(x *exchange) (*passkey.Party, error) {
	return x.c.o.Ceremonies.At(x.origin, x.siteName())
}

// beginPasskey asks a browser for a new passkey of the reader's wallet. It leaves
// nothing behind.
func beginPasskey(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	party, err := relyingParty(x)
	if err != nil {
		return err
	}
	has, err := ledger.Passkeys(ctx, who.wallet.ID)
	if err != nil {
		return err
	}
	if len(has) >= paywall.MaxPasskeys {
		return paywall.Errorf(paywall.CodeMalformed, "a wallet has at most %d passkeys; remove one first", paywall.MaxPasskeys)
	}
	creation, err := party.AskForNew(x.now, who.wallet.ID, x.text().T("passkey.name", "Date", x.text().Date(x.now)), has)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, creation)
}

// addPasskey keeps the passkey that a browser has made.
func addPasskey(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	made, err := madePasskey(x, who)
	if err == nil {
		err = ledger.SetPasskey(ctx, who.wallet.ID, made)
	}
	switch {
	case !x.json && (paywall.ErrorCode(err) == paywall.CodeMalformed || errors.Is(err, paywall.ErrConflict)):
		return ownPage(ctx, x, ledger, paywall.ErrorCode(err).HTTPStatus(), who, "passkey.again")
	case err != nil:
		return err
	case x.json:
		return x.answer(http.StatusCreated, map[string]string{"passkey": made.ID})
	}
	x.redirect(Prefix + "wallet?notice=passkey-added")
	return nil
}

func madePasskey(x *exchange, who identity) (paywall.Passkey, error) {
	party, err := relyingParty(x)
	if err != nil {
		return paywall.Passkey{}, err
	}
	return party.Made(x.now, who.wallet.ID, x.fields["credential"])
}

// removePasskey takes a passkey away. However many are left, this browser keeps
// the wallet, and the recovery code goes on leading to it.
func removePasskey(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	if err := dropPasskey(ctx, x, ledger, who); err != nil {
		return err
	}
	if !x.json {
		x.redirect(Prefix + "wallet?notice=passkey-removed")
		return nil
	}
	return x.answer(http.StatusOK, map[string]bool{"removed": true})
}

func dropPasskey(ctx context.Context, x *exchange, ledger passkeyKeeper, who identity) error {
	id := x.fields["passkey"]
	defer x.c.o.Ceremonies.Hold(id)()
	return ledger.RemovePasskey(ctx, who.wallet.ID, id)
}

// passkeyEntry is a passkey on the wallet page.
type passkeyEntry struct {
	ID string
	passkey.Credential
}

func listPasskeys(ctx context.Context, x *exchange, ledger passkeyKeeper, wallet string) (list []passkeyEntry, err error) {
	has, err := ledger.Passkeys(ctx, wallet)
	for _, p := range has {
		kept, err := passkey.CredentialOf(p)
		if err != nil {
			return nil, err
		}
		list = append(list, passkeyEntry{p.ID, kept})
	}
	return list, err
}

// errPasskeyRefused does not say why: whether a passkey is known is nobody's business.
var errPasskeyRefused = paywall.Errorf(paywall.CodeNoWallet, "this passkey leads to no wallet here")

// beginPasskeyLogin asks a browser for a passkey, whichever it has. It leaves
// nothing behind.
func beginPasskeyLogin(x *exchange) error {
	party, err := relyingParty(x)
	if err != nil {
		return err
	}
	request, err := party.AskForAny(x.now)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, request)
}

// passkeyLogin lets this browser into the wallet that a passkey leads to, as a
// recovery code does: with a key of its own.
func passkeyLogin(ctx context.Context, x *exchange, ledger Ledger) error {
	who, err := enterWithPasskey(ctx, x, ledger)
	switch {
	case errors.Is(err, paywall.ErrNoWallet) && !x.json:
		return strangerPage(x, http.StatusUnauthorized, "passkey.wrong")
	case isError(err, passkey.ErrAgain) && !x.json:
		return strangerPage(x, http.StatusBadRequest, "passkey.again")
	case err != nil:
		return err
	}
	return letIn(x, who)
}

func enterWithPasskey(ctx context.Context, x *exchange, ledger passkeyKeeper) (identity, error) {
	who := identity{key: paywall.NewWalletKey()}
	next, _ := who.key.Hashes() // of a key just drawn: always well formed
	who.hash = next.Key
	party, err := relyingParty(x)
	if err != nil {
		return who, err
	}
	answer, err := party.Answered(x.now, x.fields["credential"])
	if err != nil {
		return who, err
	}
	err = x.attempt(func() (err error) {
		defer x.c.o.Ceremonies.Hold(answer.ID())()
		wallet, err := provenBy(ctx, x, ledger, answer)
		if err != nil {
			return err
		}
		who.wallet, err = ledger.Admit(ctx, wallet.ID, next)
		return err
	})
	return who, err
}

// provenBy finds the wallet that an answer proves to be the reader's.
func provenBy(ctx context.Context, x *exchange, ledger passkeyKeeper, answer passkey.Answer) (paywall.Wallet, error) {
	kept, wallet, err := ledger.Passkey(ctx, answer.ID())
	if errors.Is(err, paywall.ErrNoPasskey) {
		return wallet, errPasskeyRefused
	}
	if err != nil {
		return wallet, err
	}
	proven, err := answer.Proves(kept)
	if errors.Is(err, passkey.ErrCopied) {
		x.c.o.Logger.Warn("a passkey was refused: its counter did not go up, so it may have been copied")
	}
	if errors.Is(err, passkey.ErrRefused) {
		return wallet, errPasskeyRefused
	}
	if err != nil || proven == kept {
		return wallet, err
	}
	return wallet, ledger.SetPasskey(ctx, wallet.ID, proven)
}
