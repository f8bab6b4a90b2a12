package gate

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// right is what opens a resource for a request: a token that it brought, or a
// purchase of its wallet, for which it gets a fresh token.
type right struct {
	ok     bool
	since  time.Time    // when the token was signed
	cookie *http.Cookie // with the fresh token, nil for one that was brought
}

// right finds the right to a resource, or to one of the alternatives that open it
// as well, which then is the ticket's resource. The error says why a bearer of
// ours does not open it.
func (g *Gate) right(r *http.Request, t *ticket, c *credentials) (right, error) {
	access, refusal := g.opened(r.Context(), t, c)
	switch {
	case access != nil:
		return right{ok: true, since: access.IssuedAt}, nil
	case refusal != nil && !errors.Is(refusal, errOtherScope):
		return right{}, refusal
	case c.otherCount == 0 && c.bearer == nil && c.wallet == "":
		return right{}, nil
	}
	alternatives := g.o.Table.Alternatives(r, t.rule, t.path, t.resource)
	byToken := func() right { return g.otherToken(r.Context(), t, c) }
	if found := t.try(alternatives, byToken); found.ok {
		return found, nil
	}
	if refusal != nil {
		return right{}, refusal
	}
	byWallet := func() right {
		cookie := g.renew(r.Context(), t, c)
		return right{ok: cookie != nil, since: g.o.Now(), cookie: cookie}
	}
	if found := byWallet(); found.ok {
		return found, nil
	}
	return t.try(alternatives, byWallet), nil
}

// otherToken looks among the tokens that do not open what was asked for.
func (g *Gate) otherToken(ctx context.Context, t *ticket, c *credentials) right {
	for _, access := range append(c.others[:c.otherCount:c.otherCount], c.bearer) {
		if access != nil && access.Opens(t.resource) && !g.revoked(ctx, access.ID) {
			return right{ok: true, since: access.IssuedAt}
		}
	}
	return right{}
}

// try asks for the right to each alternative, and leaves the ticket with the first
// that there is.
func (t *ticket) try(alternatives []pricing.Alternative, ask func() right) right {
	own := t.resource
	for _, other := range alternatives {
		t.resource = other.Resource
		if found := ask(); found.ok {
			t.part = other.Part
			return found
		}
	}
	t.resource = own
	return right{}
}
