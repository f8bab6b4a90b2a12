package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
)

const maxAdminBody = 64 << 10

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
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&order); err != nil {
		return paywall.Errorf(paywall.CodeMalformed, "reading the order: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return paywall.Errorf(paywall.CodeMalformed, "the order is followed by something else")
	}
	amount, err := checkVouchers(&order, app.currency)
	if err != nil {
		return err
	}
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	codes := make([]string, order.Count)
	vouchers := make([]paywall.Voucher, order.Count)
	for i := range codes {
		codes[i] = paywall.NewVoucherCode()
		hash, _ := paywall.HashCode(codes[i]) // a code of our own making
		vouchers[i] = paywall.Voucher{Code: hash, Amount: amount, ExpiresAt: order.Expires, Campaign: order.Campaign}
	}
	err = l.AddVouchers(r.Context(), vouchers)
	if paywall.ErrorCode(err) == paywall.CodeTooLarge {
		return fmt.Errorf("%w; order fewer at once, or choose a shorter campaign", err)
	}
	if err != nil {
		return err
	}
	app.logger.Info("vouchers made", "count", order.Count, "amount", amount.String(), "campaign", order.Campaign)
	return writeJSON(w, http.StatusCreated, wire.Vouchers{Codes: codes})
}
