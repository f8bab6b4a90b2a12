// Package topups has the guest modules of the namespace paywall.topups: ways in which
// readers put money into their wallets, as a config names them.
package topups

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// Namespace holds the guest modules.
const Namespace = "paywall.topups"

// Guest is a way as the config has it.
type Guest interface {
	caddy.Module
	// Offer checks the settings and makes the way of a ledger in that currency. It opens
	// nothing and asks nobody. [ErrUnresolved]: a placeholder of a setting has no value.
	// What is offered may be a [Statements], too.
	Offer(currency paywall.Currency, logger *slog.Logger) (topup.Offered, error)
}

// ErrUnresolved is about a placeholder that has no value here. The machine that adapts a
// Caddyfile may lack what the one that serves it has.
var ErrUnresolved = errors.New("write it into the environment or the file that the server is started with")

// Names are the ways that there are, for whoever misspells one.
func Names() (names []string) {
	for _, info := range caddy.GetModules(Namespace) {
		names = append(names, info.ID.Name())
	}
	return names
}

// resolved is the value of a setting; a placeholder in it without one is an error.
func resolved(word, text string) (string, error) {
	value, err := words.Resolve(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w; %w", word, err, ErrUnresolved)
	}
	return strings.TrimSpace(value), nil
}

// maxAmounts is how many buttons a page has room for.
const maxAmounts = 6

// parseAmounts reads what readers choose from.
func parseAmounts(texts []string, currency paywall.Currency) ([]paywall.Money, error) {
	switch {
	case len(texts) == 0:
		return nil, errors.New("there are no amounts to choose from; write: amounts 5 10 20")
	case len(texts) > maxAmounts:
		return nil, fmt.Errorf("%d amounts are more than a page has room for; write at most %d", len(texts), maxAmounts)
	}
	amounts := make([]paywall.Money, len(texts))
	for i, text := range texts {
		value, err := resolved("amounts", text)
		if err != nil {
			return nil, err
		}
		if amounts[i], err = paywall.ParsePrice(value, currency); err != nil {
			return nil, fmt.Errorf("amounts: %w", err)
		}
		if i > 0 && amounts[i].Micros <= amounts[i-1].Micros {
			return nil, fmt.Errorf("amounts: %s comes after %s; write the smallest first, and each once", amounts[i], amounts[i-1])
		}
	}
	return amounts, nil
}

// lines reads the block of a way. Each line has one value, but for those in many.
func lines(d *caddyfile.Dispenser, way string, into map[string]*string, many map[string]*[]string, examples []string) error {
	if d.NextArg() {
		return d.Errf("topup %s takes a block; write each setting on a line of its own: %s", way, examples[0])
	}
	known := make([]string, len(examples))
	example := make(map[string]string, len(examples))
	for i, text := range examples {
		known[i], _, _ = strings.Cut(text, " ")
		example[known[i]] = text
	}
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if example[word] == "" {
			return d.Errf("%s", words.Unknown("option of topup "+way, word, known))
		}
		if seen[word] {
			return d.Errf("%s is given twice", word)
		}
		seen[word] = true
		args := d.RemainingArgs()
		switch {
		case len(args) == 0 || len(args) > 1 && many[word] == nil:
			return d.Errf("write %s with its value, such as: %s", word, example[word])
		case many[word] != nil:
			*many[word] = args
		default:
			*into[word] = args[0]
		}
		if nesting := d.Nesting(); d.NextBlock(nesting) {
			return d.Errf("%s takes no block", word)
		}
	}
	return nil
}
