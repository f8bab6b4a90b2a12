package main

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall"
	statements "github.com/tuppence/tuppence/paywall/topup/bank/pretend"
	cards "github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

func init() {
	caddy.RegisterModule(pretendBank{})
	httpcaddyfile.RegisterHandlerDirective("pretend_bank", parsePretendBank)
	httpcaddyfile.RegisterDirectiveOrder("pretend_bank", httpcaddyfile.Before, "respond")
}

// pretendBank is the bank of the demo: no money moves. It speaks Stripe's API, has its
// payment page, and writes statements as banks do. It answers this machine only.
type pretendBank struct {
	// Where it says what was paid: /.paywall/webhook/stripe of the site.
	Webhook string `json:"webhook"`

	// What it signs that with, whsec_….
	Secret string `json:"secret"`

	bank *sharedBank
	held bool // a reference in the pool
}

// CaddyModule returns the Caddy module information.
func (pretendBank) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.pretend_bank", New: func() caddy.Module { return new(pretendBank) }}
}

// parsePretendBank sets up the handler from Caddyfile tokens. Syntax:
//
//	pretend_bank <webhook> <secret>
func parsePretendBank(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	b := new(pretendBank)
	h.Next()
	if !h.AllArgs(&b.Webhook, &b.Secret) {
		return nil, h.Errf("write: pretend_bank http://localhost:8402/.paywall/webhook/stripe whsec_pretend")
	}
	return b, nil
}

//go:embed pretendbank.html
var transferPage []byte

// banks outlive reloads: a payment that is open goes on.
var banks = caddy.NewUsagePool()

type sharedBank struct{ *cards.Bank }

// Destruct ends what was to happen later.
func (b *sharedBank) Destruct() error {
	b.Close()
	return nil
}

// Provision takes over the bank of the config before.
func (b *pretendBank) Provision(caddy.Context) error {
	value, _, err := banks.LoadOrNew(b.Webhook, func() (caddy.Destructor, error) {
		return &sharedBank{cards.New(cards.Options{ArriveAfter: 20 * time.Second})}, nil
	})
	if err != nil {
		return err
	}
	b.bank, b.held = value.(*sharedBank), true
	b.bank.Subscribe(cards.Endpoint{URL: b.Webhook, Secrets: []string{b.Secret}})
	return nil
}

// Cleanup lets go of the bank. Requests of this config still use it.
func (b *pretendBank) Cleanup() error {
	if !b.held {
		return nil
	}
	b.held = false
	_, err := banks.Delete(b.Webhook)
	return err
}

// ServeHTTP answers the API, the payment pages, and / and /statement, where a transfer is
// pretended.
func (b *pretendBank) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return caddyhttp.Error(http.StatusForbidden, fmt.Errorf("the pretend bank is for this machine only"))
	}
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
		_, err := w.Write(transferPage)
		return err
	case "/statement":
		return writeStatement(w, r)
	}
	b.bank.ServeHTTP(w, r)
	return nil
}

// demoIBAN is the account in Caddyfile.example.
const demoIBAN = "DE02120300000000202051"

// writeStatement makes a bank's file that says that a transfer came: what
// "tuppence paywall bank import" reads.
func writeStatement(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	amount, err := paywall.ParsePrice(query.Get("amount"), "EUR")
	if err != nil {
		return caddyhttp.Error(http.StatusBadRequest, err)
	}
	now := time.Now().UTC()
	file := statements.Statement{
		IBAN: demoIBAN, Currency: "EUR", Made: now,
		Entries: []statements.Entry{statements.Transferred(rand.Text(), amount, now, strings.ToUpper(query.Get("reference")))},
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Disposition", `attachment; filename="statement.xml"`)
	_, err = w.Write(file.XML())
	return err
}

// Interface guards
var (
	_ caddy.Provisioner           = (*pretendBank)(nil)
	_ caddy.CleanerUpper          = (*pretendBank)(nil)
	_ caddyhttp.MiddlewareHandler = (*pretendBank)(nil)
)
