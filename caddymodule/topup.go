package caddymodule

import (
	"fmt"
	"math"

	"github.com/tuppence/tuppence/paywall"
)

// TopUp switches the ways of putting money in.
type TopUp struct {
	// Voucher codes, made by the admin API or by the voucher command.
	Voucher *struct{} `json:"voucher,omitempty"`
}

// vouchers reports whether voucher codes are accepted.
func (a *App) vouchers() bool { return a.TopUp == nil || a.TopUp.Voucher != nil }

func parseWelcome(s string, c paywall.Currency) (paywall.Money, error) {
	if s == "" {
		return paywall.Money{Currency: c}, nil
	}
	amount, err := resolve(s)
	if err != nil {
		return paywall.Money{}, fmt.Errorf("welcome: %w", err)
	}
	m, err := paywall.ParsePrice(amount, c)
	if err != nil {
		return m, fmt.Errorf("welcome: %w", err)
	}
	return m, nil
}

// checkWelcome checks what a config in JSON may say beside the amount.
func checkWelcome(limit int, shares bool, welcome string) error {
	switch {
	case limit < 0 || limit > math.MaxInt32:
		return fmt.Errorf("a limit of %d welcome credits cannot be kept; write a whole number above zero, or leave it out", limit)
	case welcome == "" && (limit > 0 || shares):
		return fmt.Errorf("there is no welcome credit to limit or to share; write: welcome 0.60")
	}
	return nil
}
