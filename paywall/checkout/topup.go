package checkout

import (
	"context"
	"errors"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// redeemer takes vouchers.
type redeemer interface {
	Voucher(ctx context.Context, code paywall.Hash) (paywall.Money, error)
	Redeem(ctx context.Context, wallet string, code paywall.Hash) (paywall.TopUp, error)
}

// showTopUp is the page with the ways to put money in.
func (x *exchange) showTopUp() error {
	ctx := x.r.Context()
	ledger, err := x.ledger(ctx)
	if err != nil {
		return err
	}
	who, known, err := x.visitor(ctx, ledger)
	if err != nil {
		return err
	}
	if !x.json {
		if err := x.lookedAgain(); err != nil {
			return err
		}
		return x.topUpPage(http.StatusOK, who, known, "")
	}
	if !known {
		return paywall.ErrNoWallet
	}
	ways := []string{}
	if x.c.o.Vouchers {
		ways = append(ways, "voucher")
	}
	return x.answer(http.StatusOK, struct {
		Balance  paywall.Money    `json:"balance"`
		Currency paywall.Currency `json:"currency"`
		Ways     []string         `json:"ways"`
	}{who.wallet.Balance, who.wallet.Balance.Currency, ways})
}

// redeem pays a voucher into the reader's wallet. With an offer in the form,
// the reader came for an article, and lands in it.
func (x *exchange) redeem() error {
	if !x.c.o.Vouchers {
		return paywall.Errorf(paywall.CodeNotFound, "vouchers are not accepted here")
	}
	offer, expired, err := x.wantedOffer()
	if err != nil {
		return err
	}
	ctx, cancel := x.commit()
	defer cancel()
	ledger, err := x.ledger(ctx)
	if err != nil {
		return err
	}
	who, topUp, err := x.payIn(ctx, ledger)
	switch {
	case errors.Is(err, paywall.ErrBadVoucher) && !x.json:
		return x.wrongVoucher(ctx, ledger, who, offer, err)
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
		x.redirect(x.back)
		return nil
	}
	return x.settle(ctx, ledger, who, offer, x.fields["offer"])
}

// wantedOffer reads the offer that a person's form may carry.
func (x *exchange) wantedOffer() (offer *paywall.Offer, expired bool, err error) {
	if x.json || x.fields["offer"] == "" {
		return nil, false, nil
	}
	offer, err = x.readOffer(x.fields["offer"])
	if offer != nil {
		return offer, err != nil, nil
	}
	return nil, false, err
}

// payIn redeems the code.
func (x *exchange) payIn(ctx context.Context, ledger Ledger) (who identity, t paywall.TopUp, err error) {
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
			if who, err = x.payee(ctx, ledger, code); err != nil {
				return err
			}
		}
		t, err = ledger.Redeem(ctx, who.wallet.ID, code)
		return err
	})
	return who, t, err
}

// payee is acting, but a person who has no wallet gets one only for a good code,
// and then however many were opened at the address.
func (x *exchange) payee(ctx context.Context, ledger Ledger, code paywall.Hash) (identity, error) {
	if err := x.returning(ctx, ledger); errors.Is(err, paywall.ErrNoWallet) {
		if _, err := ledger.Voucher(ctx, code); err != nil {
			return identity{}, err
		}
		x.pays = true
	}
	return x.acting(ctx, ledger)
}

// wrongVoucher shows the form again, with the article kept.
func (x *exchange) wrongVoucher(ctx context.Context, ledger Ledger, who identity, offer *paywall.Offer, cause error) error {
	alert := "voucher.wrong"
	switch e, _ := errors.AsType[*paywall.Error](cause); e {
	case paywall.ErrVoucherUsed:
		alert = "voucher.used"
	case paywall.ErrVoucherExpired:
		alert = "voucher.expired"
	}
	known := who.key != "" // not so if the code could not be one
	if !known {
		var err error
		if who, known, err = x.visitor(ctx, ledger); err != nil {
			return err
		}
	}
	if offer == nil {
		return x.topUpPage(http.StatusUnprocessableEntity, who, known, alert)
	}
	quote, err := quoted(ctx, ledger, who, known, offer)
	if err != nil {
		return err
	}
	if quote.Owned { // bought in another tab
		return x.topUpPage(http.StatusUnprocessableEntity, who, known, alert)
	}
	return x.purchasePage(http.StatusUnprocessableEntity, purchase{
		offer: offer, raw: x.fields["offer"], who: who, known: known, quote: quote, alert: alert,
	})
}
