package checkout

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tuppence/tuppence/paywall"
)

// errPasskeyRefused does not say why: whether a passkey is known is nobody's business.
var errPasskeyRefused = paywall.Errorf(paywall.CodeNoWallet, "this passkey leads to no wallet here")

// beginPasskeyLogin asks a browser for a passkey, whichever it has. It leaves
// nothing behind.
func (x *exchange) beginPasskeyLogin() error {
	party, err := x.relyingParty()
	if err != nil {
		return err
	}
	request, _, err := party.BeginDiscoverableLogin(webauthn.WithChallenge(x.c.o.Ceremonies.challenge(x.now, toEnter, x.origin)))
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, request)
}

// passkeyLogin lets this browser into the wallet that a passkey leads to, as a
// recovery code does: with a key of its own.
func (x *exchange) passkeyLogin() error {
	ctx, cancel := x.commit()
	defer cancel()
	ledger, err := x.ledger(ctx)
	if err != nil {
		return err
	}
	who, err := x.enter(ctx, ledger)
	switch {
	case errors.Is(err, paywall.ErrNoWallet) && !x.json:
		return x.strangerPage(http.StatusUnauthorized, "passkey.wrong")
	case errors.Is(err, errPasskeyAgain) && !x.json:
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
	party, err := x.relyingParty()
	if err != nil {
		return who, err
	}
	sent, err := protocol.ParseCredentialRequestResponseBytes([]byte(x.fields["credential"]))
	if err != nil {
		return who, errPasskeyAgain
	}
	err = x.attempt(func() (err error) {
		if !x.answers(&sent.Response.CollectedClientData, toEnter, x.origin) {
			return errPasskeyAgain
		}
		turn := x.c.o.Ceremonies.turn(base64.RawURLEncoding.EncodeToString(sent.RawID))
		turn.Lock()
		defer turn.Unlock()
		wallet, err := x.provenBy(ctx, ledger, party, sent)
		if err != nil {
			return err
		}
		who.wallet, err = ledger.Admit(ctx, wallet.ID, next)
		return err
	})
	return who, err
}

// provenBy finds the wallet that an answer proves to be the reader's. A counter that
// goes up is kept; one that does not may be that of a copy.
func (x *exchange) provenBy(ctx context.Context, ledger passkeyKeeper, party *webauthn.WebAuthn, sent *protocol.ParsedCredentialAssertionData) (paywall.Wallet, error) {
	passkey, wallet, err := ledger.Passkey(ctx, base64.RawURLEncoding.EncodeToString(sent.RawID))
	if errors.Is(err, paywall.ErrNoPasskey) {
		return wallet, errPasskeyRefused
	}
	if err != nil {
		return wallet, err
	}
	kept, err := credentialOf(passkey)
	if err != nil {
		return wallet, err
	}
	reader := holderOf(sent.RawID, kept)
	who := func(_, _ []byte) (webauthn.User, error) { return reader, nil }
	_, checked, err := party.ValidatePasskeyLogin(who, sessionOf(challengeOf(&sent.Response.CollectedClientData), nil), sent)
	if err != nil {
		return wallet, errPasskeyRefused
	}
	if checked.Authenticator.CloneWarning {
		x.c.o.Logger.Warn("a passkey was refused: its counter did not go up, so it may have been copied")
		return wallet, errPasskeyRefused
	}
	if kept.Counter == checked.Authenticator.SignCount {
		return wallet, nil
	}
	kept.Counter = checked.Authenticator.SignCount
	data, err := json.Marshal(kept)
	if err != nil {
		return wallet, err
	}
	return wallet, ledger.SetPasskey(ctx, wallet.ID, paywall.Passkey{ID: passkey.ID, Data: string(data)})
}
