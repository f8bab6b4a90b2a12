package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// buyers are programs that open a wallet and buy the article, each once.
var buyers = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}

// afterwork is what the ledger needs to bring what was bought to Badger. It belongs to the
// purchases and not to the requests that follow.
const afterwork = time.Second

// bought are the cookies of readers who have each just bought the article from the
// gated server, over HTTP, with a wallet of their own. The server signed the tokens.
func (s *servers) bought(count int) ([]string, error) {
	offer, err := s.offer()
	if err != nil {
		return nil, err
	}
	cookies, errs := make([]string, count), make([]error, connections)
	var taken atomic.Int64
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for next := taken.Add(1) - 1; next < int64(count) && errs[i] == nil; next = taken.Add(1) - 1 {
				cookies[next], errs[i] = s.buy(offer)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	time.Sleep(afterwork)
	return cookies, nil
}

// buy opens a wallet, whose welcome credit pays for the offer, and answers the cookie.
func (s *servers) buy(offer string) (string, error) {
	var wallet struct {
		Key string `json:"wallet_key"`
	}
	if err := s.post("wallet", "", "{}", http.StatusCreated, &wallet); err != nil {
		return "", err
	}
	var sold struct{ Token string }
	if err := s.post("unlock", wallet.Key, fmt.Sprintf(`{"offer":%q}`, offer), http.StatusOK, &sold); err != nil {
		return "", err
	}
	return accessCookie(sold.Token), nil
}

// offer is one for the article. In a crowd the gate hands the same to many.
func (s *servers) offer() (string, error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+s.gated+article, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Accept", "application/json")
	var problem struct{ Offer string }
	return problem.Offer, ask(r, http.StatusPaymentRequired, &problem)
}

func (s *servers) post(path, bearer, body string, status int, into any) error {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.gated+"/.paywall/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return ask(r, status, into)
}

func ask(r *http.Request, status int, into any) error {
	resp, err := buyers.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("buying: %s is answered %s: %s", r.URL.Path, resp.Status, bytes.TrimSpace(body))
	}
	return json.Unmarshal(body, into)
}

func accessCookie(raw string) string { return "; " + paywall.AccessCookie.On(false) + "=" + raw }
