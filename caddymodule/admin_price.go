package caddymodule

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/caddymodule/internal/routes"
	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// adminPrice says what the gate would say of a URL.
func adminPrice(app *App, w http.ResponseWriter, r *http.Request) error {
	raw := r.URL.Query().Get("url")
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && (!strings.HasPrefix(u.Path, "/") || len(app.gates) != 1) {
		return paywall.Errorf(paywall.CodeMalformed, "url: write the whole address of a page, such as https://news.example/articles/a")
	}
	if host, err := requests.ASCIIHost(u.Host); err == nil && u.Host != "" {
		u.Host = host
	}
	h := app.gateFor(u)
	if h == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: paywall.Errorf(paywall.CodeNotFound, "no site with a paywall answers to %s", u.Host)}
	}
	answer, err := h.explain(u)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

// gateFor finds the gate of a URL: by host and port, else by host. A URL
// without a host is for the only gate.
func (a *App) gateFor(u *url.URL) *Handler {
	if u.Host == "" && len(a.gates) == 1 {
		return a.gates[0]
	}
	var byHost *Handler
	for _, h := range a.gates {
		if !h.serves(u.Hostname()) {
			continue
		}
		if h.listensOn(u) {
			return h
		}
		byHost = h
	}
	return byHost
}

// serves reports whether the gate's site answers to a host.
func (h *Handler) serves(host string) bool {
	return h.place.Serves(strings.ToLower(host))
}

// listensOn reports whether the gate's server listens on a URL's port. Behind a
// proxy it does not, which is no reason to know nothing about the URL.
func (h *Handler) listensOn(u *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]), 10, 16)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(h.place.Server.Listen, func(listen string) bool {
		address, err := caddy.ParseNetworkAddress(listen)
		return err == nil && uint(port) >= address.StartPort && uint(port) <= address.EndPort
	})
}

// explain decides about a URL as the gate would about a GET from nobody, after
// what the site's own routes make of the request before the gate.
func (h *Handler) explain(u *url.URL) (*wire.Price, error) {
	r, err := routes.RequestByNobody(u, h.place.Server)
	if err != nil {
		return nil, paywall.Errorf(paywall.CodeMalformed, "url: %w", err)
	}
	answer := &wire.Price{URL: u.String()}
	switch {
	case h.Origin != "":
		answer.Site = h.origin(r)
	case u.Host != "":
		answer.Site = requests.FormatOrigin(cmp.Or(u.Scheme, "http"), u.Host)
	}
	reached, answered := routes.Follow(h.place.Server, r)
	if answered != "" {
		answer.Status, answer.Why = "unpriced", answered+" answers before the gate"
		return answer, nil
	}
	if gate, ok := reached.(*Handler); ok {
		h = gate
	} else { // another host, as behind a proxy that changes it
		if r, err = routes.RequestByNobody(u, h.place.Server); err != nil {
			return nil, err
		}
	}
	if target, err := h.canon.Parse(requests.OriginalTarget(r)); err == nil && target.Reserved() {
		answer.Status, answer.Why = "reserved", "everything under /.paywall/ is the gate's own: where readers buy, and their wallets"
		return answer, nil
	}
	g := h.gate.Load()
	if g == nil {
		return nil, paywall.ErrUnavailable
	}
	decision, err := g.Explain(r)
	switch {
	case paywall.ErrorCode(err) == paywall.CodeMisconfigured:
		decision.Status = pricing.Misconfigured
	case err != nil:
		answer.Status, answer.Why = "refused", paywall.ErrorMessage(err)
		return answer, nil
	}
	describe(answer, decision)
	return answer, nil
}

// describe writes what was decided into the answer.
func describe(p *wire.Price, d pricing.Decision) {
	switch d.Status {
	case pricing.Unpriced:
		p.Status, p.Why = "unpriced", "the directive's matcher leaves it out, so it is passed on"
		return
	case pricing.Misconfigured:
		p.Status, p.Why = "misconfigured", "the directive's matcher includes it but no rule does, so it is refused; add a price or a free line"
		return
	}
	p.Resource, p.Rule = d.Resource, d.Rule.Source
	if d.Status == pricing.Free {
		p.Status, p.Why = "free", "a free line is the first rule that matches"
		return
	}
	p.Status, p.Why = "priced", "the first rule that matches"
	p.Price, p.Currency = d.Rule.Price.String(), string(d.Rule.Price.Currency)
	p.Access = "for ever"
	if d.Rule.Access > 0 {
		p.Access = d.Rule.Access.Round(time.Second).String()
	}
	for _, s := range d.Rule.Shares {
		p.Shares = append(p.Shares, wire.Share{Creator: s.Creator, Percent: s.Percent()})
	}
}
