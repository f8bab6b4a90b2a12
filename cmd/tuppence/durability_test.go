package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKilledServerKeepsEveryAcknowledgedPurchase kills the server three times
// in the course of a thousand purchases by sixteen buyers, who note what was
// acknowledged.
func TestKilledServerKeepsEveryAcknowledgedPurchase(t *testing.T) {
	const purchases, buyers, kills = 1000, 16, 3
	s := startShop(t, "0.20")
	wallet := s.openWallet()
	s.topUp(wallet.Key, "1000.00")

	var mu sync.Mutex
	acknowledged := map[string]receipt{} // path → receipt
	next := make(chan int)
	var wg sync.WaitGroup
	for range buyers {
		wg.Go(func() {
			for i := range next {
				path := fmt.Sprintf("/articles/%d", i)
				r, err := s.buy(wallet.Key, path)
				for tries := 0; err != nil && tries < 1000; tries++ { // the server died
					time.Sleep(20 * time.Millisecond)
					r, err = s.buy(wallet.Key, path)
				}
				if err != nil {
					t.Errorf("%s: %v", path, err)
					continue
				}
				mu.Lock()
				acknowledged[path] = r
				mu.Unlock()
			}
		})
	}
	killAt := map[int]bool{}
	for len(killAt) < kills {
		killAt[100+rand.IntN(purchases-200)] = true
	}
	for i := range purchases {
		if killAt[i] {
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			s.kill()
			s.start()
		}
		next <- i
	}
	close(next)
	wg.Wait()
	s.kill()
	s.start()

	if len(acknowledged) != purchases {
		t.Fatalf("%d purchases were acknowledged", len(acknowledged))
	}
	for path, r := range acknowledged {
		if status, err := s.call(http.MethodGet, path, r.Token, nil, nil); err != nil || status != http.StatusOK {
			t.Fatalf("%s was acknowledged and now answers %d, %v", path, status, err)
		}
	}
	if got := s.balance(wallet.Key); got != "800.00" {
		t.Errorf("balance %s after %d purchases at 0.20 from 1000.00", got, purchases)
	}
	s.wantSound()
}

// wantSound runs the verify command.
func (s *server) wantSound() {
	s.t.Helper()
	var report struct {
		OK       bool
		Seq      uint64
		Problems []string
	}
	out := s.mustRun("paywall", "verify", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.OK || len(report.Problems) > 0 {
		s.t.Errorf("verify: %v: %s", err, out)
	}
}

func TestReloadUnderLoadDropsNothing(t *testing.T) {
	s := startShop(t, "0.20")
	wallet := s.openWallet()
	s.topUp(wallet.Key, "1000.00")
	var shown struct{ Offer string }
	if _, err := s.call(http.MethodGet, "/articles/shown-before", "", nil, &shown); err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var wg sync.WaitGroup
	for b := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				r, err := s.buy(wallet.Key, fmt.Sprintf("/articles/%d-%d", b, i))
				if err != nil || r.Paid != "0.20" && r.Paid != "0.30" {
					t.Errorf("during a reload: %+v, %v", r, err)
					return
				}
			}
		})
	}
	config := s.readConfig()
	for i := range 6 {
		price := []string{"0.30", "0.20"}[i%2]
		s.write(strings.Replace(config, "/articles/* 0.20", "/articles/* "+price, 1))
		s.mustRun("reload", "--config", s.config, "--adapter", "caddyfile")
		time.Sleep(100 * time.Millisecond)
	}
	s.write(strings.Replace(config, "/articles/* 0.20", "/articles/* 0.30", 1))
	s.mustRun("reload", "--config", s.config, "--adapter", "caddyfile")
	close(stop)
	wg.Wait()

	if r, err := s.unlock(wallet.Key, shown.Offer); err != nil || r.Paid != "0.20" {
		t.Errorf("an offer shown before the reload: %+v %v", r, err)
	}
	if r, err := s.buy(wallet.Key, "/articles/new"); err != nil || r.Paid != "0.30" {
		t.Errorf("an offer shown after the reload: %+v %v", r, err)
	}

	s.write(strings.Replace(config, "/articles/* 0.20", "/articles/* -1", 1))
	if _, err := s.run("reload", "--config", s.config, "--adapter", "caddyfile"); err == nil || !strings.Contains(err.Error(), "Caddyfile:9") {
		t.Errorf("a refused reload says: %v", err)
	}
	if r, err := s.buy(wallet.Key, "/articles/after-refusal"); err != nil || r.Paid != "0.30" {
		t.Errorf("after a refused reload: %+v %v", r, err)
	}
	s.write(config)
	s.mustRun("validate", "--config", s.config, "--adapter", "caddyfile")
	s.wantSound()
}

func TestVerifyOfAStoppedServersFolder(t *testing.T) {
	s := startShop(t, "0.20")
	wallet := s.openWallet()
	s.topUp(wallet.Key, "1.00")
	if _, err := s.buy(wallet.Key, "/articles/a"); err != nil {
		t.Fatal(err)
	}
	s.kill()
	out := s.mustRun("paywall", "verify", "--json", "--dir", s.home+"/caddy/paywall")
	if !strings.Contains(out, `"ok":true`) {
		t.Error(out)
	}
	if out, err := s.run("paywall", "verify"); err == nil {
		t.Errorf("verify without a server: %s", out)
	}
}
