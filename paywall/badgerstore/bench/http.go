//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// client keeps its connections, as many as there are buyers.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// post sends a body, and wants 200.
func post(ctx context.Context, c *http.Client, to, kind, bearer string, body io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return err
}

// shop is the checkout over the ledger, and the gate's part of a purchase: an offer,
// signed for each.
type shop struct {
	ledger *ledger.Ledger
	ring   *token.Ring
	server *httptest.Server
	client *http.Client
	keys   []string // of the wallets
}

func newShop(ctx context.Context, dir string) (*shop, error) {
	l, err := openLedger(ctx, dir, segment.OS{})
	if err != nil {
		return nil, err
	}
	s := &shop{ledger: l, client: client()}
	if s.ring, err = token.OpenRing(dir+"/keys", true); err != nil {
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

func (s *shop) buy(ctx context.Context, p *paywall.Purchase) error {
	p.Offer.Checkout, p.Offer.IssuedAt = site, time.Now()
	p.Offer.ExpiresAt = p.Offer.IssuedAt.Add(paywall.OfferTTL)
	raw, err := s.ring.SignOffer(&p.Offer)
	if err != nil {
		return err
	}
	body := strings.NewReader(url.Values{"offer": {raw}}.Encode())
	return post(ctx, s.client, s.server.URL+"/.paywall/unlock", "application/x-www-form-urlencoded", p.Wallet, body)
}

func (s *shop) close() error {
	s.client.CloseIdleConnections()
	s.server.Close()
	return s.ledger.Close()
}

// wish is a purchase as it comes to another contender's handler.
type wish struct {
	Wallet, ID, Resource, Title string
	Micros                      int64
}

// served is another contender after a handler of net/http.
type served struct {
	contender
	server *httptest.Server
	client *http.Client
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
	})), client()}
}

func (s *served) buy(ctx context.Context, p *paywall.Purchase) error {
	body, err := json.Marshal(wish{p.Wallet, p.Offer.ID, p.Offer.Resource, p.Offer.Title, p.Offer.Price.Micros})
	if err != nil {
		return err
	}
	return post(ctx, s.client, s.server.URL, "application/json", "", bytes.NewReader(body))
}

func (s *served) close() error {
	s.client.CloseIdleConnections()
	s.server.Close()
	return s.contender.close()
}
