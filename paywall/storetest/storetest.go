// Package storetest proves an engine through [ledger.New]. A ledger on an engine that
// passes keeps every promise, alone and under parallel calls, and proves itself after
// each block.
package storetest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// Currency of the stores under test.
const Currency paywall.Currency = "EUR"

// site is where everything in the suite is sold.
const site = "https://news.example"

// refundTime of all purchases, unless a test says otherwise.
const refundTime = 30 * time.Minute

// Open makes a ledger on an empty engine in [Currency] that takes the time from now. It is
// closed by t.Cleanup.
type Open = func(t *testing.T, now func() time.Time) *ledger.Ledger

// Run checks an engine by what a ledger on it does.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) *ledger.Ledger) {
	for _, block := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"Wallets", testWallets},
		{"Devices", testDevices},
		{"DropOthers", testDropOthers},
		{"ManyDevices", testManyDevices},
		{"Passkeys", testPasskeys},
		{"Tips", testTips},
		{"SharesOfTips", testSharesOfTips},
		{"WalletExport", testWalletExport},
		{"Gifts", testGifts},
		{"GiftsEnd", testGiftsEnd},
		{"Erase", testErase},
		{"EraseLong", testEraseLong},
		{"Unlock", testUnlock},
		{"Offers", testOffers},
		{"Access", testAccess},
		{"LetterCase", testLetterCase},
		{"Refund", testRefund},
		{"RefundLimit", testRefundLimit},
		{"Budget", testBudget},
		{"Auto", testAuto},
		{"UndoneIsAskedFor", testUndoneIsAskedFor},
		{"I17ParallelUnasked", testI17ParallelUnasked},
		{"Forget", testForget},
		{"Cap", testCap},
		{"CapEndsUndoing", testCapEndsUndoing},
		{"UndoOnce", testUndoOnce},
		{"FreeCredit", testFreeCredit},
		{"FreeCreditIsNotFarmed", testFreeCreditIsNotFarmed},
		{"WelcomeLimit", testWelcomeLimit},
		{"Quote", testQuote},
		{"QuoteSaysWhatUnlockDoes", testQuoteSaysWhatUnlockDoes},
		{"Shares", testShares},
		{"Vouchers", testVouchers},
		{"Revoked", testRevoked},
		{"History", testHistory},
		{"Pages", testPages},
		{"Bought", testBought},
		{"LongExport", testLongExport},
		{"Kept", testKept},
		{"Stats", testStats},
		{"Export", testExport},
		{"Backup", testBackup},
		{"Context", testContext},
		{"Strange", testStrange},
		{"TopUps", testTopUps},
		{"TooManyTopUps", testTooManyTopUps},
		{"Movements", testMovements},
		{"Owing", testOwing},
		{"PaidCreditGoesFirst", testPaidCreditGoesFirst},
		{"Disputes", testDisputes},
		{"CashOut", testCashOut},
		{"CanceledStays", testCanceledStays},
		{"FreeCreditIsNotPaidOut", testFreeCreditIsNotPaidOut},
		{"Closing", testClosing},
		{"Unclaimed", testUnclaimed},
		{"FundingOfErased", testFundingOfErased},
		{"AnyOrder", testAnyOrder},
		{"ParallelFunding", testParallelFunding},
		{"ParallelGifts", testParallelGifts},
		{"Parallel", testParallel},
		{"Linearizable", testLinearizable},
	} {
		t.Run(block.name, func(t *testing.T) {
			h := newSuite(t, open)
			block.test(t, h)
			h.verify()
		})
	}
	for name, money := range map[string]bool{"Model": false, "ModelOfMoney": true} {
		t.Run(name, func(t *testing.T) {
			testModel(t, rapid.Just(money), func(t *testing.T, now func() time.Time) (*ledger.Ledger, Mortal) { return open(t, now), nil })
		})
	}
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// suite is a store with what a test needs around it.
type suite struct {
	t     testing.TB
	store *ledger.Ledger
	clock *clock
}

func newSuite(t *testing.T, open Open) *suite {
	c := &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	return &suite{t: t, store: open(t, c.now), clock: c}
}

func euro(cents int64) paywall.Money {
	return paywall.Money{Micros: cents * 10_000, Currency: Currency}
}

// reader is a wallet and its key.
type reader struct {
	paywall.Wallet
	keys paywall.KeyHashes
}

func newKeys(t testing.TB) paywall.KeyHashes {
	t.Helper()
	keys, ok := paywall.NewWalletKey().Hashes()
	if !ok {
		t.Fatal("a new key has no hashes")
	}
	return keys
}

// payer opens a wallet and pays so many cents in.
func (h *suite) payer(cents int64) reader {
	h.t.Helper()
	r := h.reader(0)
	voucher := code(paywall.NewID())
	if err := h.store.AddVouchers(h.t.Context(), []paywall.Voucher{{Code: voucher, Amount: euro(cents)}}); err != nil {
		h.t.Fatalf("making a voucher: %v", err)
	}
	if _, err := h.store.Redeem(h.t.Context(), r.ID, voucher); err != nil {
		h.t.Fatalf("paying in: %v", err)
	}
	r.Balance = euro(cents)
	return r
}

// reader opens a wallet with so many cents of free credit.
func (h *suite) reader(cents int64) reader {
	h.t.Helper()
	keys := newKeys(h.t)
	w, err := h.store.OpenWallet(h.t.Context(), keys, paywall.Welcome{Amount: euro(cents)})
	if err != nil {
		h.t.Fatalf("opening a wallet: %v", err)
	}
	return reader{w, keys}
}

// offer quotes a resource.
func (h *suite) offer(resource string, cents int64) paywall.Offer {
	now := h.clock.now()
	return paywall.Offer{
		ID: paywall.NewID(), Site: site, Checkout: site, Resource: resource,
		URL: paywall.EscapePath(resource), Title: "About " + resource,
		Price: euro(cents), IssuedAt: now, ExpiresAt: now.Add(paywall.OfferTTL),
	}
}

func (h *suite) unlock(r reader, o paywall.Offer) (paywall.Receipt, error) {
	return h.store.Unlock(h.t.Context(), paywall.Purchase{Wallet: r.ID, Offer: o, Refund: refundTime})
}

// buy is unlock that must succeed.
func (h *suite) buy(r reader, o paywall.Offer) paywall.Receipt {
	h.t.Helper()
	receipt, err := h.unlock(r, o)
	if err != nil {
		h.t.Fatalf("buying %s: %v", o.Resource, err)
	}
	return receipt
}

func (h *suite) balance(r reader) int64 {
	h.t.Helper()
	w, err := h.store.Wallet(h.t.Context(), r.keys.Key)
	if err != nil {
		h.t.Fatalf("reading a balance: %v", err)
	}
	return w.Balance.Micros / 10_000
}

func (h *suite) wantBalance(r reader, cents int64) {
	h.t.Helper()
	if got := h.balance(r); got != cents {
		h.t.Errorf("the balance is %d cents, want %d", got, cents)
	}
}

func (h *suite) wantError(err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Errorf("got error %v, want %v", err, want)
	}
}

func (h *suite) verify() {
	h.t.Helper()
	report, err := h.store.Verify(h.t.Context())
	if err != nil {
		h.t.Fatalf("verifying: %v", err)
	}
	if !report.OK || len(report.Problems) > 0 {
		h.t.Fatalf("the ledger is wrong: %q", report.Problems)
	}
	if report.Transfers == 0 || report.Seq != report.Transfers || report.Head == "" {
		h.t.Errorf("the report is %+v: not one transfer for each number", report)
	}
}

// line is a transfer as it is exported.
type line struct {
	Seq   uint64      `json:"seq"`
	Time  time.Time   `json:"time"`
	Kind  string      `json:"kind"`
	Cause string      `json:"cause"`
	Legs  [][2]string `json:"legs"`
	Prev  string      `json:"prev"`
	Hash  string      `json:"hash"`
}

func (h *suite) export() (raw []byte, lines []line) {
	h.t.Helper()
	var b bytes.Buffer
	if err := h.store.Export(h.t.Context(), &b); err != nil {
		h.t.Fatalf("exporting: %v", err)
	}
	scanner := bufio.NewScanner(bytes.NewReader(b.Bytes()))
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			h.t.Fatalf("an exported line is not JSON: %v\n%s", err, scanner.Bytes())
		}
		lines = append(lines, l)
	}
	return b.Bytes(), lines
}

func contains(raw []byte, word string) bool { return bytes.Contains(raw, []byte(word)) }

// code is the hash of a voucher that a test names.
func code(name string) paywall.Hash { return sha256.Sum256([]byte(name)) }

// together runs n calls that start at the same moment.
func together(n int, call func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			call(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}
