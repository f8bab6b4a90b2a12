package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/target"
)

// Withhold takes out of a request what only we may know. It is for requests that
// the server sends to somebody else, who is asked whether a reader may pass: a
// wallet's key is money, and a gift's address opens an article. Headers and address
// of sent are changed in place. reader is the request that it is about, as the client
// sent it: a config can put any part of that into any header, and into the address.
//
// g is nil before the store is open. Whose bearer it is cannot be known then, and
// none is sent.
func Withhold(g *Gate, c *target.Canonicalizer, sent, reader *http.Request) {
	if g == nil {
		delete(sent.Header, "Authorization")
		new(credentials).takeCookies(sent.Header, sent.Header["Cookie"], "", "")
	} else {
		g.takeCredentials(sent, "", false) // whose site it is does not matter for what is ours
	}
	cleanReferer(sent.Header)
	for _, secret := range secrets(g, c, reader) {
		for name, values := range sent.Header {
			for i, value := range values {
				sent.Header[name][i] = strings.ReplaceAll(value, secret, "")
			}
		}
		for _, part := range []*string{&sent.URL.Path, &sent.URL.RawPath, &sent.URL.RawQuery} {
			*part = strings.ReplaceAll(*part, secret, "")
		}
	}
}

// Bounds of secrets. What is shorter opens nothing, and a word of it may stand
// anywhere. A reader has a handful; each one costs a look at the whole request.
const (
	shortestSecret = 16
	maxSecrets     = 32
)

// secrets are the values in a request that nobody else may learn.
func secrets(g *Gate, c *target.Canonicalizer, r *http.Request) (found []string) {
	add := func(secret string) {
		if len(secret) >= shortestSecret && len(found) < maxSecrets && !slices.Contains(found, secret) {
			found = append(found, secret)
		}
	}
	for _, wallets := range [...]bool{true, false} { // those that are money first: others may be planted
		for _, line := range r.Header["Cookie"] {
			// Several lines may have been joined by a comma, and no value of ours holds one.
			for pair := range strings.FieldsFuncSeq(line, func(c rune) bool { return c == ';' || c == ',' }) {
				name, value, _ := strings.Cut(pair, "=")
				if paywall.WalletCookie.Is(strings.Trim(name, " \t")) == wallets && new(credentials).takePair(pair, "", "") {
					add(strings.Trim(value, " \t\""))
				}
			}
		}
	}
	var bearers []string
	for _, line := range r.Header["Authorization"] {
		for value := range strings.SplitSeq(line, ",") {
			if raw, _ := bearer(value); raw != "" {
				bearers = append(bearers, raw)
			}
		}
	}
	for _, raw := range bearers {
		if len(bearers) > 1 || g == nil || knows(g, r, raw) { // of several, see takeBearer
			add(raw)
		}
	}
	for _, address := range append([]string{r.RequestURI}, r.Header["Referer"]...) {
		if _, query, ok := strings.Cut(address, "?"); ok && Gift(c, address) {
			add(query)
			add(url.QueryEscape(query))
			values, _ := url.ParseQuery(query)
			for _, value := range values["key"] {
				add(value)
			}
		}
	}
	return found
}

// knows reports whether a bearer is a token or a wallet's key of ours.
func knows(g *Gate, r *http.Request, raw string) bool {
	h := http.Header{}
	g.takeBearer(r.Context(), new(credentials), h, []string{"Bearer " + raw}, "")
	return len(h) == 0
}

// Gift reports whether a request target or a URL is, in any reading, the page that
// opens an article for whoever has its address. One that cannot be read may be.
func Gift(c *target.Canonicalizer, raw string) bool {
	target, err := c.Parse(raw)
	return err != nil || gift(target.Path) || slices.ContainsFunc(target.Readings, gift)
}

func gift(path string) bool {
	const page = reservedPrefix + "/gift"
	return len(path) >= len(page) && strings.EqualFold(path[:len(page)], page)
}
