package caddymodule

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const articlesFor20 = `paywall /articles/* 0.20
	reverse_proxy UPSTREAM`

func TestReaderBuysOneArticle(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	key := s.wallet()

	a, r := s.unlock(key, s.offer("/articles/a"))
	if a.StatusCode != http.StatusOK || r.Paid != "0.20" || r.Balance != "0.40" || r.AlreadyOwned || r.Resource != "/articles/a" {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	page := s.get("/articles/a", "Authorization", "Bearer "+r.Token)
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "canary of /articles/a") {
		t.Fatalf("%s: %s", page.Status, page.body)
	}
	if got := page.Header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if other := s.get("/articles/b", "Authorization", "Bearer "+r.Token); other.StatusCode != http.StatusForbidden ||
		!strings.Contains(other.Header.Get("WWW-Authenticate"), "insufficient_scope") {
		t.Errorf("the token on another article: %s", other.Status)
	}
	s.verify()
}

func TestNavigationIsSentToThePurchasePage(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	a := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
	location := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, "/.paywall/unlock?offer=") {
		t.Fatalf("%s to %q", a.Status, location)
	}
	if strings.Contains(a.body, "canary") {
		t.Error("the redirect carries the article")
	}
	page := s.get(location, "Accept", "text/html")
	for _, want := range []string{"Pay €0.20 and read", "On /articles/a"} {
		if page.StatusCode != http.StatusOK || !strings.Contains(page.body, want) {
			t.Errorf("%s: no %q in the purchase page", page.Status, want)
		}
	}
}

func TestG16ThirtyPostsOfOneOfferDebitOnce(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	key, offer := s.wallet(), s.offer("/articles/a")
	s.race(30, func(int) { s.unlock(key, offer) })
	s.wantBalance(key, "0.40")
	s.verify()
}

func TestG17ThirtyOffersForOneArticleDebitOnce(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	key := s.wallet()
	offers := make([]string, 30)
	for i := range offers {
		offers[i] = s.offer("/articles/a")
	}
	s.race(len(offers), func(i int) { s.unlock(key, offers[i]) })
	s.wantBalance(key, "0.40")
	s.verify()
}

func TestThirtyPurchasesWithMoneyForOne(t *testing.T) {
	s := newSite(t, "welcome 0.20", articlesFor20, new(articles))
	key := s.wallet()
	offers := make([]string, 30)
	for i := range offers {
		offers[i] = s.offer("/articles/" + string(rune('a'+i)))
	}
	var mu sync.Mutex
	status := map[int]int{}
	s.race(len(offers), func(i int) {
		a, _ := s.unlock(key, offers[i])
		mu.Lock()
		defer mu.Unlock()
		status[a.StatusCode]++
	})
	if status[http.StatusOK] != 1 || status[http.StatusPaymentRequired] != 29 {
		t.Errorf("answers: %v", status)
	}
	s.wantBalance(key, "0.00")
	s.verify()
}

func TestE22RefundClosesTheArticleAtOnce(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	key := s.wallet()
	_, r := s.unlock(key, s.offer("/articles/a"))
	a := s.do(http.MethodPost, "/.paywall/refund", `{"unlock_id":"`+r.UnlockID+`"}`,
		"Content-Type", "application/json", "Authorization", "Bearer "+key)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	if page := s.get("/articles/a", "Authorization", "Bearer "+r.Token); page.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the refund: %s", page.Status)
	}
	s.wantBalance(key, "0.60")
	s.verify()
}

func TestG22WhatTheSiteDoesNotDeliverIsNeverSold(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	if a := s.get("/articles/missing", "Accept", "text/html"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a page that the site does not have: %s", a.Status)
	}
}

// TestG21APurchaseDoesNotDependOnTheSite: what was offered is bought while the
// site is down, and opens when it is back; what it does not deliver is not offered.
func TestG21APurchaseDoesNotDependOnTheSite(t *testing.T) {
	var down atomic.Bool
	pages := new(articles)
	s := newSite(t, "welcome 0.60", articlesFor20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		pages.ServeHTTP(w, r)
	}))
	key, offer := s.wallet(), s.offer("/articles/a")
	down.Store(true)
	a, r := s.unlock(key, offer)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", a.Status, a.body)
	}
	if page := s.get("/articles/a", "Authorization", "Bearer "+r.Token); page.StatusCode != http.StatusBadGateway {
		t.Errorf("while the site is down: %s", page.Status)
	}
	if other := s.get("/articles/b", "Accept", "application/json"); other.StatusCode != http.StatusBadGateway {
		t.Errorf("an article that nobody could read is offered: %s", other.Status)
	}
	down.Store(false)
	if page := s.get("/articles/a", "Authorization", "Bearer "+r.Token); page.StatusCode != http.StatusOK {
		t.Errorf("when the site is back: %s", page.Status)
	}
	s.wantBalance(key, "0.40")
	s.verify()
}

// race calls f n times at once.
func (s *site) race(n int, f func(i int)) {
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			f(i)
		})
	}
	start.Done()
	done.Wait()
}

func (s *site) wantBalance(key, want string) {
	s.t.Helper()
	var wallet struct {
		Balance string `json:"balance"`
	}
	s.get("/.paywall/wallet", "Accept", "application/json", "Authorization", "Bearer "+key).json(s.t, &wallet)
	if wallet.Balance != want {
		s.t.Errorf("balance %s, want %s", wallet.Balance, want)
	}
}
