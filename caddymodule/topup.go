package caddymodule

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/caddymodule/internal/topups"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
)

// TopUp is how readers put money into their wallets. Voucher codes, made by the admin API
// or by the voucher command, are always taken.
type TopUp struct {
	// What is said of vouchers.
	Voucher *Voucher `json:"voucher,omitempty"`

	// The other ways, in the order in which they are offered.
	WaysRaw []json.RawMessage `json:"ways,omitempty" caddy:"namespace=paywall.topups inline_key=way"`
}

// Voucher is what readers are told about vouchers.
type Voucher struct {
	// Where people get a voucher: an address, "https://shop.example/vouchers", or a path of
	// the site. Default: none.
	Buy string `json:"buy,omitempty"`

	// Where the option stands ("Caddyfile:12"), for messages. The Caddyfile adapter fills
	// it in.
	Source string `json:"source,omitempty"`
}

// url is the address where people get a voucher, "" if none is known.
func (v *Voucher) url() (string, error) {
	if v == nil || v.Buy == "" {
		return "", nil
	}
	address, err := words.Resolve(v.Buy)
	if err != nil {
		return "", fmt.Errorf("buy: %w", err)
	}
	return address, checkout.CheckBuyVoucher(address)
}

// provisionTopUps checks the ways and makes them.
func (a *App) provisionTopUps(ctx caddy.Context) (err error) {
	if a.TopUp == nil {
		return nil
	}
	if a.buyVoucher, err = a.TopUp.Voucher.url(); err != nil {
		return words.AtSource(a.TopUp.Voucher.Source, err)
	}
	if len(a.TopUp.WaysRaw) == 0 {
		return nil
	}
	loaded, err := ctx.LoadModule(a.TopUp, "WaysRaw")
	if err != nil {
		return fmt.Errorf("loading the ways of topup: %w", err)
	}
	for _, module := range loaded.([]any) {
		guest, ok := module.(topups.Guest)
		if !ok {
			return fmt.Errorf("a way of topup is a %T, which makes no way", module)
		}
		way, err := guest.Offer(a.currency, a.logger)
		if err != nil {
			return err
		}
		a.ways = append(a.ways, way)
	}
	return nil
}

func parseWelcome(s string, c paywall.Currency) (paywall.Money, error) {
	if s == "" {
		return paywall.Money{Currency: c}, nil
	}
	amount, err := words.Resolve(s)
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
