package checkout

import (
	"context"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

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
