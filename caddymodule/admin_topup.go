package caddymodule

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
)

const (
	maxAdminBody = 64 << 10
	codesAtOnce  = 1000 // are made before progress is told
)

// checkVouchers refuses an order before any code is made.
func checkVouchers(o *wire.VoucherOrder, currency paywall.Currency) (paywall.Money, error) {
	amount, err := paywall.ParsePrice(o.Amount, currency)
	switch {
	case err != nil:
		return amount, err
	case o.Count < 1 || o.Count > paywall.MaxVouchers:
		return amount, paywall.Errorf(paywall.CodeMalformed, "count %d is not between 1 and %d", o.Count, paywall.MaxVouchers)
	case !o.Expires.IsZero() && !o.Expires.After(time.Now()):
		return amount, paywall.Errorf(paywall.CodeMalformed, "expires %s is in the past", o.Expires.Format(time.RFC3339))
	case len(o.Campaign) > paywall.MaxCampaign:
		return amount, paywall.Errorf(paywall.CodeMalformed, "campaign is longer than %d bytes", paywall.MaxCampaign)
	}
	return amount, nil
}

func adminVouchers(app *App, w http.ResponseWriter, r *http.Request) error {
	order := wire.VoucherOrder{Count: 1}
	if err := readOrder(w, r, &order); err != nil {
		return err
	}
	amount, err := checkVouchers(&order, app.currency)
	if err != nil {
		return err
	}
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	call := newLongCall(w, r)
	codes := make([]string, order.Count)
	vouchers := make([]paywall.Voucher, order.Count)
	for i := range codes {
		codes[i] = paywall.NewVoucherCode()
		hash, _ := paywall.HashCode(codes[i]) // a code of our own making
		vouchers[i] = paywall.Voucher{Code: hash, Amount: amount, ExpiresAt: order.Expires, Campaign: order.Campaign}
		if (i+1)%codesAtOnce == 0 {
			call.progress(i+1, order.Count)
		}
	}
	err = l.AddVouchers(r.Context(), vouchers)
	if paywall.ErrorCode(err) == paywall.CodeTooLarge {
		err = fmt.Errorf("%w; order fewer at once, or choose a shorter campaign", err)
	}
	if err != nil {
		return call.end(0, nil, err)
	}
	app.logger.Info("vouchers made", "count", order.Count, "amount", amount.String(), "campaign", order.Campaign)
	return call.end(http.StatusCreated, wire.Vouchers{Codes: codes, Currency: string(app.currency)}, nil)
}

func adminBatches(app *App, w http.ResponseWriter, r *http.Request) error {
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	batches, err := l.VoucherBatches(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, batches)
}

func adminRevoke(app *App, w http.ResponseWriter, r *http.Request) error {
	var order wire.Revoke
	if err := readOrder(w, r, &order); err != nil {
		return err
	}
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	revoked, err := l.RevokeVouchers(r.Context(), order.Batch)
	if err != nil {
		return err
	}
	app.logger.Info("vouchers revoked", "batch", order.Batch, "revoked", revoked)
	return writeJSON(w, http.StatusOK, wire.Revoked{Revoked: revoked})
}
