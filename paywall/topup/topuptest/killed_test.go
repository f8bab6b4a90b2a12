package topuptest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
	"github.com/tuppence/tuppence/paywall/topup/topuptest"
)

const (
	kills      = 20
	deliveries = 10_000
	sessions   = 1400 // of about eight calls each
	payers     = 500
	atOnce     = 4 // readers who pay
)

// street is what lies between a bank and a shop that is killed again and again: calls are
// doubled, and some are cut before or after the shop has done what they ask.
type street struct {
	t         *testing.T
	dir, bank string
	client    http.Client

	mu    sync.RWMutex
	shop  *exec.Cmd
	where string // the shop's address

	begun, calls, doubled, refused, cut atomic.Int64
}

// start opens the shop, after the last one was killed.
func (s *street) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shop != nil {
		if err := s.shop.Process.Kill(); err != nil {
			s.t.Error(err)
		}
		_ = s.shop.Wait() // killed
	}
	s.shop = exec.Command(os.Args[0])
	s.shop.Env = append(os.Environ(), victimDir+"="+s.dir, victimBank+"="+s.bank)
	s.shop.Stderr = os.Stderr
	out, err := s.shop.StdoutPipe()
	if err == nil {
		err = s.shop.Start()
	}
	if err != nil {
		s.t.Error(err)
		return
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.t.Errorf("the shop does not open: %v", err)
	}
	s.where = "http://" + strings.TrimSpace(line)
}

func (s *street) stop() {
	_ = s.shop.Process.Kill() // it is no harm if it is gone
	_ = s.shop.Wait()
}

// post sends something to the shop. One that is killed meanwhile answers 502.
func (s *street) post(path string, header http.Header, body []byte) (int, []byte) {
	s.mu.RLock()
	where := s.where
	s.mu.RUnlock()
	r, err := http.NewRequest(http.MethodPost, where+path, bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return http.StatusBadGateway, nil
	}
	r.Header = header
	answer, err := s.client.Do(r)
	if err != nil {
		return http.StatusBadGateway, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return http.StatusBadGateway, nil
	}
	return answer.StatusCode, text
}

// ServeHTTP takes a call of the bank's to the shop.
func (s *street) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	chance := mathrand.IntN(100)
	if err != nil || chance < 2 {
		s.cut.Add(1)
		panic(http.ErrAbortHandler) // before
	}
	s.calls.Add(1)
	if mathrand.IntN(100) < 30 {
		s.doubled.Add(1)
		s.calls.Add(1)
		go s.post("/hook", r.Header.Clone(), body)
	}
	code, _ := s.post("/hook", r.Header.Clone(), body)
	if code >= http.StatusInternalServerError {
		s.refused.Add(1)
	}
	if chance < 4 {
		s.cut.Add(1)
		panic(http.ErrAbortHandler) // after
	}
	w.WriteHeader(code)
}

// payer is a wallet and what its reader is to have in it.
type payer struct {
	id     string
	key    paywall.Hash
	micros int64
}

// TestTenThousandCallsAndTwentyKillsMoveEachCentOnce is the acceptance of money in, and row L14: calls
// of the pretend bank come doubled, shuffled and cut, a part is answered 500, and the shop
// is killed while it works on them.
func TestTenThousandCallsAndTwentyKillsMoveEachCentOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	began := time.Now()
	bank := pretend.New(pretend.Options{
		BookAfter: 30 * time.Millisecond, ArriveAfter: 100 * time.Millisecond,
		Retry: []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, time.Second, time.Second, 2 * time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second},
	})
	defer bank.Close()
	api := httptest.NewServer(bank)
	defer api.Close()
	s := &street{t: t, dir: t.TempDir(), bank: api.URL, client: http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	hooks := httptest.NewUnstartedServer(s)
	hooks.Config.ErrorLog = nil
	hooks.Start()
	defer hooks.Close()
	readers := s.openWallets()
	bank.Subscribe(pretend.Endpoint{URL: hooks.URL, Secrets: []string{hookSecret}})
	bank.Deliver(pretend.Delivery{Shuffle: true, Late: 300 * time.Millisecond})

	s.start()
	defer func() { s.stop() }()
	var people sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		people.Go(func() {
			for n := int(next.Add(1)); s.begun.Load() < sessions && !t.Failed(); n = int(next.Add(1)) {
				for s.begun.Load()*deliveries > (s.calls.Load()+deliveries/20)*sessions {
					time.Sleep(time.Millisecond) // the bank calls later than readers pay
				}
				s.payIn(bank, &readers[n%payers], n)
			}
		})
	}
	for n := range int64(kills) {
		for s.calls.Load() < (n+1)*deliveries*9/10/kills && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		s.start()
	}
	people.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if err := bank.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	s.stop()
	t.Logf("%d calls, %d of them doubles, %d answered 5xx, %d cut, %d sessions, %d kills, in %s",
		s.calls.Load(), s.doubled.Load(), s.refused.Load(), s.cut.Load(), s.begun.Load(), kills, time.Since(began))
	if s.calls.Load() < deliveries {
		t.Errorf("%d calls came instead of %d", s.calls.Load(), deliveries)
	}
	s.check(bank, readers)
	t.Logf("checked after %s", time.Since(began))
}

// openWallets makes the readers' wallets while nobody kills.
func (s *street) openWallets() []payer {
	s.t.Helper()
	l, err := openShop(s.dir, s.bank, func() bool { return false })
	if err != nil {
		s.t.Fatal(err)
	}
	readers := make([]payer, payers)
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			keys, _ := paywall.NewWalletKey().Hashes()
			w, err := l.OpenWallet(s.t.Context(), keys, paywall.Welcome{})
			if err != nil {
				s.t.Error(err)
			}
			readers[i] = payer{id: w.ID, key: keys.Key}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		s.t.Fatal(err)
	}
	return readers
}

// payIn has the reader number n pay at the bank, and what chance wants become of it.
func (s *street) payIn(bank *pretend.Bank, p *payer, n int) {
	form := url.Values{"wallet": {p.id}, "network": {fmt.Sprintf("10.%d.%d.%d/32", n>>16&255, n>>8&255, n&255)}}
	code, object := s.post("/begin", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
	if code != http.StatusOK {
		return // killed, or the ledger was away; the next reader tries
	}
	s.begun.Add(1)
	fate := mathrand.IntN(100)
	action, paid := pretend.Pay, true
	switch {
	case fate < 5:
		action = pretend.PayLater
	case fate < 10:
		action, paid = pretend.PayLaterFails, false
	}
	if _, err := bank.Press(string(object), action); err != nil {
		s.t.Error(err)
		return
	}
	if !paid {
		return
	}
	left := topUp.Micros
	if fate >= 90 && fate < 95 {
		left -= s.refund(bank, string(object))
	}
	atomic.AddInt64(&p.micros, left)
}

// refund gives a fifth of a session's payment back at the bank.
func (s *street) refund(bank *pretend.Bank, session string) int64 {
	const cents = 100
	payment := ""
	err := bank.Edit(session, func(o map[string]any) { payment, _ = o["payment_intent"].(string) })
	if err == nil {
		_, err = bank.Refund(payment, cents)
	}
	if err != nil {
		s.t.Error(err)
		return 0
	}
	return cents * 10_000
}

// check holds the ledger against what the readers paid, the bank, and itself.
func (s *street) check(bank *pretend.Bank, readers []payer) {
	l, err := openShop(s.dir, s.bank, func() bool { return false })
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx := s.t.Context()
	wrong, sum := 0, int64(0)
	for _, p := range readers {
		w, err := l.Wallet(ctx, p.key)
		if err != nil {
			s.t.Fatal(err)
		}
		sum += w.Balance.Micros
		if w.Balance.Micros != p.micros {
			wrong++
		}
	}
	if wrong > 0 {
		s.t.Errorf("%d wallets of %d have something else than their readers paid", wrong, len(readers))
	}
	out, err := l.service.Reconcile(ctx, time.Time{}, nil)
	if err != nil || !out.OK() || out.Mended != 0 {
		s.t.Errorf("reconciliation: %d differences left, %d booked now (%v): %+v", out.Open, out.Mended, err, out.Differences[:min(3, len(out.Differences))])
	}
	report, err := l.Verify(ctx)
	if err != nil || !report.OK {
		s.t.Errorf("the ledger does not verify: %v, %v", report.Problems, err)
	}
	account := int64(0) // what the ledger says that the provider has
	for m, err := range l.Movements(ctx, time.Time{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		switch m.Kind {
		case paywall.MovedPayment:
			account += m.Amount.Micros
		case paywall.MovedFee, paywall.MovedRefund:
			account -= m.Amount.Micros
		default:
			s.t.Errorf("nobody made a %s", m.Kind)
		}
	}
	if funds := bank.Funds(strings.ToLower(string(topuptest.Currency))) * 10_000; account != funds {
		s.t.Errorf("the bank holds %d, the ledger says %d", funds, account)
	}
	s.t.Logf("%d payments, %d in wallets, %d records", out.There, sum, report.Transfers)
}
