package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
	"github.com/tuppence/tuppence/paywall/topup/bank/pretend"
)

// eur is an amount.
func eur(t *testing.T, text string) paywall.Money {
	t.Helper()
	m, err := paywall.ParsePrice(text, "EUR")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// transferTo begins a top-up by bank for a wallet, and answers the reference that its
// reader is told.
func transferTo(t *testing.T, wallet, amount string) (intent, reference string) {
	t.Helper()
	app, err := liveApp()
	if err != nil {
		t.Fatal(err)
	}
	status, err := app.topups.Begin(context.Background(), topup.Request{
		Wallet: wallet, Way: "bank", Amount: eur(t, amount), Network: netip.MustParsePrefix("192.0.2.1/32"), Site: "http://localhost",
	})
	if err != nil {
		t.Fatal(err)
	}
	return status.Intent.ID, status.Next.Transfer.Reference
}

// openWallet opens a wallet and answers its id and key.
func (s *site) openWallet() (id, key string) {
	s.t.Helper()
	var opened struct {
		ID  string `json:"wallet_id"`
		Key string `json:"wallet_key"`
	}
	s.do(http.MethodPost, "/.paywall/wallet", "", "Accept", "application/json").json(s.t, &opened)
	return opened.ID, opened.Key
}

// balance is what a wallet has.
func (s *site) balance(key string) string {
	s.t.Helper()
	var w struct {
		Balance string `json:"balance"`
	}
	s.get("/.paywall/wallet", "Accept", "application/json", "Authorization", "Bearer "+key).json(s.t, &w)
	return w.Balance
}

// called makes a call of the admin API that has to succeed.
func called(t *testing.T, method, target, body string, into any) {
	t.Helper()
	status, answer := admin(t, method, target, body)
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, target, status, answer)
	}
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		t.Fatal(err)
	}
}

// statementOf is a bank's file with these entries.
func statementOf(entries ...pretend.Entry) string {
	return string(pretend.Statement{IBAN: "DE02120300000000202051", Currency: "EUR", Made: time.Now(), Entries: entries}.XML())
}

// TestAStatementIsBookedOnceAndTheRestNeedsAPerson: what is sure goes into wallets, money
// of nobody is placed by hand, and a bank's reference that comes again is told.
func TestAStatementIsBookedOnceAndTheRestNeedsAPerson(t *testing.T) {
	s := newSite(t, way("bank", ""), articlesFor20, new(articles))
	wallet, key := s.openWallet()
	intent, reference := transferTo(t, wallet, "5")
	day := time.Now().UTC().Truncate(24 * time.Hour)
	_, unknown := transferTo(t, wallet, "10") // of which the reader mistyped a letter
	mistyped := unknown[:8] + string(unknown[8]^1) + unknown[9:]

	file := statementOf(
		pretend.Transferred("B1", eur(t, "5"), day, reference),
		pretend.Transferred("B2", eur(t, "10"), day, mistyped),
		pretend.Transferred("B3", eur(t, "7"), day, "RENT MAY"),
	)
	var first, again wire.Import
	called(t, http.MethodPost, "/paywall/bank", file, &first)
	called(t, http.MethodPost, "/paywall/bank", file, &again)
	if first.Transfers[0].Outcome != wire.TransferBooked || first.Transfers[0].Intent != intent || first.NotOurs != 1 || again.Transfers[0].Outcome != wire.TransferReplayed {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if got := s.balance(key); got != "5.00" {
		t.Errorf("the wallet has %s", got)
	}
	// What is mistyped waits for a person, as unclaimed money or in the file.
	if first.Open != 1 || first.Transfers[1].Outcome == wire.TransferBooked {
		t.Errorf("a mistyped reference: %+v", first.Transfers[1])
	}

	// The bank uses its reference for another transfer.
	_, other := transferTo(t, wallet, "5")
	var reused wire.Import
	file = statementOf(pretend.Transferred("B1", eur(t, "5"), day, other))
	called(t, http.MethodPost, "/paywall/bank", file, &reused)
	if reused.Open != 1 || reused.Transfers[0].Outcome != string(bank.NeedsPerson) || !strings.Contains(reused.Transfers[0].Why, "AcctSvcrRef") {
		t.Errorf("a reference that comes again: %+v", reused)
	}
	var byHand, twice wire.Transfer
	called(t, http.MethodPost, "/paywall/bank?book=B1", file, &byHand)
	called(t, http.MethodPost, "/paywall/bank?book=B1", file, &twice)
	if byHand.Outcome != wire.TransferBooked || twice.Outcome != wire.TransferReplayed || s.balance(key) != "10.00" {
		t.Errorf("by hand %+v, twice %+v, balance %s", byHand, twice, s.balance(key))
	}
	s.verify()
}

// TestUnclaimedMoneyIsAssignedOrSentBack: money that came for an intent that nobody knows.
func TestUnclaimedMoneyIsAssignedOrSentBack(t *testing.T) {
	s := newSite(t, way("bank", ""), articlesFor20, new(articles))
	wallet, key := s.openWallet()
	_, mine := transferTo(t, wallet, "5")
	stranger, err := bank.Reference("AAAABBBBCCCCDDDD")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	var imported wire.Import
	called(t, http.MethodPost, "/paywall/bank", statementOf(pretend.Transferred("U1", eur(t, "5"), day, stranger), pretend.Transferred("U2", eur(t, "6"), day, stranger)), &imported)
	if imported.Open != 2 || imported.Transfers[0].Outcome != wire.TransferUnclaimed {
		t.Errorf("%+v", imported)
	}
	var list []wire.Unclaimed
	called(t, http.MethodGet, "/paywall/bank/unclaimed", "", &list)
	if len(list) != 2 {
		t.Fatalf("unclaimed: %+v", list)
	}
	var placed wire.Placed
	called(t, http.MethodPost, "/paywall/bank/assign", `{"id":"U1","intent":"`+strings.ToLower(mine)+`"}`, &placed)
	called(t, http.MethodPost, "/paywall/bank/return", `{"id":"U2"}`, &placed)
	called(t, http.MethodGet, "/paywall/bank/unclaimed", "", &list)
	if len(list) != 0 || s.balance(key) != "5.00" {
		t.Errorf("afterwards %+v is unclaimed, and the wallet has %s", list, s.balance(key))
	}
	if status, body := admin(t, http.MethodPost, "/paywall/bank/assign", `{"id":"U9","intent":"`+mine+`"}`); status != http.StatusNotFound {
		t.Errorf("money that is not there: %d %s", status, body)
	}
	s.verify()
}

// TestMoneyGoesBackByHand: a cash-out of a bank transfer waits for a person.
func TestMoneyGoesBackByHand(t *testing.T) {
	s := newSite(t, way("bank", ""), articlesFor20, new(articles))
	wallet, key := s.openWallet()
	_, reference := transferTo(t, wallet, "5")
	var imported wire.Import
	called(t, http.MethodPost, "/paywall/bank", statementOf(pretend.Transferred("C1", eur(t, "5"), time.Now().UTC(), reference)), &imported)
	app, err := liveApp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.topups.CashOut(context.Background(), wallet, paywall.NewID(), false); err != nil {
		t.Fatal(err)
	}
	var list []wire.CashOut
	called(t, http.MethodGet, "/paywall/bank/cashouts", "", &list)
	if len(list) != 1 || list[0].Reference != reference || list[0].Amount != "5.00" || list[0].Payment != "C1" {
		t.Fatalf("to send back: %+v", list)
	}
	var sent wire.CashOut
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status, body := admin(t, http.MethodPost, "/paywall/bank/sent", `{"part":"`+list[0].Part+`"}`)
		if status == http.StatusOK {
			if err := json.Unmarshal([]byte(body), &sent); err != nil {
				t.Fatal(err)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", status, body)
		}
	}
	if sent.State != string(paywall.CashOutDone) || s.balance(key) != "0.00" {
		t.Errorf("sent: %+v, the wallet has %s", sent, s.balance(key))
	}
	s.verify()
}

// TestVouchersAreListedAndRevoked: by the batch that they were made in.
func TestVouchersAreListedAndRevoked(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	_, key := s.openWallet()
	var made wire.Vouchers
	called(t, http.MethodPost, "/paywall/vouchers", `{"count":3,"amount":"5.00","campaign":"spring"}`, &made)
	redeem := func(code string) int {
		return s.do(http.MethodPost, "/.paywall/topup/voucher", `{"code":"`+code+`"}`, "Content-Type", "application/json", "Authorization", "Bearer "+key, "Accept", "application/json").StatusCode
	}
	if status := redeem(made.Codes[0]); status != http.StatusOK {
		t.Fatal(status)
	}
	var batches []wire.Batch
	called(t, http.MethodGet, "/paywall/vouchers", "", &batches)
	if len(batches) != 1 || batches[0].Count != 3 || batches[0].Redeemed != 1 || batches[0].Campaign != "spring" || batches[0].Amount != "15.00" {
		t.Fatalf("%+v", batches)
	}
	var revoked wire.Revoked
	order, err := json.Marshal(wire.Revoke{Batch: batches[0].Number})
	if err != nil {
		t.Fatal(err)
	}
	called(t, http.MethodPost, "/paywall/vouchers/revoke", string(order), &revoked)
	if revoked.Revoked != 2 || redeem(made.Codes[1]) == http.StatusOK || s.balance(key) != "5.00" {
		t.Errorf("revoked %d, and the wallet has %s", revoked.Revoked, s.balance(key))
	}
	if status, _ := admin(t, http.MethodPost, "/paywall/vouchers/revoke", `{"batch":9999}`); status != http.StatusNotFound {
		t.Errorf("a batch that is none: %d", status)
	}
	s.verify()
}
