package checkout

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/tuppence/tuppence/paywall"
)

// welcomesOf is how often a site gives its welcome credit to one network of each size:
// as often at once, and as often in a day from then on. It is kept in memory; the
// ledger counts for all together.
func (o *Options) welcomesOf() [sizes]int {
	few := 25 * o.LimitFactor
	return [sizes]int{address: 5 * o.LimitFactor, company: few, provider: max(few, o.WelcomeLimit/8)}
}

// welcomed is a network at a site.
type welcomed struct {
	site string
	from netip.Prefix
}

// welcomesLeft is what is left of the welcomes of the visitor's networks.
func welcomesLeft(x *exchange) (left [sizes]*rate.Limiter) {
	from := networksOf(x.c.o.ClientIP(x.r))
	for size, most := range x.c.o.welcomesOf() {
		of := welcomed{x.c.o.WelcomeSite, from[size]}
		fresh := func() (*rate.Limiter, bool) {
			return bucket{most, 24 * time.Hour / time.Duration(most)}.limiter(1), false
		}
		l, _ := x.c.o.Limits.welcomes[size].ComputeIfAbsent(of, fresh)
		if l.Burst() != most { // another number since a reload
			l, _ = fresh()
			x.c.o.Limits.welcomes[size].Set(of, l)
		}
		left[size] = l
	}
	return left
}

const (
	// defaultWelcomes is how many new wallets a site gives its credit to in a UTC
	// day: at a welcome of 0.60, at most 300 a day of the publisher's own money.
	defaultWelcomes = 500
	// defaultRefunds is how many purchases a wallet can undo in a UTC month. Undoing is
	// for mistakes: whoever undoes all that he has read pays nothing.
	defaultRefunds = 5
)

// welcomeCredit is the credit that a wallet would get that the visitor opened now:
// nothing when their network has been given it often enough, or the site has given
// it to as many as it wants to today.
func welcomeCredit(ctx context.Context, x *exchange, ledger walletKeeper) (paywall.Money, error) {
	nothing := paywall.Money{Currency: x.c.o.Currency}
	if x.c.o.Welcome.IsZero() {
		return nothing, nil
	}
	given, err := ledger.Welcomes(ctx, x.c.o.WelcomeSite)
	switch {
	case err != nil:
		return nothing, err
	case given >= x.c.o.WelcomeLimit:
		x.c.emptyBySite.note(x, "new wallets start empty until midnight UTC: the site has given its welcome credit to as many as the limit of welcome allows in a day", slog.Int("limit", x.c.o.WelcomeLimit))
		return nothing, nil
	}
	for _, l := range welcomesLeft(x) {
		if l.TokensAt(x.now) >= 1 {
			continue
		}
		x.c.emptyByNetwork.note(x, "new wallets of a network start empty: it has been given the welcome credit as often as one may; if they are readers, raise that with the option limits")
		return nothing, nil
	}
	return x.c.o.Welcome, nil
}

// promised is the welcome credit that a page promises to who has no wallet; nothing
// when the ledger does not say.
func promised(x *exchange) paywall.Money {
	ctx := x.r.Context()
	ledger, err := x.ledger(ctx)
	if err != nil {
		return paywall.Money{Currency: x.c.o.Currency}
	}
	credit, err := welcomeCredit(ctx, x, ledger)
	if err != nil {
		x.c.o.Logger.Debug("reading how often the welcome credit was given failed", slog.Any("error", err))
	}
	return credit
}

// openWelcomed opens a wallet, with the welcome credit as long as there is some for the
// visitor's network.
func openWelcomed(ctx context.Context, x *exchange, ledger walletKeeper, keys paywall.KeyHashes) (paywall.Wallet, error) {
	credit, err := welcomeCredit(ctx, x, ledger)
	if err != nil {
		return paywall.Wallet{}, err
	}
	if !credit.IsZero() {
		for _, l := range welcomesLeft(x) {
			if !l.AllowN(x.now, 1) {
				credit.Micros = 0 // another request of the network took the last one
				break
			}
		}
	}
	return ledger.OpenWallet(ctx, keys, paywall.Welcome{Amount: credit, Site: x.c.o.WelcomeSite, Limit: x.c.o.WelcomeLimit})
}

// daily says something once a day.
type daily struct{ last atomic.Int64 }

func (d *daily) note(x *exchange, message string, attrs ...any) {
	today := x.now.Unix() / (24 * 60 * 60)
	if d.last.Swap(today) != today {
		x.c.o.Logger.Warn(message, attrs...)
	}
}
