package gate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/gate"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
	"github.com/tuppence/tuppence/paywall/token"
)

// site is any handler, as the gate wants it: with an error for the server.
type site struct{ http.Handler }

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	s.Handler.ServeHTTP(w, r)
	return nil
}

// newLedger is a ledger in memory.
func newLedger() (*ledger.Ledger, error) {
	engine, err := memstore.New("EUR", time.Now)
	if err != nil {
		return nil, err
	}
	return ledger.New(engine)
}

// newShop puts a gate and its checkout, with keys in dir, in front of a site.
func newShop(dir string, l *ledger.Ledger, pages http.Handler) (http.Handler, error) {
	ring, err := token.OpenRing(dir, true)
	if err != nil {
		return nil, err
	}
	verifier := token.NewVerifier(ring, time.Now)
	origin := func(r *http.Request) string { return "http://" + r.Host }

	till, err := checkout.New(checkout.Options{
		Ledger:   func(context.Context) (checkout.Ledger, error) { return l, nil },
		Ring:     ring,
		Verifier: verifier,
		Origin:   origin,
		Currency: "EUR",
		Welcome:  paywall.Money{Micros: 1_000_000, Currency: "EUR"},
		Refund:   30 * time.Minute,
	})
	if err != nil {
		return nil, err
	}
	table, err := pricing.NewTable(pricing.Paths{"/articles/*"}, []pricing.Rule{
		{Price: paywall.Money{Micros: 200_000, Currency: "EUR"}},
	})
	if err != nil {
		return nil, err
	}
	g, err := gate.New(gate.Options{
		Table:         table,
		Ring:          ring,
		Verifier:      verifier,
		Canonicalizer: &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String},
		Ledger:        func(context.Context) (gate.Ledger, error) { return l, nil },
		Checkout:      till,
		Origin:        origin,
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.ServeHTTP(w, r, site{pages}); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}), nil
}

// A site of one article is sold without Caddy: a program gets an offer, opens a
// wallet, buys with the wallet's key, and reads.
func Example() {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /articles/tea", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "Tea is a plant.")
	})
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := newLedger()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	shop, err := newShop(dir, l, pages)
	if err != nil {
		fmt.Println(err)
		return
	}

	// ask sends a request and prints the status of the answer, which it reads into v.
	ask := func(method, path, bearer, form string, v any) {
		r := httptest.NewRequest(method, path, strings.NewReader(form))
		r.Header.Set("Accept", "application/json")
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		answer := httptest.NewRecorder()
		shop.ServeHTTP(answer, r)
		fmt.Println(method, path, answer.Code)
		if text, ok := v.(*string); ok {
			body, _ := io.ReadAll(answer.Body)
			*text = string(body)
		} else if err := json.NewDecoder(answer.Body).Decode(v); err != nil {
			fmt.Println(err)
		}
	}

	var demand struct{ Price, Currency, Offer string }
	ask("GET", "/articles/tea", "", "", &demand)
	fmt.Println(demand.Price, demand.Currency)

	var wallet struct {
		Key string `json:"wallet_key"`
	}
	ask("POST", "/.paywall/wallet", "", "", &wallet)

	var bought struct{ Token, Paid, Balance string }
	ask("POST", "/.paywall/unlock", wallet.Key, "offer="+demand.Offer, &bought)
	fmt.Println("paid", bought.Paid, "left", bought.Balance)

	var page string
	ask("GET", "/articles/tea", bought.Token, "", &page)
	fmt.Println(page)
	// Output:
	// GET /articles/tea 402
	// 0.20 EUR
	// POST /.paywall/wallet 201
	// POST /.paywall/unlock 200
	// paid 0.20 left 0.80
	// GET /articles/tea 200
	// Tea is a plant.
}
