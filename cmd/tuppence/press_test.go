package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// bait is a page that leads on as soon as the mouse goes down on it, so that a
// second click there falls on another page's button.
const bait = "header Content-Type text/html\n\trespond /bait `<!doctype html><title>Bait</title>" +
	`<p>Double-click to win</p><script>addEventListener("mousedown", () => location.assign(location.hash.slice(1)))</script>` + "`\n" +
	`	respond "<!doctype html><title>Shop</title><body><article>the paid words</article>"`

// script is a program with a wallet, whose key a browser may have as well.
type script struct {
	*server
	key string
}

// newScript opens a wallet and puts an amount into it.
func newScript(s *server, amount string) *script {
	s.t.Helper()
	c := &script{server: s}
	c.key = c.call(http.MethodPost, "/.paywall/wallet", "{}")["wallet_key"].(string)
	code := strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", amount))
	c.call(http.MethodPost, "/.paywall/topup/voucher", `{"code":"`+code+`"}`)
	return c
}

// call asks as a program does.
func (c *script) call(method, path, body string) map[string]any {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(raw, &answer); err != nil {
		c.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, raw)
	}
	return answer
}

func (c *script) wantBalance(want string) {
	c.t.Helper()
	if got := c.call(http.MethodGet, "/.paywall/wallet", "")["balance"]; got != want {
		c.t.Errorf("balance %v, want %s", got, want)
	}
}

// browserOf is a browser that has the wallet's cookie.
func (c *script) browserOf(javascript bool) *browser {
	c.t.Helper()
	b := newBrowser(c.t, c.url, javascript)
	b.open("/bait")
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: "paywall_wallet", Value: c.key, URL: c.url})
		return err
	}))
	return b
}

// middle is where on the screen an element is.
func (b *browser) middle(selector string) (x, y float64) {
	b.t.Helper()
	place, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(
		`(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector(%q).getBoundingClientRect())`, selector)))
	if err != nil || len(place) != 2 {
		b.t.Fatal(place, err)
	}
	return place[0], place[1]
}

// TestG14ClickMeantForAnotherPageBuysNothing: the second click of a double click
// falls on the button, with the pointer where it was.
func TestG14ClickMeantForAnotherPageBuysNothing(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	b.open("/articles/a")
	b.wantOn("/.paywall/unlock")
	offer := strings.TrimPrefix(b.location(), s.url)
	x, y := b.middle(payButton)

	b.open("/bait#" + offer)
	b.do(chromedp.MouseClickXY(x, y), chromedp.WaitReady(chromedp.CSS(payButton)), chromedp.MouseClickXY(x, y))
	b.wantOn("/.paywall/unlock")
	wallet.wantBalance("1.00")

	// However long the page lay below another window.
	b.do(chromedp.WaitReady(chromedp.CSS("html[data-awake]")), chromedp.MouseClickXY(x, y))
	b.wantOn("/.paywall/unlock")
	wallet.wantBalance("1.00")

	// A press that is meant is one.
	b.click(payButton)
	b.wantOn("/articles/a")
	wallet.wantBalance("0.80")
}

// TestG14ClickMeantForAnotherPageErasesNothing: the money in a wallet would be gone.
func TestG14ClickMeantForAnotherPageErasesNothing(t *testing.T) {
	const erase = "/.paywall/wallet/erase"
	s := startSite(t, "paywall /articles/* 0.20", bait)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	b.open(erase)
	x, y := b.middle(`form[action="` + erase + `"] button`)
	b.open("/bait#" + erase)
	b.do(chromedp.MouseClickXY(x, y), chromedp.WaitReady(chromedp.CSS(`form[action="`+erase+`"]`)), chromedp.MouseClickXY(x, y))
	b.wantOn(erase)
	wallet.wantBalance("1.00")
	b.click(`form[action="` + erase + `"] button`)
	b.wantText("Your wallet is erased")
}

// TestG14ClickMeantForAnotherPageChangesNothingElsewhere: the other pages with
// forms, where a click would take cookies away or sign a browser out.
func TestG14ClickMeantForAnotherPageChangesNothingElsewhere(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	for page, button := range map[string]string{
		"/.paywall/reset":  `form[action="/.paywall/reset"] button`,
		"/.paywall/wallet": `form[action="/.paywall/wallet/devices"] button`,
		"/.paywall/topup":  `form[action="/.paywall/topup/voucher"] button`,
	} {
		b.open(page)
		b.do(chromedp.ScrollIntoView(chromedp.CSS(button)))
		x, y := b.middle(button)
		text := b.text("main")
		b.do(chromedp.WaitReady(chromedp.CSS("html[data-awake]")), chromedp.MouseClickXY(x, y), chromedp.WaitReady(chromedp.CSS("html[data-again]")))
		b.wantOn(page)
		if now := b.text("main"); now != text {
			t.Errorf("%s: a click without a pointer's movement changed the page:\n%s", page, now)
		}
	}
	wallet.wantBalance("1.00")
}

// TestPressingAgainWithoutMovingThePointerBuys: with a touchpad the pointer rests
// on the button. The first press may be half of a double click elsewhere.
func TestPressingAgainWithoutMovingThePointerBuys(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	b.open("/articles/a")
	b.do(chromedp.WaitReady(chromedp.CSS("html[data-awake]")))
	x, y := b.middle(payButton)
	b.do(chromedp.MouseClickXY(x, y), chromedp.WaitReady(chromedp.CSS("html[data-again]")))
	b.wantOn("/.paywall/unlock")
	wallet.wantBalance("1.00")
	time.Sleep(600 * time.Millisecond)
	b.do(chromedp.MouseClickXY(x, y), chromedp.WaitReady(chromedp.CSS("article")))
	if !waitFor(10*time.Second, func() bool { return b.path() == "/articles/a" }) {
		b.wantOn("/articles/a")
	}
	wallet.wantBalance("0.80")
}

// TestG14KeyboardBuysWithoutAPointer: focus and Enter are enough.
func TestG14KeyboardBuysWithoutAPointer(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	b.open("/articles/a")
	b.do(chromedp.WaitReady(chromedp.CSS("html[data-awake]")), chromedp.Focus(chromedp.CSS(payButton)))
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent("\r")); err != nil {
		t.Fatal(err)
	}
	b.wantOn("/articles/a")
	wallet.wantBalance("0.80")
}

// TestG26WithoutScriptsTheButtonWorksAtOnce.
func TestG26WithoutScriptsTheButtonWorksAtOnce(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(false)
	b.open("/articles/a")
	b.click(payButton)
	b.wantOn("/articles/a")
	wallet.wantBalance("0.80")
}
