package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestATipIsGivenOnceAndGoesWhereThePriceWent without JavaScript: a double click on
// the receipt, one on the wallet page, and one that the wallet cannot pay.
func TestATipIsGivenOnceAndGoesWhereThePriceWent(t *testing.T) {
	s := startSite(t, "paywall /articles/* {\n\t\tprice 0.20 {\n\t\t\tshare alice 70%\n\t\t}\n\t\ttips 0.20 0.50\n\t}",
		"header Content-Type text/html\n\trespond \"<!doctype html><title>The lighthouse</title><article>the paid words</article>\"")
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(false)
	b.open("/articles/a")
	b.click(payButton)
	b.open("/.paywall/wallet")
	b.click(`a[href^="/.paywall/receipt"]`)
	b.wantText("Pay €0.50 as a tip")
	b.wantText("It cannot be undone")
	unfold := chromedp.Click(chromedp.CSS("summary[aria-label^='Say thanks']"))
	double := chromedp.DoubleClick(chromedp.CSS(`button[name="amount"][value="0.50"]`))
	if _, err := chromedp.RunResponse(b.ctx, double); err != nil {
		t.Fatal(err)
	}
	b.wantText("Thank you: €0.50 given for")
	wallet.wantBalance("0.30")

	b.do(unfold)
	b.click(`button[name="amount"][value="0.20"]`)
	b.wantText("Thank you: €0.20 given for")
	b.wantText("€0.10")
	b.do(unfold)
	b.click(`button[name="amount"][value="0.20"]`)
	b.wantText("There is not enough in your wallet for this tip")
	b.fill(`input[name="code"]`, strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "1.00")))
	b.click(`form[action="/.paywall/topup/voucher"] button`)
	b.wantText("€1.10")
	wallet.wantBalance("1.10")
	if spent := wallet.call("GET", "/.paywall/wallet", "")["spending"].(map[string]any)["month"]; spent != "0.90" {
		t.Errorf("spent this month: %v", spent)
	}

	stats := strings.Join(strings.Fields(s.mustRun("paywall", "stats")), " ")
	if !strings.Contains(stats, "tips 2, 0.70 EUR") {
		t.Errorf("stats: %s", stats)
	}
	var alice int
	for line := range strings.Lines(s.mustRun("paywall", "export")) {
		if strings.Contains(line, `"kind":"tip"`) && (strings.Contains(line, `["creator/alice",350000]`) || strings.Contains(line, `["creator/alice",140000]`) ||
			strings.Contains(line, `["creator/alice","0.35"]`) || strings.Contains(line, `["creator/alice","0.14"]`)) {
			alice++
		}
	}
	if alice != 2 {
		t.Errorf("alice has her part of %d tips:\n%s", alice, s.mustRun("paywall", "export"))
	}
	s.wantSound()
}
