package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// cardSite is a site that takes cards from a pretend bank, which calls it.
func cardSite(t *testing.T, body string) (*site, *pretend.Bank) {
	t.Helper()
	bank := pretend.New(pretend.Options{})
	server := httptest.NewServer(bank)
	t.Cleanup(func() { bank.Close(); server.Close() })
	s := newSite(t, "topup stripe {\n\t\t\tsecret_key "+pretend.DefaultKey+"\n\t\t\twebhook_secret whsec_pretend\n\t\t\tamounts 5 10\n\t\t\tendpoint "+server.URL+"\n\t\t}", body, new(articles))
	bank.Subscribe(pretend.Endpoint{URL: s.url + "/.paywall/webhook/stripe", Secrets: []string{"whsec_pretend"}})
	return s, bank
}

// beginCard begins a payment of a wallet, and answers the session that the bank made.
func beginCard(t *testing.T, bank *pretend.Bank, wallet string) (intent, session string) {
	t.Helper()
	app, err := liveApp()
	if err != nil {
		t.Fatal(err)
	}
	status, err := app.topups.Begin(context.Background(), topup.Request{
		Wallet: wallet, Way: "stripe", Amount: eur(t, "5"), Network: netip.MustParsePrefix("192.0.2.1/32"), Site: "http://localhost",
	})
	if err != nil {
		t.Fatal(err)
	}
	sessions := bank.IDs("checkout.session")
	return status.Intent.ID, sessions[len(sessions)-1]
}

// pay presses the button of the bank's page, and waits until the bank has called.
func pay(t *testing.T, bank *pretend.Bank, session string) {
	t.Helper()
	if _, err := bank.Press(session, pretend.Pay); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := bank.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestTheBanksCallCreditsTheWallet: also where blocks and headers stand around the gate.
func TestTheBanksCallCreditsTheWallet(t *testing.T) {
	for name, body := range map[string]string{
		"alone":        articlesFor20,
		"with headers": "header Content-Security-Policy \"default-src 'none'\"\n\theader -Cache-Control\n\t" + articlesFor20,
		"in a handle":  "handle {\n\t" + articlesFor20 + "\n\t}",
		"one path":     strings.ReplaceAll(articlesFor20, "/articles/*", "/articles/a"),
	} {
		t.Run(name, func(t *testing.T) {
			s, bank := cardSite(t, body)
			wallet, key := s.openWallet()
			_, session := beginCard(t, bank, wallet)
			pay(t, bank, session)
			if got := s.balance(key); got != "5.00" {
				t.Errorf("the wallet has %s", got)
			}
			s.verify()
		})
	}
}

// TestWebhookIsForSignedPostsOnly: nothing else is believed, whatever comes with it.
func TestWebhookIsForSignedPostsOnly(t *testing.T) {
	s, _ := cardSite(t, articlesFor20)
	_, key := s.openWallet()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		for _, way := range []string{"stripe", "bank"} {
			got := s.do(method, "/.paywall/webhook/"+way, "")
			if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != http.MethodPost {
				t.Errorf("%s to %s: %d", method, way, got.StatusCode)
			}
		}
	}
	event := `{"id":"evt_1","object":"event","type":"checkout.session.completed","data":{"object":{"id":"cs_1"}}}`
	for name, headers := range map[string][]string{
		"unsigned":     nil,
		"a cookie":     {"Cookie", "paywall_wallet=" + key},
		"a bearer":     {"Authorization", "Bearer " + key},
		"wrong":        {"Stripe-Signature", "t=1,v1=00"},
		"another site": {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
	} {
		got := s.do(http.MethodPost, "/.paywall/webhook/stripe", event, append(headers, "Content-Type", "application/json")...)
		if got.StatusCode < 400 || got.StatusCode >= 500 {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	for _, way := range []string{"bank", "voucher", "", "stripe/x", "nobody"} {
		if got := s.do(http.MethodPost, "/.paywall/webhook/"+way, event); got.StatusCode != http.StatusNotFound {
			t.Errorf("the webhook of %q: %d", way, got.StatusCode)
		}
	}
}

// TestAReloadInTheMiddleOfAPaymentLosesNothing: begun under one config, paid under the
// next, whose amounts and webhook secret are others.
func TestAReloadInTheMiddleOfAPaymentLosesNothing(t *testing.T) {
	s, bank := cardSite(t, articlesFor20)
	wallet, key := s.openWallet()
	_, first := beginCard(t, bank, wallet)
	_, second := beginCard(t, bank, wallet)
	pay(t, bank, first)
	s.global = strings.NewReplacer("amounts 5 10", "amounts 4 8", "webhook_secret whsec_pretend", "webhook_secret whsec_pretend whsec_following").Replace(s.global)
	if err := s.load(articlesFor20); err != nil {
		t.Fatal(err)
	}
	bank.Subscribe(pretend.Endpoint{URL: s.url + "/.paywall/webhook/stripe", Secrets: []string{"whsec_following"}})
	pay(t, bank, second)
	if got := s.balance(key); got != "10.00" {
		t.Errorf("the wallet has %s", got)
	}
	var answer struct {
		OK    bool `json:"ok"`
		There int  `json:"there"`
	}
	called(t, http.MethodGet, "/paywall/reconcile", "", &answer)
	if !answer.OK || answer.There == 0 {
		t.Errorf("reconciled: %+v", answer)
	}
	s.verify()
}

// TestReconcileFindsWhatNobodyCalledAbout is row L20: what the bank has and the journal lacks is
// booked, and what the journal cannot place is told.
func TestReconcileFindsWhatNobodyCalledAbout(t *testing.T) {
	s, bank := cardSite(t, articlesFor20)
	wallet, key := s.openWallet()
	bank.Deliver(pretend.Delivery{Never: true})
	_, session := beginCard(t, bank, wallet)
	pay(t, bank, session)
	if got := s.balance(key); got != "0.00" {
		t.Fatalf("the wallet has %s before anybody looks", got)
	}
	status, body := admin(t, http.MethodGet, "/paywall/reconcile?since="+time.Now().UTC().Format(time.DateOnly), "")
	if status != http.StatusOK || !strings.Contains(body, `"mended":`) || s.balance(key) != "5.00" {
		t.Errorf("%d %s, and the wallet has %s", status, body, s.balance(key))
	}
	if status, body := admin(t, http.MethodGet, "/paywall/reconcile?since=yesterday", ""); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, body)
	}
	s.verify()
}

// TestEverySiteTakesTheBanksCall: one account for all sites of a ledger, and each payment once.
func TestEverySiteTakesTheBanksCall(t *testing.T) {
	s, bank := cardSite(t, articlesFor20)
	second := freePort(t)
	if err := s.load(articlesFor20 + fmt.Sprintf("\n}\nhttp://localhost:%d {\n\t%s", second, articlesFor20)); err != nil {
		t.Fatal(err)
	}
	bank.Subscribe(pretend.Endpoint{URL: fmt.Sprintf("http://localhost:%d/.paywall/webhook/stripe", second), Secrets: []string{"whsec_pretend"}})
	wallet, key := s.openWallet()
	_, session := beginCard(t, bank, wallet)
	pay(t, bank, session) // both sites are called
	if got := s.balance(key); got != "5.00" {
		t.Errorf("the wallet has %s", got)
	}
	s.verify()
}
