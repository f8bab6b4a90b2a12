package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// strangersShop is what a publisher may have around the gate: headers that are deleted and
// set, handles, compression, and a second site on the same port.
const strangersShop = `encode gzip
	header -Cache-Control
	header -X-Content-Type-Options
	header Content-Security-Policy "default-src 'none'"
	header Cache-Control "public, max-age=3600"
	handle {
		paywall /articles/* 0.20
		reverse_proxy UPSTREAM
	}
}
http://127.0.0.1:PORT {
	encode gzip
	paywall /articles/* 0.30
	header >Cache-Control "public, max-age=3600"
	reverse_proxy UPSTREAM`

// signedCall is a call of the pretend bank's about a session.
func signedCall(session, intent string) (body string, headers []string) {
	body = fmt.Sprintf(`{"id":"evt_1","object":"event","type":"checkout.session.completed","api_version":%q,"livemode":false,"data":{"object":{"id":%q,"object":"checkout.session","client_reference_id":%q,"metadata":{"intent":%q}}}}`,
		pretend.Version, session, intent, intent)
	return body, []string{"Content-Type", "application/json", "Stripe-Signature", pretend.Sign([]byte(body), time.Now(), "whsec_pretend")}
}

// TestL01L17TheBankCallsAnySiteAmongAStrangersBlocks: on each site of the port its call is one
// credit within a second, and no cache keeps an answer, whatever the config sets. Cookies,
// other methods and large bodies do nothing.
func TestL01L17TheBankCallsAnySiteAmongAStrangersBlocks(t *testing.T) {
	s, bank := cardSite(t, articlesFor20)
	if err := s.load(strings.ReplaceAll(strangersShop, "PORT", fmt.Sprint(s.port))); err != nil {
		t.Fatal(err)
	}
	bank.Deliver(pretend.Delivery{Never: true}) // this test calls
	wallet, key := s.openWallet()
	const hook = "/.paywall/webhook/stripe"
	sites := []string{s.url, fmt.Sprintf("http://127.0.0.1:%d", s.port)}
	for i, site := range sites {
		s.url = site
		intent, session := beginCard(t, bank, wallet)
		pay(t, bank, session)
		body, headers := signedCall(session, intent)
		for name, more := range map[string][]string{"plain": nil, "with cookies": {"Cookie", "paywall_wallet=" + s.wallet() + "; a=b"}, "from a page": {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}} {
			began := time.Now()
			got := s.do(http.MethodPost, hook, body, append(headers, more...)...)
			if got.StatusCode != http.StatusOK || time.Since(began) > time.Second {
				t.Errorf("%s, %s: %s after %s: %s", site, name, got.Status, time.Since(began), got.body)
			}
			wantUncached(t, site+" "+name, got)
			if len(got.Cookies()) > 0 {
				t.Errorf("%s, %s: the bank is given cookies", site, name)
			}
		}
		if got, want := s.balance(key), fmt.Sprintf("%d.00", 5*(i+1)); got != want {
			t.Errorf("%s: the wallet has %s instead of %s", site, got, want)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
			got := s.do(method, hook, "", headers...)
			if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != http.MethodPost {
				t.Errorf("%s %s: %s", method, site, got.Status)
			}
			wantUncached(t, method, got)
		}
		large := body[:len(body)-1] + `,"x":"` + strings.Repeat("x", 2<<20) + `"}`
		if got := s.do(http.MethodPost, hook, large, "Content-Type", "application/json", "Stripe-Signature", pretend.Sign([]byte(large), time.Now(), "whsec_pretend")); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: a large call: %s", site, got.Status)
		}
	}
	s.verify()
}

// wantUncached checks that no cache may keep an answer.
func wantUncached(t *testing.T, name string, a *answer) {
	t.Helper()
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: Cache-Control %q", name, got)
	}
}

// TestL11ARefundOrDisputeMayComeFirst: the call about the payment comes after that about
// what took it back, or never.
func TestL11ARefundOrDisputeMayComeFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		undo func(b *pretend.Bank, payment string) error
		left string
	}{
		"part refunded": {func(b *pretend.Bank, p string) error { _, err := b.Refund(p, 200); return err }, "3.00"},
		"refunded":      {func(b *pretend.Bank, p string) error { _, err := b.Refund(p, 500); return err }, "0.00"},
		"disputed":      {func(b *pretend.Bank, p string) error { _, err := b.Dispute(p, 500, "needs_response"); return err }, "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			s, bank := cardSite(t, articlesFor20)
			wallet, key := s.openWallet()
			bank.Charge(10_000, "eur") // to take a dispute's fee from
			bank.Deliver(pretend.Delivery{Never: true})
			intent, session := beginCard(t, bank, wallet)
			pay(t, bank, session)
			bank.Deliver(pretend.Delivery{})
			payments := bank.IDs("payment_intent")
			if err := tc.undo(bank, payments[len(payments)-1]); err != nil {
				t.Fatal(err)
			}
			if err := bank.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.balance(key); got != tc.left {
				t.Errorf("before the call about the payment the wallet has %s", got)
			}
			body, headers := signedCall(session, intent)
			if got := s.do(http.MethodPost, "/.paywall/webhook/stripe", body, headers...); got.StatusCode != http.StatusOK || s.balance(key) != tc.left {
				t.Errorf("%s, and the wallet has %s", got.Status, s.balance(key))
			}
			s.verify()
		})
	}
}

// TestK12K13GuessesCountUnderOneNameAndOutliveAReload: other spellings and methods redeem
// nothing, and whoever has to wait waits after a reload, too.
func TestK12K13GuessesCountUnderOneNameAndOutliveAReload(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	key := s.wallet()
	status, body := admin(t, http.MethodPost, "/paywall/vouchers", `{"count":1,"amount":"5.00"}`)
	var made struct{ Codes []string }
	if err := json.Unmarshal([]byte(body), &made); status != http.StatusCreated || err != nil {
		t.Fatalf("%d %s", status, body)
	}
	send := func(method, path, code string) *answer {
		return s.do(method, path, `{"code":"`+code+`"}`, "Content-Type", "application/json", "Accept", "application/json", "Authorization", "Bearer "+key)
	}
	const path = "/.paywall/topup/voucher"
	for _, alias := range []string{"/.paywall//topup/voucher", "/.PAYWALL/topup/voucher", "/.paywall/topup/voucher/", "/.paywall/topup/./voucher", "/.paywall/topup%2fvoucher", "/.paywall/TOPUP/voucher", "/.%70aywall/topup/voucher", "/x/../.paywall/topup/voucher", "//.paywall/topup/voucher", "/.paywall/topup/voucher;x"} {
		if a := send(http.MethodPost, alias, made.Codes[0]); a.StatusCode == http.StatusOK {
			t.Errorf("%s redeems: %s", alias, a.body)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if a := send(method, path, made.Codes[0]); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, a.Status)
		}
	}
	s.wantBalance(key, "0.00")

	guess := func() *answer { return send(http.MethodPost, path, "AAAAA-AAAAA-AAAAA-AAAAA") }
	limited := false
	for range 20 {
		limited = limited || guess().StatusCode == http.StatusTooManyRequests
	}
	if !limited {
		t.Fatal("guesses are not limited")
	}
	if err := s.load(articlesFor20); err != nil {
		t.Fatal(err)
	}
	a := guess()
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("after a reload: %s %v", a.Status, a.Header)
	}
	if a := send(http.MethodPost, path, made.Codes[0]); a.StatusCode != http.StatusOK {
		t.Errorf("a good code has to wait: %s %s", a.Status, a.body)
	}
	s.verify()
}
