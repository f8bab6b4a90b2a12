package caddymodule

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestReloadChangesThePriceAndKeepsOffers(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key, shown := s.wallet(), s.offer("/articles/a")

	if err := s.load(strings.ReplaceAll(articlesFor20, "0.20", "0.35")); err != nil {
		t.Fatal(err)
	}
	if a, r := s.unlock(key, shown); r.Paid != "0.20" {
		t.Errorf("an offer shown before the reload: %s: %s", a.Status, a.body)
	}
	if a, r := s.unlock(key, s.offer("/articles/b")); r.Paid != "0.35" {
		t.Errorf("an offer shown after the reload: %s: %s", a.Status, a.body)
	}
	s.verify()
}

func TestRefusedReloadChangesNothing(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key := s.wallet()
	for _, broken := range []string{
		"paywall /articles/* 0\n\treverse_proxy UPSTREAM",                        // refused by the parser
		"paywall /articles/* 0.30\n\treverse_proxy {\n\t\tdynamic nonsense\n\t}", // by another module's parser
		"route {\n\t\treverse_proxy UPSTREAM\n\t\tpaywall /articles/* 0.30\n\t}", // in Provision
		"tls /nowhere.pem /nowhere.key\n\tpaywall /articles/* 0.30\n\treverse_proxy UPSTREAM",
	} {
		if err := s.load(broken); err == nil {
			t.Fatalf("accepted: %s", broken)
		}
		if refs, _ := vaults.References(s.dir); refs != 1 {
			t.Fatalf("%d references to the store after a refused reload", refs)
		}
	}
	if a, r := s.unlock(key, s.offer("/articles/a")); r.Paid != "0.20" {
		t.Errorf("after refused reloads: %s: %s", a.Status, a.body)
	}
	s.verify()
}

// TestRefusedStartReleasesTheStore: the ledger says no only once it is open,
// which is in Start, after everything was provisioned.
func TestRefusedStartReleasesTheStore(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	s.reloading.Store(true)
	for range 3 {
		config := strings.Replace(s.caddyfile(articlesFor20), "currency EUR", "currency USD", 1)
		adapted, err := adapt(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := caddy.Load(adapted, true); err == nil || !strings.Contains(err.Error(), "currency") {
			t.Fatalf("a store in EUR opened in USD: %v", err)
		}
	}
	if refs, _ := vaults.References(s.dir); refs != 1 {
		t.Errorf("%d references to the store", refs)
	}
	if a := s.get("/articles/a", "Accept", "application/json"); a.StatusCode != http.StatusPaymentRequired {
		t.Errorf("after refused starts: %s", a.Status)
	}
}

func TestReloadsUnderLoadLoseNoRequestAndNoCent(t *testing.T) {
	s := newSite(t, "welcome 900.00", articlesFor20, new(articles))
	key := s.wallet()
	_, bought := s.unlock(key, s.offer("/articles/read"))

	stop := make(chan struct{})
	var readers, buyers sync.WaitGroup
	var reads, failed atomic.Int64
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a := s.get("/articles/read", "Authorization", "Bearer "+bought.Token)
				reads.Add(1)
				if a.StatusCode != http.StatusOK {
					failed.Add(1)
					t.Errorf("a reader got %s during a reload: %s", a.Status, a.body)
				}
			}
		})
	}
	var sold atomic.Int64
	for b := range 2 {
		buyers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				path := "/articles/" + string(rune('a'+b)) + strings.Repeat("x", i%40) + time.Now().Format("150405.000000")
				if a, _ := s.unlock(key, s.offer(path)); a.StatusCode != http.StatusOK {
					t.Errorf("a buyer got %s during a reload: %s", a.Status, a.body)
					return
				}
				sold.Add(1)
			}
		})
	}
	s.reloading.Store(true)
	for i := range 20 {
		time.Sleep(20 * time.Millisecond)
		price := []string{"0.20", "0.25"}[i%2]
		if err := s.load(strings.ReplaceAll(articlesFor20, "0.20", price)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	buyers.Wait()
	if refs, _ := vaults.References(s.dir); refs != 1 {
		t.Errorf("%d references to the store after reloads", refs)
	}
	t.Logf("%d reads (%d failed), %d sales, %d connections dropped during 20 reloads",
		reads.Load(), failed.Load(), sold.Load(), s.dropped.Load())
	s.verify()
}

// TestValidateBesideARunningServer: validating provisions, and must not open,
// lock or make anything.
func TestValidateBesideARunningServer(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	if err := validate(t, s.caddyfile(articlesFor20)); err != nil {
		t.Error(err)
	}
	if refs, _ := vaults.References(s.dir); refs != 1 {
		t.Errorf("%d references to the store after validating", refs)
	}
}
