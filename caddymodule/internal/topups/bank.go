package topups

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
)

func init() {
	caddy.RegisterModule(Bank{})
}

// Bank takes bank transfers. What came is read from the bank's statements (camt.052, .053
// and .054).
type Bank struct {
	// Who owns the account, as registered at the bank. At most 70 characters. Required.
	Name string `json:"name"`

	// The account's number. Required.
	IBAN string `json:"iban"`

	// The bank's code, which banks outside of the European Economic Area need. Default: none.
	BIC string `json:"bic,omitempty"`

	// What readers choose from, in the currency of the app, smallest first. Required.
	Amounts []string `json:"amounts"`

	// Folder that a program of the bank puts statements into. Files *.xml are read as soon
	// as they did not change for five seconds, and moved into folders inside of it: "done",
	// "check" (some transfers need a person) or "refused". Default: none; statements are
	// imported by the command paywall bank import.
	Statements string `json:"statements,omitempty"`

	// Where the option stands ("Caddyfile:12"), for messages. The Caddyfile adapter fills
	// it in.
	Source string `json:"source,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Bank) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: Namespace + ".bank", New: func() caddy.Module { return new(Bank) }}
}

// UnmarshalCaddyfile sets up the way from Caddyfile tokens. Syntax:
//
//	topup bank {
//		name <text>
//		iban <number>
//		bic <code>
//		amounts <amounts...>
//		statements <folder>
//	}
//
// Required are name, iban and amounts. Without statements, they are imported by hand.
func (b *Bank) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	b.Source = words.Source(d)
	return lines(d, "bank",
		map[string]*string{"name": &b.Name, "iban": &b.IBAN, "bic": &b.BIC, "statements": &b.Statements},
		map[string]*[]string{"amounts": &b.Amounts},
		[]string{
			`name "The Ferry Press Ltd"`, "iban DE02120300000000202051", "bic BYLADEM1001", "amounts 5 10 20",
			"statements /var/lib/tuppence-statements",
		})
}

// Statements is an account whose statements say what came.
type Statements struct {
	*bank.Way
	Folder string // absolute; "": statements are imported by hand
}

// Offer implements [Guest]. The way is a [Statements].
func (b *Bank) Offer(currency paywall.Currency, _ *slog.Logger) (topup.Offered, error) {
	offered, err := b.offer(currency)
	if err != nil {
		return offered, words.AtSource(b.Source, fmt.Errorf("bank: %w", err))
	}
	return offered, nil
}

func (b *Bank) offer(currency paywall.Currency) (offered topup.Offered, err error) {
	config := bank.Config{Currency: currency}
	var folder string
	for _, setting := range []struct {
		word, text string
		into       *string
	}{{"name", b.Name, &config.Name}, {"iban", b.IBAN, &config.IBAN}, {"bic", b.BIC, &config.BIC}, {"statements", b.Statements, &folder}} {
		if *setting.into, err = resolved(setting.word, setting.text); err != nil {
			return offered, err
		}
	}
	switch {
	case config.Name == "":
		return offered, errors.New(`name is missing; write who owns the account, such as: name "The Ferry Press Ltd"`)
	case config.IBAN == "":
		return offered, errors.New("iban is missing; write the account's number, such as: iban DE02120300000000202051")
	}
	way, err := bank.New(config)
	if err != nil {
		return offered, err
	}
	amounts, err := parseAmounts(b.Amounts, currency)
	if err != nil {
		return offered, err
	}
	if folder != "" {
		if folder, err = filepath.Abs(folder); err != nil {
			return offered, fmt.Errorf("statements: %w", err)
		}
	}
	return topup.Offered{Way: &Statements{Way: way, Folder: folder}, Amounts: amounts}, nil
}

// Interface guards
var (
	_ Guest                 = (*Bank)(nil)
	_ caddyfile.Unmarshaler = (*Bank)(nil)
)
