package token

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// maxWords bounds an offer's length; what is beyond was not written by us.
const maxWords = 100_000_000

// offerClaims is an offer on the wire: amounts and percentages are decimal
// strings, times and the access bought are whole seconds.
type offerClaims struct {
	registered
	Resource string      `json:"resource"`
	URL      *string     `json:"url,omitempty"` // nil: the resource's own address
	Title    string      `json:"title"`
	Words    int         `json:"words,omitempty"`
	Price    string      `json:"price"`
	Cap      *string     `json:"cap,omitempty"`
	Currency string      `json:"currency"`
	Access   int64       `json:"access"`
	Shares   []wireShare `json:"shares"`
}

type wireShare struct {
	Creator string `json:"creator"`
	Percent string `json:"percent"`
}

var (
	offerMembers    = []string{"iss", "aud", "resource", "title", "price", "currency", "access", "shares", "iat", "exp", "jti"}
	offerOptional   = []string{"url", "words", "cap"}
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
// [MaxLength] once signed, is refused with [paywall.CodeMalformed]; the latter
// wraps [ErrTooLong], and a shorter title or URL may help. A URL that is the
// resource's own, escaped, is left out where there is no room for it: an alphabet
// of three bytes a letter takes nine in a URL.
func (r *Ring) SignOffer(o *paywall.Offer) (string, error) {
	c := &offerClaims{
		registered: registered{
			Issuer: o.Site, Audience: o.Checkout, ID: o.ID,
			IssuedAt: o.IssuedAt.Unix(), ExpiresAt: o.ExpiresAt.Unix(),
		},
		Resource: o.Resource, URL: &o.URL, Title: strings.ToValidUTF8(o.Title, "\uFFFD"), Words: o.Words,
		Price: o.Price.String(), Currency: string(o.Price.Currency),
		Access: int64(o.Access / time.Second), Shares: make([]wireShare, len(o.Shares)),
	}
	if !o.Cap.IsZero() {
		limit := o.Cap.String()
		c.Cap = &limit
	}
	for i, share := range o.Shares {
		c.Shares[i] = wireShare{Creator: share.Creator, Percent: share.Percent()}
	}
	if c.sane(paywall.OfferTTL) != nil {
		return "", paywall.Errorf(paywall.CodeMalformed, "this offer cannot be written into a token")
	}
	offer, err := c.offer()
	if err != nil {
		return "", err
	}
	// Not slices of a request's long address.
	offer.Resource, offer.URL, offer.Title = strings.Clone(offer.Resource), strings.Clone(offer.URL), strings.Clone(offer.Title)
	raw, k, err := r.sign(typOffer, c)
	if errors.Is(err, ErrTooLong) && o.URL == paywall.EscapePath(o.Resource) {
		c.URL = nil
		raw, k, err = r.sign(typOffer, c)
	}
	if err != nil {
		return "", fmt.Errorf("signing an offer: %w", err)
	}
	r.offers.keep(&signed{raw: raw, key: k, claims: c.registered, offer: offer})
	return raw, nil
}

// offer is the meaning of the claims. A resource that reads as a pattern is
// refused: on a site that answers every path, someone could ask for
// "/articles/*" itself, pay for one article and hold a token for all of them.
func (c *offerClaims) offer() (*paywall.Offer, error) {
	url := paywall.EscapePath(c.Resource)
	if c.URL != nil {
		url = *c.URL
	}
	switch {
	case !validResource(c.Resource) || strings.HasSuffix(c.Resource, "/*"),
		!validResource(url) || strings.HasPrefix(url, "//") || strings.Contains(url, `\`),
		c.Words < 0 || c.Words > maxWords,
		c.Access < 0 || c.Access > int64(paywall.MaxAccess/time.Second),
		len(c.Shares) > paywall.MaxShares:
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
	limit := paywall.Money{}
	if c.Cap != nil {
		if limit, err = paywall.ParsePrice(*c.Cap, currency); err != nil {
			return nil, err
		}
	}
	shares, err := c.shares()
	if err != nil {
		return nil, err
	}
	return &paywall.Offer{
		ID: c.ID, Site: c.Issuer, Checkout: c.Audience, Resource: c.Resource, URL: url, Title: c.Title, Words: c.Words,
		Price: price, Cap: limit, Access: time.Duration(c.Access) * time.Second, Shares: shares,
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
		share, err := paywall.ParseShare(s.Creator, s.Percent)
		if rest -= share.PPM; err != nil || rest < 0 || share.Percent() != s.Percent {
			return nil, paywall.Errorf(paywall.CodeMalformed, "the offer's shares are not valid")
		}
		shares[i] = share
	}
	return shares, nil
}
