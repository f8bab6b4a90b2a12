package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What Chromium tells other sites of a reader, and what it keeps from before a purchase.

func (b *browser) setCookie(name, value, path string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.url + path, Path: path}); err != nil {
		b.t.Fatal(err)
	}
}

func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// TestNoSiteLearnsWhatItsVisitorBought from the window in which it opened an article.
func TestNoSiteLearnsWhatItsVisitorBought(t *testing.T) {
	s := startShop(t, "0.20")
	wallet := newScript(s, "1.00")
	if _, err := s.buy(wallet.key, "/articles/bought"); err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Other</title><button onclick='w = window.open(%q)'>Open</button>`, s.url+"/articles/"+r.URL.Query().Get("a"))
	}))
	defer other.Close()
	b := newBrowser(t, s.url, true)
	b.open("/other")
	b.setCookie("paywall_wallet", wallet.key, "/")
	b.url = other.URL
	for _, article := range []string{"bought", "unbought"} {
		b.open("/?a=" + article)
		b.do(chromedp.Click(chromedp.CSS("button")))
		time.Sleep(2 * time.Second)
		if closed := evaluate[bool](b, "w.closed"); !closed {
			t.Errorf("%s: the window can still be reached", article)
		}
	}
}

// TestAPageFetchedAheadIsNotShownAfterThePurchase, whichever way a page asks for it.
func TestAPageFetchedAheadIsNotShownAfterThePurchase(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := startSite(t, "log {\n\t\toutput file "+log+"\n\t}\n\tpaywall /articles/* 0.20", `header Content-Type text/html
	handle /articles/* {
		respond "<!doctype html><title>Shop</title><article>the paid words</article>"
	}
	respond `+"`<!doctype html><title>Front</title><a href=/articles/a>one</a> <a href=/articles/b>two</a> <a href=/articles/c download>three</a><link rel=prefetch href=/articles/b>"+
		`<script type=speculationrules>{"prefetch": [{"urls": ["/articles/a"], "eagerness": "immediate"}]}</script>`+"`")
	wallet := newScript(s, "1.00")
	b := newBrowser(t, s.url, true)
	for _, path := range []string{"/articles/a", "/articles/b"} {
		b.open("/")
		b.setCookie("paywall_wallet", wallet.key, "/")
		if !waitFor(30*time.Second, func() bool {
			for _, line := range readLog(t, log) {
				if line.Request.URI == path && line.Request.Headers.Get("Sec-Purpose") != "" {
					return true
				}
			}
			return false
		}) {
			t.Fatalf("%s was not fetched ahead", path)
		}
		time.Sleep(time.Second)
		if _, err := s.buy(wallet.key, path); err != nil {
			t.Fatal(err)
		}
		b.click(`a[href="` + path + `"]`)
		b.wantText("the paid words")
	}
	// A link that is to be saved is saved when it is paid for, and never as the purchase page.
	b.open("/")
	b.do(chromedp.Click(chromedp.CSS("a[download]")))
	asked := func() bool {
		for _, line := range readLog(t, log) {
			if line.Request.URI == "/articles/c" {
				if line.Status != http.StatusPaymentRequired {
					t.Errorf("a download is answered with %d", line.Status)
				}
				return true
			}
		}
		return false
	}
	if !waitFor(30*time.Second, asked) {
		t.Error("the download was not asked for")
	}
}
