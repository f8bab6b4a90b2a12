package main

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	addButton  = `form[action="/.paywall/topup/card"] button`
	goOnButton = `form[action^="/.paywall/topup/return"] button`
	bankButton = `button[value="pay"]`
)

// TestDemoLeadsFromAnEmptyWalletIntoTheArticle: by a test card at the pretend bank, with at
// most two clicks of ours, scripts or none.
func TestDemoLeadsFromAnEmptyWalletIntoTheArticle(t *testing.T) {
	s := startDemo(t, "")
	for _, javascript := range []bool{true, false} {
		b := newBrowser(t, s.url, javascript)
		for _, article := range demoArticles[:3] { // what the welcome pays for
			b.open("/")
			b.read(`a[href="`+article+`"]`, article)
		}
		article := demoArticles[3]
		b.open(article)
		b.wantOn("/.paywall/unlock")
		b.click(addButton)
		b.wantText("Pretend")
		b.click(bankButton)
		clicks := 1
		if b.path() != article {
			b.click(goOnButton)
			clicks++
		}
		b.wantOn(article)
		if clicks > 2 {
			t.Errorf("scripts %v: %d clicks", javascript, clicks)
		}
	}
	s.wantSound()
	if out := s.mustRun("paywall", "reconcile"); !strings.Contains(strings.Join(strings.Fields(out), " "), "differences left 0") {
		t.Errorf("reconciled:\n%s", out)
	}
	for _, secret := range []string{"whsec_pretend", "sk_test_pretend", "paywall_wallet="} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// TestDemoReadsAPretendedTransfer: the bank's statement, as the demo's bank writes it, goes
// into the wallet by the command that the page names.
func TestDemoReadsAPretendedTransfer(t *testing.T) {
	s := startDemo(t, "")
	var wallet struct {
		Key string `json:"wallet_key"`
	}
	if status, err := s.call(http.MethodPost, "/.paywall/wallet", "", nil, &wallet); err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	var transfer struct {
		Intent    string `json:"intent"`
		Reference string `json:"reference"`
	}
	if status, err := s.call(http.MethodPost, "/.paywall/topup/bank", wallet.Key, map[string]string{"amount": "5.00"}, &transfer); err != nil || status >= 300 {
		t.Fatal(status, err)
	}
	resp, err := http.Get(s.bank + "/statement?" + url.Values{"reference": {transfer.Reference}, "amount": {"5.00"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "statement.xml"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if out := s.mustRun("paywall", "bank", "import", file.Name()); !strings.Contains(out, "booked") {
		t.Errorf("imported:\n%s", out)
	}
	var now struct {
		Balance string `json:"balance"`
	}
	if _, err := s.call(http.MethodGet, "/.paywall/wallet", wallet.Key, nil, &now); err != nil || now.Balance != "5.60" {
		t.Errorf("the wallet has %q, %v", now.Balance, err)
	}
	s.wantSound()
}

// TestCardsArePrintedWithCodesThatWork: the page holds a code for each voucher, and the QR
// code leads to the site with it.
func TestCardsArePrintedWithCodesThatWork(t *testing.T) {
	notShort(t, "Chromium and zbarimg")
	s := startDemo(t, "")
	page := filepath.Join(t.TempDir(), "cards.html")
	s.mustRun("paywall", "voucher", "--amount", "5", "--count", "2", "--cards", page, "--site", s.url)
	if info, err := os.Stat(page); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file of the cards: %v, %v", info, err)
	}
	b := newBrowser(t, s.url, false)
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Navigate("file://"+page)); err != nil {
		t.Fatal(err)
	}
	b.wantText("5.00 EUR")
	code := strings.TrimSpace(b.text("code"))
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	shot := filepath.Join(t.TempDir(), "cards.png")
	if err := os.WriteFile(shot, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", shot).Output()
	if err != nil || !strings.Contains(string(out), s.url+"/.paywall/topup#"+code) {
		t.Errorf("the cards read as %q, %v", out, err)
	}
}
