package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// Why a bearer of ours does not open a resource.
var (
	errInvalidToken = errors.New("the access token is not valid (any more)")
	errOtherScope   = errors.New("the access token is for another resource")
)

// opened answers the token that opens the resource, nil if there is none, and
// keeps the good ones that open others. The error says why a bearer does not; a bad cookie is only a cookie, and opens nothing.
func (g *Gate) opened(ctx context.Context, t *ticket, c *credentials) (*token.Access, error) {
	for _, raw := range c.access[:c.count] {
		access, err := g.o.Verifier.Access(raw, t.origin, t.origin)
		switch {
		case err != nil:
			noteClock(g, ctx, err)
		case !access.Opens(t.resource):
			c.others[c.otherCount] = access
			c.otherCount++
		case !g.revoked(ctx, access.ID):
			return access, nil
		}
	}
	switch {
	case c.bearerErr != nil:
		noteClock(g, ctx, c.bearerErr)
		return nil, errInvalidToken
	case c.bearer == nil:
		return nil, nil
	case g.revoked(ctx, c.bearer.ID):
		return nil, errInvalidToken
	case !c.bearer.Opens(t.resource):
		return nil, errOtherScope
	}
	return c.bearer, nil
}

// noteClock tells the operator that readers who paid are shut out because of a
// clock. Nothing else would say so.
func noteClock(g *Gate, ctx context.Context, err error) {
	if !errors.Is(err, token.ErrNotYet) || !g.clockNoted.due(g.o.Now()) {
		return
	}
	g.o.Logger.LogAttrs(ctx, slog.LevelWarn,
		"an access token of ours is from the future; set the clocks of the hosts that sell and that serve, both by NTP")
}

// oncePerMinute is for what every request might log: it is due once a minute.
type oncePerMinute struct{ last atomic.Int64 } // Unix seconds

func (s *oncePerMinute) due(at time.Time) bool {
	now := at.Unix()
	last := s.last.Load()
	return (now < last || now >= last+60) && s.last.CompareAndSwap(last, now)
}

// revoked reports whether an unlock was undone. While the store is away its
// readers read on: what they bought is worth more than the last refund.
func (g *Gate) revoked(ctx context.Context, unlock string) bool {
	ledger, err := g.o.Ledger(ctx)
	return err == nil && ledger.Revoked(unlock)
}

// renew makes a fresh access cookie when the wallet owns the resource: the
// ledger owns the right, the token only caches it. Nil if it does not, or if
// that cannot be known now.
func (g *Gate) renew(ctx context.Context, t *ticket, c *credentials) *http.Cookie {
	if c.wallet == "" || c.twins {
		return nil
	}
	key, ok := paywall.WalletKey(c.wallet).Hash()
	if !ok {
		return nil
	}
	unlock, err := g.owned(ctx, key, t)
	now := g.o.Now()
	if err != nil || !unlock.Live(now) {
		return nil
	}
	expires := now.Add(paywall.AccessTTL)
	if !unlock.ExpiresAt.IsZero() && unlock.ExpiresAt.Before(expires) {
		expires = unlock.ExpiresAt
	}
	expires = expires.Truncate(time.Second) // a token counts in seconds
	raw, err := g.o.Ring.SignAccess(&token.Access{
		ID: unlock.ID, Issuer: t.origin, Audience: t.origin, Resource: t.resource,
		IssuedAt: now, NotBefore: now, ExpiresAt: expires,
	})
	if err != nil {
		g.o.Logger.LogAttrs(ctx, slog.LevelError, "signing an access token failed", slog.Any("error", err))
		return nil
	}
	return paywall.NewAccessCookie(t.tls, t.resource, t.asked.Location(), raw, expires)
}

func (g *Gate) owned(ctx context.Context, key paywall.Hash, t *ticket) (paywall.Unlock, error) {
	ledger, err := g.o.Ledger(ctx)
	if err != nil {
		return paywall.Unlock{}, err
	}
	unlock, err := ledger.Owned(ctx, key, t.origin, t.resource)
	if err != nil && !errors.Is(err, paywall.ErrNotFound) && !errors.Is(err, paywall.ErrNoWallet) && ctx.Err() == nil {
		g.o.Logger.LogAttrs(ctx, slog.LevelWarn, "asking the ledger failed; the reader is shown an offer", slog.Any("error", err))
	}
	return unlock, err
}
