package topups

import (
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/stripe"
)

func init() {
	caddy.RegisterModule(Stripe{})
}

// Stripe takes cards on a page of Stripe's. The account should be for this purpose alone:
// whatever else moves on it stands in suspense.
type Stripe struct {
	// The account's secret key, sk_…, or better a restricted one, rk_…. Write a
	// placeholder such as {env.STRIPE_SECRET_KEY}: what stands here in clear can be read
	// at /config/ of the admin API. Required.
	SecretKey string `json:"secret_key"`

	// What the calls to /.paywall/webhook/stripe are signed with, whsec_…. Two while one
	// is being replaced. Required.
	WebhookSecrets []string `json:"webhook_secrets"`

	// What readers choose from, in the currency of the app, smallest first. The smallest
	// is at least 3.00 (300 in currencies without a smaller unit), since small payments
	// are how stolen cards are tried out. Required.
	Amounts []string `json:"amounts"`

	// Another address of Stripe's API, https or on this machine, such as that of a
	// pretend bank. On this machine, amounts may be as small as you like. Default: Stripe's.
	Endpoint string `json:"endpoint,omitempty"`

	// Where the payment page is, if the account has a domain of its own for it. Default:
	// https://checkout.stripe.com, or the endpoint.
	PageOrigin string `json:"page_origin,omitempty"`

	// Where the option stands ("Caddyfile:12"), for messages. The Caddyfile adapter fills
	// it in.
	Source string `json:"source,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Stripe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: Namespace + ".stripe", New: func() caddy.Module { return new(Stripe) }}
}

// UnmarshalCaddyfile sets up the way from Caddyfile tokens. Syntax:
//
//	topup stripe {
//		secret_key <key>
//		webhook_secret <secrets...>
//		amounts <amounts...>
//		endpoint <url>
//		page_origin <origin>
//	}
//
// The first three are required. Two webhook secrets stand there while one is replaced.
// Without endpoint and page_origin: Stripe's own.
func (s *Stripe) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	s.Source = words.Source(d)
	return lines(d, "stripe",
		map[string]*string{"secret_key": &s.SecretKey, "endpoint": &s.Endpoint, "page_origin": &s.PageOrigin},
		map[string]*[]string{"webhook_secret": &s.WebhookSecrets, "amounts": &s.Amounts},
		[]string{
			"secret_key {env.STRIPE_SECRET_KEY}", "webhook_secret {env.STRIPE_WEBHOOK_SECRET}", "amounts 5 10 20",
			"endpoint http://localhost:8404", "page_origin https://pay.news.example",
		})
}

// Offer implements [Guest].
func (s *Stripe) Offer(currency paywall.Currency, logger *slog.Logger) (topup.Offered, error) {
	offered, err := s.offer(currency, logger)
	if err != nil {
		return offered, words.AtSource(s.Source, err)
	}
	return offered, nil
}

func (s *Stripe) offer(currency paywall.Currency, logger *slog.Logger) (offered topup.Offered, err error) {
	config := stripe.Config{WebhookSecrets: make([]string, len(s.WebhookSecrets)), Currency: currency, Logger: logger}
	type setting struct {
		word, text string
		into       *string
	}
	settings := []setting{{"secret_key", s.SecretKey, &config.SecretKey}, {"endpoint", s.Endpoint, &config.Endpoint}, {"page_origin", s.PageOrigin, &config.PageOrigin}}
	for i, secret := range s.WebhookSecrets {
		settings = append(settings, setting{"webhook_secret", secret, &config.WebhookSecrets[i]})
	}
	for _, setting := range settings {
		if *setting.into, err = resolved(setting.word, setting.text); err != nil {
			return offered, fmt.Errorf("stripe: %w", err)
		}
	}
	way, err := stripe.New(config)
	if err != nil {
		return offered, err
	}
	amounts, err := parseAmounts(s.Amounts, currency)
	if err != nil {
		return offered, fmt.Errorf("stripe: %w", err)
	}
	for _, amount := range amounts {
		if err := way.CheckAmount(amount); err != nil {
			return offered, fmt.Errorf("stripe: amounts: %w", err)
		}
	}
	if least := leastByCard(currency); amounts[0].Micros < least.Micros && !way.Local() {
		return offered, fmt.Errorf("stripe: amounts: %s is so little that stolen cards would be tried out with it; begin with at least %s", amounts[0], least)
	}
	return topup.Offered{Way: way, Amounts: amounts}, nil
}

// leastByCard is the smallest amount that cards are taken for.
func leastByCard(currency paywall.Currency) paywall.Money {
	least := paywall.Money{Micros: 3_000_000, Currency: currency}
	if currency.Decimals() == 0 {
		least.Micros *= 100
	}
	return least
}

// Interface guards
var (
	_ Guest                 = (*Stripe)(nil)
	_ caddyfile.Unmarshaler = (*Stripe)(nil)
)
