package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// redeemer takes vouchers.
type redeemer interface {
	Voucher(ctx context.Context, code paywall.Hash) (paywall.Money, error)
	Redeem(ctx context.Context, wallet string, code paywall.Hash) (paywall.TopUp, error)
}

// CheckBuyVoucher reports what is wrong with the address where vouchers are sold.
func CheckBuyVoucher(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
	case address == "", (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil:
		return nil
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.Contains(address, `\`):
		return nil
	}
	return fmt.Errorf("vouchers cannot be bought at %q; write an address such as https://shop.example/vouchers, or a path", address)
}

// redeem pays a voucher into the reader's wallet. With an offer in the form,
// the reader came for an article, and lands in it.
func redeem(x *exchange) error {
	if !x.c.o.Vouchers {
		return paywall.Errorf(paywall.CodeNotFound, "vouchers are not accepted here")
	}
	offer, expired, err := takeWantedOffer(x)
	if err != nil {
		return err
	}
	return commit(func(ctx context.Context, x *exchange, l Ledger) error {
		who, topUp, err := payIn(ctx, x, l)
		switch {
		case errors.Is(err, paywall.ErrBadVoucher) && !x.json:
			return wrongVoucher(ctx, x, l, who, offer, err)
		case err != nil:
			return err
		case x.json:
			return x.answer(http.StatusOK, struct {
				Credited paywall.Money    `json:"credited"`
				Currency paywall.Currency `json:"currency"`
				Balance  paywall.Money    `json:"balance"`
			}{topUp.Credited, topUp.Credited.Currency, topUp.Balance})
		case offer == nil:
			x.redirect(Prefix + "wallet?notice=credited")
			return nil
		case expired:
			// The article makes a new offer, which the wallet can pay now.
			x.redirect(x.about.back)
			return nil
		}
		return completePurchase(ctx, x, l, who, offer, x.fields["offer"])
	})(x)
}

// takeWantedOffer is takeOffer of one that a person's form may carry.
func takeWantedOffer(x *exchange) (offer *paywall.Offer, expired bool, err error) {
	if x.json || x.fields["offer"] == "" {
		return nil, false, nil
	}
	offer, err = x.takeOffer(x.fields["offer"])
	if offer != nil {
		return offer, err != nil, nil
	}
	return nil, false, err
}

// payIn redeems the code.
func payIn(ctx context.Context, x *exchange, ledger Ledger) (who identity, t paywall.TopUp, err error) {
	if x.json {
		if who, err = x.identify(ctx, ledger); err != nil {
			return who, t, err
		}
	}
	err = x.attempt(func() error {
		code, ok := paywall.HashCode(x.fields["code"])
		if !ok {
			return paywall.ErrBadVoucher
		}
		if !x.json {
			if who, err = payee(ctx, x, ledger, code); err != nil {
				return err
			}
		}
		t, err = ledger.Redeem(ctx, who.wallet.ID, code)
		return err
	})
	return who, t, err
}

// payee is ensureWallet, but a person who has no wallet gets one only for a good code,
// and then however many were opened at the address.
func payee(ctx context.Context, x *exchange, ledger Ledger, code paywall.Hash) (identity, error) {
	err := x.returning(ctx, ledger)
	none := errors.Is(err, paywall.ErrNoWallet)
	if none {
		if _, err := ledger.Voucher(ctx, code); err != nil {
			return identity{}, err
		}
	}
	return x.ensureWallet(ctx, ledger, none)
}

// wrongVoucher shows the form again, with the article kept.
func wrongVoucher(ctx context.Context, x *exchange, ledger Ledger, who identity, offer *paywall.Offer, cause error) error {
	alert := "voucher.wrong"
	switch e, _ := errors.AsType[*paywall.Error](cause); e {
	case paywall.ErrVoucherUsed:
		alert = "voucher.used"
	case paywall.ErrVoucherExpired:
		alert = "voucher.expired"
	case paywall.ErrVoucherRevoked:
		alert = "voucher.revoked"
	}
	if !who.known() { // the code could not be one
		var err error
		if who, err = x.visitor(ctx, ledger); err != nil {
			return err
		}
	}
	if offer == nil {
		return topUpPage(x, http.StatusUnprocessableEntity, who, wanted{}, alert)
	}
	quote, err := quoted(ctx, ledger, who, offer)
	if err != nil {
		return err
	}
	if quote.Owned { // bought in another tab
		return topUpPage(x, http.StatusUnprocessableEntity, who, wanted{}, alert)
	}
	return purchasePage(x, http.StatusUnprocessableEntity, purchase{
		offer: offer, raw: x.fields["offer"], who: who, quote: quote, alert: alert,
	})
}
