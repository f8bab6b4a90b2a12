package gate

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// credentials are what a request brought of ours. They are for this request's
// decision; the site never sees them.
type credentials struct {
	access    [paywall.MaxCookieCandidates]string
	count     int
	wallet    string
	language  string        // cookie of the language chosen at the checkout, for offers in pages
	twins     bool          // two different wallets: whose this is cannot be known (session fixation)
	bearer    *token.Access // ours and good
	bearerErr error         // ours and bad
	several   bool          // more than one Authorization

	others     [paywall.MaxCookieCandidates]*token.Access // good, and for other resources than the one asked for
	otherCount int
}

// takeCredentials reads our cookies and our bearer and takes them out of the request.
func (g *Gate) takeCredentials(r *http.Request, origin string, tls bool) credentials {
	var c credentials
	if lines := r.Header["Cookie"]; len(lines) > 0 {
		c.takeCookies(r.Header, lines, paywall.WalletCookie.On(tls), paywall.LanguageCookie.On(tls))
	}
	if values := r.Header["Authorization"]; len(values) > 0 {
		g.takeBearer(r.Context(), &c, r.Header, values, origin)
	}
	return c
}

// takeCookies keeps the candidates and leaves the header without any cookie of
// our names. All candidates count, not the first: a sibling subdomain can put
// one before ours (RFC 6265, 8.6).
func (c *credentials) takeCookies(h http.Header, lines []string, wallet, language string) {
	kept := lines[:0]
	for _, line := range lines {
		if strings.Contains(line, "paywall_") {
			line = c.takeLine(line, wallet, language)
		}
		if line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// takeLine answers what is left of one Cookie line. Mostly that is one piece of
// it, or nothing, and nothing is copied.
func (c *credentials) takeLine(line, wallet, language string) string {
	var before []byte   // the pieces that came earlier
	begin, end := -1, 0 // of the latest piece that stays
	for at := 0; at <= len(line); {
		pair, _, _ := strings.Cut(line[at:], ";")
		next := at + len(pair)
		switch {
		case c.takePair(pair, wallet, language):
		case begin >= 0 && end+1 == at:
			end = next
		default:
			if begin >= 0 {
				before = append(append(before, line[begin:end]...), ';')
			}
			begin, end = at, next
		}
		at = next + 1
	}
	if begin < 0 {
		return ""
	}
	left := line[begin:end]
	if before != nil {
		left = string(append(before, left...))
	}
	return strings.TrimLeft(left, " \t;")
}

// takePair reports whether a cookie has one of our names, and keeps what counts.
func (c *credentials) takePair(pair, wallet, language string) bool {
	name, value, _ := strings.Cut(strings.Trim(pair, " \t\r\n"), "=") // as net/http does
	name = strings.TrimRight(name, " \t\r\n")
	switch {
	case paywall.AccessCookie.Is(name):
		c.addAccess(value)
	case paywall.LanguageCookie.Is(name):
		if name == language && c.language == "" {
			c.language = value
		}
	case paywall.WalletCookie.Is(name):
		if name == wallet {
			c.addWallet(value)
		}
	default:
		return paywall.TestCookie.Is(name) || paywall.CSRFCookie.Is(name) || paywall.ConsentCookie.Is(name) // only the checkout asks for them
	}
	return true
}

// addWallet keeps the one wallet that there is, as the checkout does: were they
// to differ about whose a request is, each would send the reader to the other.
// What has not the shape of a key is nobody's wallet.
func (c *credentials) addWallet(value string) {
	if c.twins || value == c.wallet {
		return
	}
	if c.wallet != "" {
		if _, ok := paywall.WalletKey(value).Hash(); !ok {
			return
		}
		_, c.twins = paywall.WalletKey(c.wallet).Hash()
	}
	c.wallet = value
}

// addAccess keeps a candidate. What has not the shape of a token costs nobody a
// place. When there are more than places, the last one sent takes the last: those
// who toss cookies come before ours or after it, and it is found either way.
func (c *credentials) addAccess(value string) {
	if len(value) > token.MaxLength || strings.Count(value, ".") != 2 {
		return
	}
	if c.count < len(c.access) {
		c.count++
	}
	c.access[c.count-1] = value
}

// takeBearer looks for our access token in Authorization. One that is somebody
// else's is left for the site and opens nothing. A wallet's key opens nothing
// either, but it is money and no site's business. Several, or a list, open
// nothing whoever's they are: which one counts would depend on who reads them
// (RFC 9110, 11.6.2); they are taken out unverified, since a long list would
// cost a signature each.
func (g *Gate) takeBearer(ctx context.Context, c *credentials, h http.Header, values []string, origin string) {
	c.several = len(values) > 1
	kept := values[:0]
	for _, value := range values {
		raw, strict := bearer(value)
		switch {
		case raw == "":
			kept = append(kept, value)
			continue
		case c.several || strings.ContainsAny(raw, ", \t"):
			continue
		}
		access, err := g.o.Verifier.Access(raw, origin, origin)
		switch ours := !errors.Is(err, token.ErrNotOurs); {
		case ours && strict:
			c.bearer, c.bearerErr = access, err
		case !ours && !g.opensWallet(ctx, raw, origin):
			kept = append(kept, value)
		}
	}
	if len(kept) == 0 {
		delete(h, "Authorization")
		return
	}
	h["Authorization"] = kept
}

// opensWallet reports whether a bearer is the key of a wallet, sent to a page by
// mistake. The ledger is asked for nothing but what has a key's shape, and when
// it cannot answer, that counts as one.
func (g *Gate) opensWallet(ctx context.Context, raw, origin string) bool {
	key, ok := paywall.WalletKey(raw).Hash()
	if !ok {
		return false
	}
	ledger, err := g.o.Ledger(ctx)
	if err != nil {
		return true
	}
	_, err = ledger.Owned(ctx, key, origin, "/") // whatever it owns: this is about the key
	return !errors.Is(err, paywall.ErrNoWallet)
}

// bearer is the credential of a Bearer header, "" if it is none. strict says
// that it is written as RFC 6750 has it, after exactly one space; the scheme's
// case does not matter (RFC 9110, 11.1).
func bearer(value string) (raw string, strict bool) {
	const scheme = "bearer"
	value = strings.Trim(value, " \t")
	if len(value) <= len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", false
	}
	rest := value[len(scheme):]
	if rest[0] != ' ' && rest[0] != '\t' {
		return "", false
	}
	raw = strings.Trim(rest, " \t")
	return raw, rest[0] == ' ' && len(raw) == len(rest)-1
}
