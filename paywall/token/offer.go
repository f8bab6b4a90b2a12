package token

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Bounds of an offer's numbers; what is beyond was not written by us.
const (
	maxWords  = 100_000_000
	maxAccess = 200 * 365 * 24 * time.Hour // below it, seconds fit a Duration
	maxShares = 32
)

// offerClaims is an offer on the wire: amounts and percentages are decimal
// strings, times and the access bought are whole seconds.
type offerClaims struct {
	registered
	Resource string      `json:"resource"`
	URL      string      `json:"url"`
	Title    string      `json:"title"`
	Words    int         `json:"words,omitempty"`
	Price    string      `json:"price"`
	Currency string      `json:"currency"`
	Access   int64       `json:"access"`
	Shares   []wireShare `json:"shares"`
}

type wireShare struct {
	Creator string `json:"creator"`
	Percent string `json:"percent"`
}

var (
	offerMembers    = []string{"iss", "aud", "resource", "url", "title", "price", "currency", "access", "shares", "iat", "exp", "jti"}
	offerOptional   = []string{"words"}
	wireShareFields = []string{"creator", "percent"}
)

// UnmarshalJSON accepts exactly the members that [Ring.SignOffer] writes.
func (c *offerClaims) UnmarshalJSON(raw []byte) error {
	type plain offerClaims
	return strict(raw, offerMembers, offerOptional, (*plain)(c))
}

// UnmarshalJSON accepts exactly creator and percent.
func (s *wireShare) UnmarshalJSON(raw []byte) error {
	type plain wireShare
	return strict(raw, wireShareFields, nil, (*plain)(s))
}

// SignOffer signs an offer with the active key. Times count in whole seconds,
// rounded down. What a [Verifier] would refuse, and what is longer than
// [MaxLength] once signed, is refused with [paywall.CodeMalformed]: a shorter
// title or URL may help.
func (r *Ring) SignOffer(o *paywall.Offer) (string, error) {
	c := &offerClaims{
		registered: registered{
			Issuer: o.Site, Audience: o.Checkout, ID: o.ID,
			IssuedAt: o.IssuedAt.Unix(), ExpiresAt: o.ExpiresAt.Unix(),
		},
		Resource: o.Resource, URL: o.URL, Title: strings.ToValidUTF8(o.Title, "\uFFFD"), Words: o.Words,
		Price: o.Price.String(), Currency: string(o.Price.Currency),
		Access: int64(o.Access / time.Second), Shares: make([]wireShare, len(o.Shares)),
	}
	for i, s := range o.Shares {
		c.Shares[i] = wireShare{Creator: s.Creator, Percent: formatPercent(s.PPM)}
	}
	if c.sane(paywall.OfferTTL) != nil {
		return "", paywall.Errorf(paywall.CodeMalformed, "this offer cannot be written into a token")
	}
	if _, err := c.offer(); err != nil {
		return "", err
	}
	raw, err := r.sign(typOffer, c)
	if err != nil {
		return "", fmt.Errorf("signing an offer: %w", err)
	}
	return raw, nil
}

// offer is the meaning of the claims. A resource that reads as a pattern is
// refused: on a site that answers every path, someone could ask for
// "/articles/*" itself, pay for one article and hold a token for all of them.
func (c *offerClaims) offer() (*paywall.Offer, error) {
	switch {
	case !validResource(c.Resource) || strings.HasSuffix(c.Resource, "/*"),
		!validResource(c.URL) || strings.HasPrefix(c.URL, "//") || strings.Contains(c.URL, `\`),
		c.Words < 0 || c.Words > maxWords,
		c.Access < 0 || c.Access > int64(maxAccess/time.Second),
		len(c.Shares) > maxShares:
		return nil, paywall.Errorf(paywall.CodeMalformed, "this page cannot be offered for sale")
	}
	currency, err := paywall.ParseCurrency(c.Currency)
	if err != nil || string(currency) != c.Currency {
		return nil, paywall.Errorf(paywall.CodeMalformed, "the offer's currency is not valid")
	}
	price, err := paywall.ParsePrice(c.Price, currency)
	if err != nil {
		return nil, err
	}
	shares, err := c.shares()
	if err != nil {
		return nil, err
	}
	return &paywall.Offer{
		ID: c.ID, Site: c.Issuer, Checkout: c.Audience, Resource: c.Resource, URL: c.URL, Title: c.Title, Words: c.Words,
		Price: price, Access: time.Duration(c.Access) * time.Second, Shares: shares,
		IssuedAt: unix(c.IssuedAt), ExpiresAt: unix(c.ExpiresAt),
	}, nil
}

func (c *offerClaims) shares() ([]paywall.Share, error) {
	if len(c.Shares) == 0 {
		return nil, nil
	}
	shares := make([]paywall.Share, len(c.Shares))
	rest := int64(paywall.WholePPM)
	for i, s := range c.Shares {
		ppm, ok := parsePercent(s.Percent)
		if rest -= ppm; !ok || rest < 0 || !validCreator(s.Creator) {
			return nil, paywall.Errorf(paywall.CodeMalformed, "the offer's shares are not valid")
		}
		shares[i] = paywall.Share{Creator: s.Creator, PPM: ppm}
	}
	return shares, nil
}

// ppmPerPercent makes a percentage of at most four decimals a whole number.
const ppmPerPercent = paywall.WholePPM / 100

// formatPercent writes 700000 as "70" and 333333 as "33.3333".
func formatPercent(ppm int64) string {
	s := strconv.FormatInt(ppm/ppmPerPercent, 10)
	if fraction := ppm % ppmPerPercent; fraction > 0 {
		s += strings.TrimRight(fmt.Sprintf(".%04d", fraction), "0")
	}
	return s
}

// parsePercent reads only what formatPercent writes, above zero and at most 100.
func parsePercent(s string) (ppm int64, ok bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) > 3 || len(fraction) > 4 {
		return 0, false
	}
	ppm, err := strconv.ParseInt(whole+fraction+"0000"[len(fraction):], 10, 64)
	return ppm, err == nil && ppm > 0 && ppm <= paywall.WholePPM && formatPercent(ppm) == s
}

// validCreator keeps to the letters of an account's name (see [paywall.Share]).
func validCreator(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return name != ""
}
