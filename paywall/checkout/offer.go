package checkout

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// takeOffer verifies an offer of this origin and makes it what the request is about.
// Once the signature holds, the article's path is known, and an error page can lead
// back to it even when the offer's time is over: an offer beside an error has expired.
func (x *exchange) takeOffer(raw string) (*paywall.Offer, error) {
	if raw == "" {
		return nil, paywall.Errorf(paywall.CodeMalformed, "the offer is missing; open the article again")
	}
	offer, err := x.c.o.Verifier.Offer(raw, x.origin, x.origin)
	if offer != nil {
		back, ok := returnPath(offer.URL)
		if !ok {
			return nil, paywall.Errorf(paywall.CodeMalformed, "the offer does not lead back to a page of this site")
		}
		x.about.back, x.about.offer = back, raw
	}
	return offer, err
}

// returnPath checks a return target again, although a signed offer names it:
// it must be a path on this origin in every browser's reading, and not one of
// ours. Bytes beyond ASCII are escaped, as net/http does for Location.
func returnPath(target string) (string, bool) {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return "", false
	}
	for i := range len(target) {
		// Browsers read "\" as "/" and drop tab and line breaks anywhere. No request
		// has a "#" (RFC 9112, 3.2).
		if c := target[i]; c <= ' ' || c == 0x7f || c == '\\' || c == '#' {
			return "", false
		}
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return "", false
	}
	own := strings.ToLower(u.Path)
	if own == strings.TrimSuffix(Prefix, "/") || strings.HasPrefix(own, Prefix) {
		return "", false
	}
	return escapeHigh(target), true
}

func escapeHigh(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 0x80 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// issue signs the token that opens an unlock's resource, and says when it ends.
// An offer that bought less than its own life can be sent again when what it
// bought is over: [paywall.CodeOfferExpired].
func issue(x *exchange, unlock *paywall.Unlock) (string, time.Time, error) {
	exp := x.now.Add(paywall.AccessTTL)
	if !unlock.ExpiresAt.IsZero() && unlock.ExpiresAt.Before(exp) {
		exp = unlock.ExpiresAt
	}
	if exp.Unix() <= x.now.Unix() { // a token counts in seconds
		return "", exp, paywall.Errorf(paywall.CodeOfferExpired, "what this offer bought has ended; open the article again for a new one")
	}
	signed, err := x.c.o.Ring.SignAccess(&token.Access{
		ID: unlock.ID, Issuer: x.origin, Audience: unlock.Site, Resource: unlock.Resource,
		IssuedAt: x.now, NotBefore: x.now, ExpiresAt: exp,
	})
	return signed, exp, err
}

// deliver sends a person to the article's path with the cookie that opens it.
func deliver(x *exchange, unlock *paywall.Unlock, back string) error {
	signed, exp, err := issue(x, unlock)
	if err != nil {
		return err
	}
	x.setCookie(paywall.NewAccessCookie(x.tls, unlock.Resource, back, signed, exp))
	x.redirect(back)
	return nil
}

// quote is an offer as programs see it; the members are those of the token.
type quote struct {
	Resource  string           `json:"resource"`
	URL       string           `json:"url"`
	Title     string           `json:"title"`
	Words     int              `json:"words,omitempty"`
	Price     paywall.Money    `json:"price"`
	Cap       string           `json:"cap,omitempty"` // at this site, a month
	Currency  paywall.Currency `json:"currency"`
	Access    int64            `json:"access"` // seconds bought, 0: for ever
	Shares    []quoteShare     `json:"shares,omitempty"`
	ExpiresAt string           `json:"expires_at"`
}

type quoteShare struct {
	Creator string `json:"creator"`
	Percent string `json:"percent"`
}

func newQuote(o *paywall.Offer) quote {
	q := quote{
		Resource: o.Resource, URL: o.URL, Title: o.Title, Words: o.Words,
		Price: o.Price, Currency: o.Price.Currency,
		Access: int64(o.Access / time.Second), ExpiresAt: wireTime(o.ExpiresAt),
	}
	if !o.Cap.IsZero() {
		q.Cap = o.Cap.String()
	}
	for _, s := range o.Shares {
		q.Shares = append(q.Shares, quoteShare{s.Creator, s.Percent()})
	}
	return q
}

func wireTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// showOffer is the purchase page. It shows what would be bought and changes nothing.
func showOffer(x *exchange) error {
	query, err := parseForm(x.r.URL.RawQuery)
	if err != nil {
		return err
	}
	offer, over := x.takeOffer(query["offer"])
	if over != nil && (offer == nil || x.json) {
		return over
	}
	return visit(func(ctx context.Context, x *exchange, l Ledger, who identity) error {
		unlock, has, err := owned(ctx, l, who, offer.Site, offer.Resource)
		switch {
		case err != nil:
			return err
		case x.json:
			return answerOffer(ctx, x, l, offer, who, has)
		case has: // of an offer that has expired, too: it may have been bought in another tab
			return deliver(x, &unlock, x.about.back)
		case over != nil:
			return over
		}
		if err := x.lookedAgain(); err != nil {
			return err
		}
		return showQuote(ctx, x, l, purchase{offer: offer, raw: query["offer"], who: who})
	})(x)
}

// owned finds what a visitor has bought of a resource already.
func owned(ctx context.Context, ledger unlocker, who identity, site, resource string) (paywall.Unlock, bool, error) {
	if !who.known() {
		return paywall.Unlock{}, false, nil
	}
	unlock, err := ledger.Owned(ctx, who.hash, site, resource)
	if errors.Is(err, paywall.ErrNotFound) || errors.Is(err, paywall.ErrNoWallet) {
		return unlock, false, nil
	}
	unlock.Resource = resource // which may have been bought in other letter case
	return unlock, err == nil, err
}

func answerOffer(ctx context.Context, x *exchange, l unlocker, o *paywall.Offer, who identity, owned bool) error {
	now, err := quoted(ctx, l, who, o)
	if err == nil {
		err = unsellable(&now)
	}
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, struct {
		quote
		Charge       paywall.Money `json:"charge"` // what it takes of this wallet now, the cap considered
		Balance      paywall.Money `json:"balance"`
		AlreadyOwned bool          `json:"already_owned"`
		Refundable   bool          `json:"refundable"` // it could be undone
	}{newQuote(o), now.Charge, balanceOf(x, who), owned, !owned && !now.Charge.IsZero() && final(x, &now) == ""})
}

// balanceOf gives nobody an empty balance in the ledger's currency.
func balanceOf(x *exchange, who identity) paywall.Money {
	if who.wallet.Balance.Currency == "" {
		return paywall.Money{Currency: x.c.o.Currency}
	}
	return who.wallet.Balance
}
