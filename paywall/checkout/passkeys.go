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

// party is this site, where passkeys work; where they do not, there is no such page.
func (x *exchange) party() (*passkey.Party, error) {
	return x.c.o.Ceremonies.At(x.origin, x.siteName())
}

// beginPasskey asks a browser for a new passkey of the reader's wallet. It leaves
// nothing behind.
func beginPasskey(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	party, err := x.party()
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
	creation, err := party.AskForNew(x.now, who.wallet.ID, x.text.T("passkey.name", "Date", x.text.Date(x.now)), has)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, creation)
}

// addPasskey keeps the passkey that a browser has made.
func addPasskey(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	made, err := x.madePasskey(who)
	if err == nil {
		err = ledger.SetPasskey(ctx, who.wallet.ID, made)
	}
	switch {
	case !x.json && (paywall.ErrorCode(err) == paywall.CodeMalformed || errors.Is(err, paywall.ErrConflict)):
		return x.ownPage(ctx, ledger, paywall.ErrorCode(err).HTTPStatus(), who, "passkey.again")
	case err != nil:
		return err
	case x.json:
		return x.answer(http.StatusCreated, map[string]string{"passkey": made.ID})
	}
	x.redirect(Prefix + "wallet?notice=passkey-added")
	return nil
}

func (x *exchange) madePasskey(who identity) (paywall.Passkey, error) {
	party, err := x.party()
	if err != nil {
		return paywall.Passkey{}, err
	}
	return party.Made(x.now, who.wallet.ID, x.fields["credential"])
}

// removePasskey takes a passkey away. However many are left, this browser keeps
// the wallet, and the recovery code goes on leading to it.
func removePasskey(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
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
	defer x.c.o.Ceremonies.Hold(id)()
	return ledger.RemovePasskey(ctx, who.wallet.ID, id)
}

// passkeyEntry is a passkey on the wallet page.
type passkeyEntry struct {
	ID string
	passkey.Credential
}

func (x *exchange) passkeys(ctx context.Context, ledger passkeyKeeper, wallet string) (list []passkeyEntry, err error) {
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
