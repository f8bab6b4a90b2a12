//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/token"
)

// seller is a contender after an HTTP server.
type seller interface {
	// request is all bytes of a buyer's request. It is made before the time runs.
	request(p *paywall.Purchase) ([]byte, error)
	// sold is the status that answers it.
	sold() int
	addr() string
	close() error
}

// shop is the checkout over the ledger.
type shop struct {
	ledger *ledger.Ledger
	ring   *token.Ring
	dir    string // of the ring
	server *httptest.Server
	keys   []string // of the wallets
}

func newShop(ctx context.Context, dir string) (*shop, error) {
	l, err := openLedger(ctx, dir, segment.OS{})
	if err != nil {
		return nil, err
	}
	s := &shop{ledger: l, dir: dir + "/keys"}
	if s.ring, err = token.OpenRing(s.dir, true); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	for range wallets {
		key := paywall.NewWalletKey()
		hashes, _ := key.Hashes()
		if _, err := (&ours{Ledger: l}).openWith(ctx, hashes); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		s.keys = append(s.keys, string(key))
	}
	h, err := checkout.New(checkout.Options{
		Ledger: func(context.Context) (checkout.Ledger, error) { return l, nil },
		Ring:   s.ring, Verifier: token.NewVerifier(s.ring, time.Now),
		Origin:   func(*http.Request) string { return site },
		Currency: currency, Refund: refundWindow, LimitFactor: checkout.MaxLimitFactor,
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.server = httptest.NewServer(h)
	return s, nil
}

// offered signs the offer of a purchase with one of the shop's rings.
func offered(ring *token.Ring, p *paywall.Purchase) (string, error) {
	p.Offer.Checkout, p.Offer.IssuedAt = site, time.Now()
	p.Offer.ExpiresAt = p.Offer.IssuedAt.Add(paywall.OfferTTL)
	return ring.SignOffer(&p.Offer)
}

func (s *shop) addr() string { return s.server.Listener.Addr().String() }

func (s *shop) close() error {
	s.server.Close()
	return s.ledger.Close()
}

// programs buy from a shop with JSON. The ring that signs their offers is the shop's own,
// or another one with its keys, whose signatures the shop has to check.
type programs struct {
	*shop
	ring *token.Ring
}

func (s *programs) request(p *paywall.Purchase) ([]byte, error) {
	raw, err := offered(s.ring, p)
	if err != nil {
		return nil, err
	}
	return httpPost(checkout.Prefix+"unlock", "Accept: application/json\r\nContent-Type: application/json\r\nAuthorization: Bearer "+p.Wallet,
		fmt.Sprintf(`{"offer":%q}`, raw)), nil
}

func (*programs) sold() int { return http.StatusOK }

// browsers buy from a shop with its form, and are led to the article.
type browsers struct{ *shop }

func (s *browsers) request(p *paywall.Purchase) ([]byte, error) {
	raw, err := offered(s.ring, p)
	if err != nil {
		return nil, err
	}
	return httpPost(checkout.Prefix+"unlock", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"+
		"Accept-Language: en-GB,en;q=0.5\r\nOrigin: "+site+"\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nCookie: "+paywall.WalletCookie.On(true)+"="+p.Wallet,
		url.Values{"offer": {raw}, "shown": {p.Offer.Price.String()}}.Encode()), nil
}

func (*browsers) sold() int { return http.StatusSeeOther }

// wish is a purchase as it comes to another contender's handler.
type wish struct {
	Wallet, ID, Resource, Title string
	Micros                      int64
}

// served is another contender after a handler of net/http.
type served struct {
	contender
	server *httptest.Server
}

func serve(c contender) *served {
	return &served{c, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked wish
		err := json.NewDecoder(r.Body).Decode(&asked)
		if err == nil {
			err = c.buy(r.Context(), &paywall.Purchase{Wallet: asked.Wallet, Refund: refundWindow, Offer: paywall.Offer{
				ID: asked.ID, Site: site, Resource: asked.Resource, URL: asked.Resource, Title: asked.Title,
				Price: paywall.Money{Micros: asked.Micros, Currency: currency},
			}})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"unlock_id": asked.ID, "paid": asked.Micros})
	}))}
}

func (s *served) request(p *paywall.Purchase) ([]byte, error) {
	body, err := json.Marshal(wish{p.Wallet, p.Offer.ID, p.Offer.Resource, p.Offer.Title, p.Offer.Price.Micros})
	return httpPost("/", "Accept: application/json\r\nContent-Type: application/json", string(body)), err
}

func (*served) sold() int { return http.StatusOK }

func (s *served) addr() string { return s.server.Listener.Addr().String() }

func (s *served) close() error {
	s.server.Close()
	return s.contender.close()
}

func httpPost(path, headers, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		path, strings.TrimPrefix(site, "https://"), headers, len(body), body)
}
