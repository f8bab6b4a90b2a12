package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Cookie trouble as Chromium has it.

// traffic is what a tab sent and got.
type traffic struct {
	mu      sync.Mutex
	largest int   // header fields of one request in bytes
	cookies int   // the largest Cookie header
	longest int   // address in bytes
	refused int64 // a status 400 or above, 0 if there was none
}

func (t *traffic) see(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		t.longest = max(t.longest, len(e.Request.URL))
	case *network.EventRequestWillBeSentExtraInfo:
		head := 0
		for name, value := range e.Headers {
			field := len(fmt.Sprint(value))
			if strings.EqualFold(name, "Cookie") {
				t.cookies = max(t.cookies, field)
			}
			head += len(name) + field + len(": \r\n")
		}
		t.largest = max(t.largest, head)
	case *network.EventResponseReceivedExtraInfo:
		if e.StatusCode >= http.StatusBadRequest {
			t.refused = e.StatusCode
		}
	}
}

// watch begins to look at a browser's traffic.
func (b *browser) watch() *traffic {
	b.t.Helper()
	seen := new(traffic)
	if err := chromedp.Listen(b.ctx, seen.see); err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	return seen
}

// cookieNames are the names of the cookies that a page is sent.
func (b *browser) cookieNames(path string) []string {
	b.t.Helper()
	res, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.url + path}})
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range res.Cookies {
		names = append(names, c.Name)
	}
	return names
}

// TestTheReaderOf120Articles buys them all, loses the tokens of the first
// sixty, and reads everything again.
func TestTheReaderOf120Articles(t *testing.T) {
	s := startShop(t, "0.20")
	b := newBrowser(t, s.url, false)
	article := func(i int) string {
		return fmt.Sprintf("/articles/2026/a-title-of-ordinary-length-as-newspapers-have-it-%d", i)
	}
	seen := b.watch()
	b.open("/.paywall/topup")
	b.fill(`input[name="code"]`, strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "24.00")))
	b.click(`form[action="/.paywall/topup/voucher"] button`)
	for i := range 120 {
		b.open(article(i))
		b.wantOn("/.paywall/unlock")
		b.click(payButton)
		b.wantOn(article(i))
	}
	b.open("/.paywall/wallet")
	b.wantText("€0.00")
	transfers := s.mustRun("paywall", "stats")

	for i := range 60 {
		_, err := chromedp.Call(b.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: "paywall_access", URL: b.url + article(i)})
		if err != nil {
			t.Fatal(err)
		}
		if names := b.cookieNames(article(i)); len(names) != 1 || names[0] != "paywall_wallet" {
			t.Fatalf("article %d still has %q", i, names)
		}
	}
	for i := range 120 {
		if status := b.open(article(i)); status != http.StatusOK {
			t.Errorf("article %d: %d", i, status)
		}
		b.wantOn(article(i))
		if names := b.cookieNames(article(i)); len(names) != 2 {
			t.Errorf("article %d is sent %q", i, names)
		}
	}
	b.open("/.paywall/wallet")
	b.wantText("€0.00")
	if after := s.mustRun("paywall", "stats"); after != transfers {
		t.Errorf("reading again moved money:\n%s%s", transfers, after)
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	t.Logf("at most %d bytes of header fields, %d of them cookies, and %d of an address", seen.largest, seen.cookies, seen.longest)
	if seen.largest+seen.longest > 8<<10 || seen.cookies == 0 || seen.longest == 0 {
		t.Error("a request was larger than 8 KB, or none was seen")
	}
	if seen.refused != 0 {
		t.Errorf("a request was answered with %d", seen.refused)
	}
	s.wantSound()
}

// TestF15BrowserWithCookiesOffIsToldWhy: and nothing is opened or charged.
func TestF15BrowserWithCookiesOffIsToldWhy(t *testing.T) {
	s := startExample(t)
	profile := t.TempDir()
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	const blocked = `{"profile":{"default_content_setting_values":{"cookies":2}}}`
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(blocked), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBrowserIn(t, profile, s.url, false)
	b.open(demoArticles[0])
	b.wantOn("/.paywall/unlock")
	if status := b.click(payButton); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
	b.wantText("Your browser keeps no cookies for this site")
	b.click(`a.pay`)
	b.wantOn("/.paywall/unlock") // the article's own way, still unpaid
	if stats := s.mustRun("paywall", "stats"); !strings.Contains(stats, "0, owed") {
		t.Errorf("a wallet was opened:\n%s", stats)
	}
	s.wantSound()
}

// TestF09ResetRemovesPlantedCookiesAndBringsTheWalletBack: two presses, and
// everything is there again but what was planted.
func TestF09ResetRemovesPlantedCookiesAndBringsTheWalletBack(t *testing.T) {
	s := startExample(t)
	b := newBrowser(t, s.url, true)
	b.buy(demoArticles[0])
	const plant = `for (const name of ["a", "b", "c"]) document.cookie = name + "=" + "j".repeat(4000) + "; path=/; max-age=9999"; document.cookie.length`
	if size, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](plant)); err != nil || size < 12000 {
		t.Fatal(size, err)
	}
	b.open("/.paywall/wallet")
	b.click(`a[href="/.paywall/reset"]`)
	b.wantText("larger than some servers accept")
	b.click(`form[action="/.paywall/reset"] button`)
	b.wantText("The cookies are removed")
	for _, path := range []string{"/", "/.paywall/wallet", demoArticles[0]} {
		if names := b.cookieNames(path); len(names) != 0 {
			t.Errorf("%s is still sent %q", path, names)
		}
	}
	b.click(`form[action="/.paywall/wallet/recover"] button`)
	b.wantText("€0.40")
	b.open(demoArticles[0])
	b.wantOn(demoArticles[0])
	s.wantSound()
}
