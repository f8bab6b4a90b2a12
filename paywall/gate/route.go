package gate

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
)

// reservedPrefix is the checkout's, on every site and whatever is priced there.
const reservedPrefix = "/.paywall"

// ticket is what was decided about one request.
type ticket struct {
	origin    string
	tls       bool
	raw       string // the request target as it was sent
	status    pricing.Status
	rule      *pricing.Rule
	resource  string
	path      string         // that the rule was found for
	part      bool           // it opens by the right to the page that it is a part of
	asked     *target.Target // what the client asked for, and comes back to
	canonical bool           // it may be sold as it was spelled
	crawler   bool           // a search engine reads it, unpaid
	include   string         // the resource of the page that this goes into, see Gate.includedIn
}

// decide finds the rule for a request; target is what the client sent, parsed.
// The error is for the client.
func (g *Gate) decide(r *http.Request, target *target.Target, t *ticket) error {
	d, err := g.o.Table.Decide(r, target)
	if err != nil {
		noteSpelling(g, r, target.Path, paywall.ErrorMessage(err))
		return err
	}
	if r.RequestURI == t.raw {
		t.asked, t.canonical = target, target.Canonical
		return g.issue(r, d, target, t)
	}
	return g.decideRewritten(r, d, target, t)
}

// noteSpelling says why an address behind the paywall was refused. Its query is not
// told: that is the client's.
func noteSpelling(g *Gate, r *http.Request, path, reason string) {
	g.o.Logger.LogAttrs(r.Context(), slog.LevelDebug, "refused an address behind the paywall for how it is spelled",
		slog.String("site", g.o.Origin(r)), slog.String("resource", path), slog.String("reason", reason))
}

// decideRewritten is for a request that the server rewrote before the gate:
// the site gets another target than the client sent, and what either of them
// costs must be paid (STYLE P16; stripped prefixes were bypasses elsewhere): the
// dearer of two, and of two that cost the same the one that the client asked for.
func (g *Gate) decideRewritten(r *http.Request, d pricing.Decision, target *target.Target, t *ticket) error {
	current, err := g.o.Canonicalizer.Parse(r.RequestURI)
	if err != nil {
		return err
	}
	if current.Reserved() {
		return paywall.Errorf(paywall.CodeNotFound, "there is nothing here")
	}
	now, err := g.o.Table.Decide(r, &current)
	if err != nil {
		noteSpelling(g, r, current.Path, paywall.ErrorMessage(err))
		return err
	}
	if now.Status == pricing.Priced && !current.Canonical {
		writeTarget(r, &current)
	}
	switch {
	case d.Status == pricing.Priced && now.Status == pricing.Priced && now.Rule.Price.Micros > d.Rule.Price.Micros && !forAll(&now, &current):
		t.asked, t.canonical = target, true
		return g.issue(r, now, &current, t)
	case d.Status == pricing.Misconfigured && gatedStatus(now.Status):
		return g.issue(r, d, target, t)
	case now.Status == pricing.Misconfigured && gatedStatus(d.Status):
		return g.issue(r, now, &current, t)
	case gatedStatus(now.Status) && !gatedStatus(d.Status):
		// How the reader spelled it is of no account: what is sold follows from
		// where the server led him.
		t.asked, t.canonical = target, true
		return g.issue(r, now, &current, t)
	case d.Status == pricing.Unpriced:
		t.asked = target
		return g.issue(r, now, &current, t)
	}
	t.asked, t.canonical = target, target.Canonical
	return g.issue(r, d, target, t)
}

// forAll reports whether a target is the one page or script at the root that all
// others are rewritten to, and no rule names it: it is not what is sold, although
// the rule for all the rest has a price for it.
func forAll(d *pricing.Decision, target *target.Target) bool {
	return d.Rule.Match == nil && (target.Resource == "/index.php" || target.Resource == "/index.html")
}

// Explain says what the gate decides about a request that nobody paid for. The
// error is what it would be refused with.
func (g *Gate) Explain(r *http.Request) (pricing.Decision, error) {
	t := ticket{origin: g.o.Origin(r), raw: g.o.Original(r)}
	target, err := g.o.Canonicalizer.Parse(t.raw)
	if err != nil || target.Reserved() {
		return pricing.Decision{}, err
	}
	if err := g.decide(r, &target, &t); err != nil {
		return pricing.Decision{}, err
	}
	return pricing.Decision{Status: t.status, Rule: t.rule, Resource: t.resource}, nil
}

// gatedStatus: what no rule prices inside the directive's matcher is as shut as
// what is priced.
func gatedStatus(s pricing.Status) bool { return s == pricing.Priced || s == pricing.Misconfigured }

// issue fills the ticket from the decision that counts; target is the one it was made about.
func (g *Gate) issue(r *http.Request, d pricing.Decision, target *target.Target, t *ticket) error {
	if d.Status == pricing.Misconfigured {
		g.o.Logger.LogAttrs(r.Context(), slog.LevelWarn,
			"refused a path that is behind the paywall and has no rule; write a price for it, or free",
			slog.String("site", t.origin), slog.String("resource", target.Resource))
		return paywall.Errorf(paywall.CodeMisconfigured, "this page is not set up for sale correctly")
	}
	t.status, t.rule, t.resource, t.path = d.Status, d.Rule, d.Resource, target.Path
	if t.resource == "" {
		t.resource = target.Resource
	}
	return nil
}

// writeTarget makes the site read what was checked. The client cannot be sent
// to another spelling of a target that the server made.
func writeTarget(r *http.Request, target *target.Target) {
	r.URL.Path, r.URL.RawPath = target.Path, paywall.EscapePath(target.Path)
	r.RequestURI = target.Location()
}

// serveReserved answers for "/.paywall/" in every spelling: nothing of it ever
// reaches the site.
func (g *Gate) serveReserved(w http.ResponseWriter, r *http.Request, raw string, target *target.Target) {
	ours := target.Path == reservedPrefix || strings.HasPrefix(target.Path, reservedPrefix+"/")
	switch {
	case !ours || target.Ambiguous:
		_ = g.refuse(w, r, paywall.CodeNotFound, "there is nothing here")
	case prefetching(r) && !strings.HasPrefix(target.Path, reservedPrefix+"/static/"):
		// It would be shown later, with a balance and an offer of now.
		_ = g.refuse(w, r, paywall.CodeUnavailable, "our pages are not fetched ahead")
	case !target.Canonical:
		_ = g.redirect(w, r, target.Location())
	default:
		keepAlive(w, r)
		g.o.Checkout.ServeHTTP(g.checkoutWriter(w), unrewritten(r, raw, target))
	}
}

// unrewritten is the request as the client sent it: a site whose server
// rewrites every path to its front page has a checkout all the same.
func unrewritten(r *http.Request, raw string, target *target.Target) *http.Request {
	if r.RequestURI == raw && r.URL.Path == target.Path {
		return r
	}
	url := *r.URL
	url.Path, url.RawPath = target.Path, ""
	_, url.RawQuery, _ = strings.Cut(raw, "?")
	original := *r
	original.URL, original.RequestURI = &url, raw
	return &original
}
