package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// TestNewReaderNeedsOneClick: from the link of an article to the article, with
// welcome credit, whether scripts run or not; and one for each after that.
func TestNewReaderNeedsOneClick(t *testing.T) {
	s := startDemo(t, "")
	for _, javascript := range []bool{true, false} {
		b := newBrowser(t, s.url, javascript)
		for _, article := range demoArticles[:2] {
			b.open("/")
			if clicks := b.read(`a[href="`+article+`"]`, article); clicks != 1 {
				t.Errorf("scripts %v, %s: %d clicks", javascript, article, clicks)
			}
		}
	}
	s.wantSound()
}

const redeemButton = `form[action="/.paywall/topup/voucher"] button`

func (s *server) voucher(amount string) string {
	s.t.Helper()
	return strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", amount))
}

// redeem types a voucher into the page and presses its button: one click.
func (b *browser) redeem(code string) int64 {
	b.t.Helper()
	b.fill(`input[name="code"]`, code)
	return b.click(redeemButton)
}

// runOut is an offer for a page that ran out a minute ago.
func (s *server) runOut(path string) string {
	s.t.Helper()
	keys, err := filepath.Glob(filepath.Join(s.home, "caddy", "paywall", "keys"))
	if err != nil || len(keys) != 1 {
		s.t.Fatal(keys, err)
	}
	ring, err := token.OpenRing(keys[0], false)
	if err != nil {
		s.t.Fatal(err)
	}
	ends := time.Now().Add(-2 * time.Minute) // the clock's leeway is one
	raw, err := ring.SignOffer(&paywall.Offer{
		ID: paywall.NewID(), Site: s.url, Checkout: s.url, Resource: path, URL: path, Title: "Tea",
		Price: paywall.Money{Micros: 200_000, Currency: "EUR"}, IssuedAt: ends.Add(-paywall.OfferTTL), ExpiresAt: ends,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// TestWayToMoneyWithoutCredit: a voucher is one field and one click, and leads into
// the article, also where the offer has run out meanwhile, and where a reader
// comes back with too little. No scripts.
func TestWayToMoneyWithoutCredit(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", shelf)
	b := newBrowser(t, s.url, false)
	b.open("/")
	b.click("#a")
	b.wantOn("/.paywall/unlock")
	b.wantText("Your wallet is empty.")
	b.redeem(s.voucher("0.30"))
	b.wantOn("/articles/a")
	b.wantText("the paid words")

	// With €0.10 left the page says what is missing.
	b.open("/")
	b.click("#b")
	b.wantText("You have €0.10")
	b.wantText("€0.10 more and it is yours.")
	b.redeem(s.voucher("0.50"))
	b.wantOn("/articles/b")

	// An offer that has run out: one click back, which makes a new one.
	if status := b.open("/.paywall/unlock?offer=" + s.runOut("/articles/c")); status != http.StatusGone {
		t.Errorf("an offer that has run out is answered with %d", status)
	}
	b.wantText("This offer has run out")
	b.click("a.pay")
	b.wantOn("/.paywall/unlock")
	b.click(payButton)
	b.wantOn("/articles/c")

	// It runs out while the voucher is typed: the money is there, and the page asks again.
	stranger := newBrowser(t, s.url, false)
	stranger.open("/articles/a")
	set := fmt.Sprintf(`document.querySelector('form[action="/.paywall/topup/voucher"] [name="offer"]').value = %q`, s.runOut("/articles/a"))
	if _, err := chromedp.Run(stranger.ctx, chromedp.Evaluate[string](set)); err != nil {
		t.Fatal(err)
	}
	stranger.redeem(s.voucher("1.00"))
	stranger.wantOn("/.paywall/unlock")
	stranger.wantText("You have €1.00")
	stranger.click(payButton)
	stranger.wantOn("/articles/a")

	// The money is gone when the button is pressed: spent in another window.
	stranger.open("/articles/b")
	spender := newBrowser(t, s.url, false)
	stranger.lend(spender)
	for _, article := range []string{"/articles/d", "/articles/e", "/articles/f", "/articles/g"} {
		spender.open(article)
		spender.click(payButton)
		spender.wantOn(article)
	}
	if status := stranger.click(payButton); status != http.StatusPaymentRequired {
		t.Errorf("a purchase without money is answered with %d", status)
	}
	stranger.wantText("€0.20 more and it is yours.")
	stranger.redeem(s.voucher("1.00"))
	stranger.wantOn("/articles/b")
	s.wantSound()
}

// lend gives another browser the wallet.
func (b *browser) lend(to *browser) {
	b.t.Helper()
	res, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.url}})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range res.Cookies {
		if _, err := chromedp.Call(to.ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: b.url}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestReadmesScriptBuysAnArticle runs the README's own commands.
func TestReadmesScriptBuysAnArticle(t *testing.T) {
	notShort(t, "bash, curl and jq")
	s := startDemo(t, "")
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "### For scripts\n")
	_, after, _ = strings.Cut(after, "```sh\n")
	script, _, ok := strings.Cut(after, "```")
	if !ok || !strings.Contains(script, "http://localhost:8402") {
		t.Fatalf("the README has no such commands: %s", script)
	}
	script = strings.ReplaceAll(script, "http://localhost:8402", s.url)
	out, err := exec.Command("bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Fresnel") {
		t.Fatalf("%v\n%s", err, out)
	}
	s.wantSound()
}

// weight counts what a page and all that it loads take on the wire.
type weight struct {
	mu       sync.Mutex
	bytes    float64
	requests int
}

func (w *weight) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests++
	case *network.EventLoadingFinished:
		w.bytes += e.EncodedDataLength // with the heads
	}
}

var iconLink = regexp.MustCompile(`<link rel="icon" href="([^"]+)"`)

// TestPurchasePageIsLightAndPaintsWithoutScripts: less than 20 KB in all, nothing
// compressed, for a browser that has been here for the first time.
func TestPurchasePageIsLightAndPaintsWithoutScripts(t *testing.T) {
	s := startDemo(t, "")
	b := newBrowser(t, s.url, true)
	seen := new(weight)
	if err := chromedp.Listen(b.ctx, seen.see); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	b.open(demoArticles[0])
	b.look()
	blocking, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](
		`performance.getEntriesByType("resource").filter(r => r.initiatorType == "script" && r.renderBlockingStatus != "non-blocking").map(r => r.name)`))
	if err != nil || len(blocking) > 0 {
		t.Errorf("painting waits for %q, %v", blocking, err)
	}
	// A window without a screen loads no icon.
	page, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
	if err != nil {
		t.Fatal(err)
	}
	icon := iconLink.FindStringSubmatch(page)
	if icon == nil {
		t.Fatal("the page has no icon")
	}
	resp, err := http.Get(s.url + icon[1])
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	total := int(seen.bytes) + len(body)
	t.Logf("%d requests, %d bytes with the icon", seen.requests+1, total)
	if total >= 20<<10 || seen.bytes < 4<<10 || seen.requests < 3 {
		t.Error("the purchase page is too heavy, or was not seen")
	}
}
