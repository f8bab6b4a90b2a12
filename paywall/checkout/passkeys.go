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

// passkeyKeeper keeps passkeys, and lets in whoever has shown one.
type passkeyKeeper interface {
	SetPasskey(ctx context.Context, wallet string, p paywall.Passkey) error
	RemovePasskey(ctx context.Context, wallet, passkey string) error
	Passkey(ctx context.Context, id string) (paywall.Passkey, paywall.Wallet, error)
	Passkeys(ctx context.Context, wallet string) ([]paywall.Passkey, error)
	Admit(ctx context.Context, wallet string, next paywall.KeyHashes) (paywall.Wallet, error)
}

// What challenges are bound to, beside the origin.
const (
	toAdd   = "add a passkey"
	toEnter = "log in with a passkey"
)

// maxPublicKey bounds the key of a passkey, in bytes. RSA with 4096 bits fits, more
// than any authenticator makes; with the 48,000 bits that a request has room for,
// one look at a signature takes 67 ms (measured).
const maxPublicKey = 600

// errPasskeyAgain: the answer is late, was given before, is meant for something
// else or is none. A new one may do.
var errPasskeyAgain = paywall.Errorf(paywall.CodeMalformed, "this is no answer of a passkey to a question that is still open; begin again")

// relyingParty is the library for this origin; where passkeys do not work there is
// no such page.
func (x *exchange) relyingParty() (*webauthn.WebAuthn, error) {
	site, ok := siteOf(x.origin)
	if !ok {
		return nil, paywall.Errorf(paywall.CodeNotFound, "passkeys need https")
	}
	return relyingParty(x.origin, site, x.siteName())
}

// answers reports whether a browser answers an open question of ours, put on this
// origin and bound to the same; it is open no more then.
func (x *exchange) answers(client *protocol.CollectedClientData, bound ...string) bool {
	return client.Origin == x.origin && x.c.o.Ceremonies.spend(challengeOf(client), x.now, bound...)
}

// beginPasskey asks a browser for a new passkey of the reader's wallet. It leaves
// nothing behind.
func (x *exchange) beginPasskey() error {
	party, err := x.relyingParty()
	if err != nil {
		return err
	}
	ledger, who, err := x.reader(x.r.Context())
	if err != nil {
		return err
	}
	has, err := ledger.Passkeys(x.r.Context(), who.wallet.ID)
	if err != nil {
		return err
	}
	if len(has) >= paywall.MaxPasskeys {
		return paywall.Errorf(paywall.CodeMalformed, "a wallet has at most %d passkeys; remove one first", paywall.MaxPasskeys)
	}
	var known []protocol.CredentialDescriptor
	for _, p := range has {
		id, err := base64.RawURLEncoding.DecodeString(p.ID)
		if err != nil {
			return err
		}
		known = append(known, protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: id})
	}
	challenge := x.c.o.Ceremonies.challenge(x.now, toAdd, x.origin, who.wallet.ID)
	reader := holder{handle: newHandle(challenge), name: x.text.T("passkey.name", "Date", x.text.Date(x.now))}
	creation, _, err := party.BeginRegistration(reader, webauthn.WithExclusions(known),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = challenge
			return nil
		})
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, creation)
}

// addPasskey keeps the passkey that a browser has made.
func (x *exchange) addPasskey() error {
	ctx, cancel := x.commit()
	defer cancel()
	ledger, who, err := x.reader(ctx)
	if err != nil {
		return err
	}
	passkey, err := x.newPasskey(who)
	if err == nil {
		err = ledger.SetPasskey(ctx, who.wallet.ID, passkey)
	}
	switch {
	case !x.json && (paywall.ErrorCode(err) == paywall.CodeMalformed || errors.Is(err, paywall.ErrConflict)):
		return x.ownPage(ctx, ledger, paywall.ErrorCode(err).HTTPStatus(), who, "passkey.again")
	case err != nil:
		return err
	case x.json:
		return x.answer(http.StatusCreated, map[string]string{"passkey": passkey.ID})
	}
	x.redirect(Prefix + "wallet?notice=passkey-added")
	return nil
}

// newPasskey checks what a browser has made. No word of a maker is asked for, and
// none but the passkey's own is listened to.
func (x *exchange) newPasskey(who identity) (p paywall.Passkey, err error) {
	party, err := x.relyingParty()
	if err != nil {
		return p, err
	}
	sent, err := protocol.ParseCredentialCreationResponseBytes([]byte(x.fields["credential"]))
	if err != nil {
		return p, errPasskeyAgain
	}
	client, made := &sent.Response.CollectedClientData, &sent.Response.AttestationObject
	if !x.answers(client, toAdd, x.origin, who.wallet.ID) {
		return p, errPasskeyAgain
	}
	if format := protocol.AttestationFormat(made.Format); format != protocol.AttestationFormatNone && format != protocol.AttestationFormatPacked {
		return p, errPasskeyAgain
	}
	if _, vouched := made.AttStatement["x5c"]; vouched || len(made.AuthData.AttData.CredentialPublicKey) > maxPublicKey {
		return p, errPasskeyAgain
	}
	challenge := challengeOf(client)
	handle := newHandle(challenge)
	checked, err := party.CreateCredential(holder{handle: handle}, sessionOf(challenge, handle), sent)
	if err != nil {
		return p, errPasskeyAgain
	}
	data, err := json.Marshal(credential{
		Site: party.Config.RPID, User: handle, Key: checked.PublicKey, Counter: checked.Authenticator.SignCount,
		Synced: checked.Flags.BackupEligible, AddedAt: x.now.UTC(),
	})
	return paywall.Passkey{ID: base64.RawURLEncoding.EncodeToString(checked.ID), Data: string(data)}, err
}

// removePasskey takes a passkey away. However many are left, this browser keeps
// the wallet, and the recovery code goes on leading to it.
func (x *exchange) removePasskey() error {
	ctx, cancel := x.commit()
	defer cancel()
	ledger, who, err := x.reader(ctx)
	if err != nil {
		return err
	}
	if err := x.dropPasskey(ctx, ledger, who); err != nil {
		return err
	}
	if !x.json {
		x.redirect(Prefix + "wallet?notice=passkey-removed")
		return nil
	}
	return x.answer(http.StatusOK, map[string]bool{"removed": true})
}

func (x *exchange) dropPasskey(ctx context.Context, ledger passkeyKeeper, who identity) error {
	id := x.fields["passkey"]
	turn := x.c.o.Ceremonies.turn(id)
	turn.Lock()
	defer turn.Unlock()
	return ledger.RemovePasskey(ctx, who.wallet.ID, id)
}

// passkeyEntry is a passkey on the wallet page.
type passkeyEntry struct {
	ID string
	credential
}

func (x *exchange) passkeys(ctx context.Context, ledger passkeyKeeper, wallet string) (list []passkeyEntry, err error) {
	has, err := ledger.Passkeys(ctx, wallet)
	for _, p := range has {
		kept, err := credentialOf(p)
		if err != nil {
			return nil, err
		}
		list = append(list, passkeyEntry{p.ID, kept})
	}
	return list, err
}
