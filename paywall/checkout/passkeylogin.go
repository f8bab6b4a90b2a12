package checkout

import (
	"context"
	"errors"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/passkey"
)

// errPasskeyRefused does not say why: whether a passkey is known is nobody's business.
var errPasskeyRefused = paywall.Errorf(paywall.CodeNoWallet, "this passkey leads to no wallet here")

// beginPasskeyLogin asks a browser for a passkey, whichever it has. It leaves
// nothing behind.
func beginPasskeyLogin(x *exchange) error {
	party, err := x.party()
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
	who, err := x.enter(ctx, ledger)
	switch {
	case errors.Is(err, paywall.ErrNoWallet) && !x.json:
		return x.strangerPage(http.StatusUnauthorized, "passkey.wrong")
	case isError(err, passkey.ErrAgain) && !x.json:
		return x.strangerPage(http.StatusBadRequest, "passkey.again")
	case err != nil:
		return err
	}
	return x.letIn(who)
}

func (x *exchange) enter(ctx context.Context, ledger passkeyKeeper) (identity, error) {
	who := identity{key: paywall.NewWalletKey()}
	next, _ := who.key.Hashes() // of a key just drawn: always well formed
	who.hash = next.Key
	party, err := x.party()
	if err != nil {
		return who, err
	}
	answer, err := party.Answered(x.now, x.fields["credential"])
	if err != nil {
		return who, err
	}
	err = x.attempt(func() (err error) {
		defer x.c.o.Ceremonies.Hold(answer.ID())()
		wallet, err := x.provenBy(ctx, ledger, answer)
		if err != nil {
			return err
		}
		who.wallet, err = ledger.Admit(ctx, wallet.ID, next)
		return err
	})
	return who, err
}

// provenBy finds the wallet that an answer proves to be the reader's.
func (x *exchange) provenBy(ctx context.Context, ledger passkeyKeeper, answer passkey.Answer) (paywall.Wallet, error) {
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
