package topuptest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/stripe"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
	"github.com/tuppence/tuppence/paywall/topup/topuptest"
)

// The environment of a victim: this binary, started again to be killed.
const (
	victimDir  = "TUPPENCE_VICTIM_DIR"
	victimBank = "TUPPENCE_VICTIM_BANK"
)

const hookSecret = "whsec_tuppence"

// ledgerAway is how many of a hundred times the victim's ledger is not there for a call.
const ledgerAway = 5

var topUp = paywall.Money{Micros: 5_000_000, Currency: topuptest.Currency}

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveVictim(dir, os.Getenv(victimBank)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// shop is a ledger on disk with a service that asks a bank.
type shop struct {
	*ledger.Ledger
	service *topup.Service
}

func openShop(dir, bank string, away func() bool) (shop, error) {
	quiet := slog.New(slog.DiscardHandler)
	store, err := badgerstore.Open(context.Background(), badgerstore.Options{Dir: filepath.Join(dir, "ledger"), Currency: topuptest.Currency, Logger: quiet})
	if err != nil {
		return shop{}, err
	}
	l, err := ledger.New(store)
	if err != nil {
		return shop{}, err
	}
	seals, err := topup.OpenSeals(filepath.Join(dir, "keys"), time.Now)
	if err != nil {
		return shop{}, err
	}
	way, err := stripe.New(stripe.Config{
		SecretKey: pretend.DefaultKey, WebhookSecrets: []string{hookSecret}, Endpoint: bank, Currency: topuptest.Currency, Logger: quiet,
	})
	if err != nil {
		return shop{}, err
	}
	service, err := topup.New(topup.Options{
		Ledger: func(context.Context) (topup.Ledger, error) {
			if away() {
				return nil, paywall.ErrUnavailable
			}
			return l, nil
		},
		Ways:  []topup.Offered{{Way: way, Amounts: []paywall.Money{topUp}}},
		Seals: seals, Currency: topuptest.Currency, Logger: quiet, Now: time.Now,
	})
	return shop{l, service}, err
}

// serveVictim takes top-ups and a bank's calls until it is killed. It says where it listens.
func serveVictim(dir, bank string) error {
	s, err := openShop(dir, bank, func() bool { return mathrand.IntN(100) < ledgerAway })
	if err != nil {
		return err
	}
	go s.service.Run(context.Background())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) { _ = s.service.Hook(stripe.Name, w, r) })
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		network, err := netip.ParsePrefix(r.FormValue("network"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status, err := s.service.Begin(r.Context(), topup.Request{
			Wallet: r.FormValue("wallet"), Way: stripe.Name, Amount: topUp, Network: network, Site: "https://news.example",
		})
		if err != nil {
			http.Error(w, err.Error(), paywall.ErrorCode(err).HTTPStatus())
			return
		}
		_, _ = io.WriteString(w, status.Next.Object)
	})
	fmt.Println(listener.Addr()) // one write to a pipe: it arrives whole or not at all
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return errors.Join(errors.New("the server ended by itself"), server.Serve(listener))
}
