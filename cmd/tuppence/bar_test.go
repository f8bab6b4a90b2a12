package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	bar     = `.paywall-bar`
	barUndo = bar + ` form[action="/.paywall/refund"] button`
)

// TestUndoFromTheArticleItself: a reader without JavaScript buys with one click,
// sees what was paid, and undoes it there.
func TestUndoFromTheArticleItself(t *testing.T) {
	s := startExample(t)
	b := newBrowser(t, s.url, false)
	b.buy(demoArticles[0])
	if text := strings.Join(strings.Fields(b.text(bar)), " "); text != "€0.20 paid Undo 30 minutes left Receipt Wallet" {
		t.Errorf("the bar says %q", text)
	}
	b.open(demoArticles[0]) // it is there as long as the time to undo
	b.click(barUndo)
	b.wantOn("/.paywall/wallet")
	b.wantText("The purchase is undone and the money is back in your wallet.")
	b.wantText("€0.60")
	b.open(demoArticles[0])
	b.wantOn("/.paywall/unlock")

	b.buy(demoArticles[1])
	b.click(bar + ` a[href^="/.paywall/receipt"]`)
	b.wantText("€0.20")
	b.open(demoArticles[1])
	b.click(bar + ` a[href="/.paywall/wallet"]`)
	b.wantOn("/.paywall/wallet")
	s.wantSound()
}

// TestBarSaysWhatOpenedWithoutAsking, and a page from history is closed when it
// was undone.
func TestBarSaysWhatOpenedWithoutAsking(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20 {\n\t\tbar on\n\t}", shelf)
	wallet := newScript(s, "1.00")
	wallet.easygoing()
	b := wallet.browserOf(true)
	b.open("/")
	if clicks := b.read("#a", "/articles/a"); clicks != 0 {
		t.Errorf("%d clicks", clicks)
	}
	b.wantText("€0.20 paid without asking")
	b.wantText("the paid words")
	b.click(barUndo)
	b.wantText("the money is back")
	wallet.wantBalance("1.00")
	b.backTo("/", "the paid words")
	b.do(chromedp.Click(chromedp.CSS("#a")))
	if at := b.settled(); at != "/.paywall/unlock" {
		t.Errorf("the link leads to %s", at)
	}
	wallet.wantBalance("1.00")
	s.wantSound()
}

// TestThirdPurchaseSuggestsOpeningWithoutAsking in the bar, and the fourth article
// takes no click.
func TestThirdPurchaseSuggestsOpeningWithoutAsking(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20 {\n\t\tbar on\n\t}", shelf)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	for _, path := range []string{"/articles/1", "/articles/2", "/articles/3"} {
		b.open(path)
		b.click(payButton)
		b.wantOn(path)
	}
	b.click(bar + ` form[action="/.paywall/wallet/settings"] button`)
	b.wantText("Your settings are saved")
	b.wantText("€0.00 of €2.00")
	b.open("/")
	if clicks := b.read("#a", "/articles/a"); clicks != 0 {
		t.Errorf("%d clicks", clicks)
	}
	wallet.wantBalance("0.20")
}

// TestBarIsAllThatChanges: of an article of the demo, over the whole way through
// the server.
func TestBarIsAllThatChanges(t *testing.T) {
	s := startExample(t)
	wallet := newScript(s, "1.00")
	bought, err := s.buy(wallet.key, demoArticles[0])
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, s.url+demoArticles[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Cookie", "paywall_access="+bought.Token+"; paywall_wallet="+wallet.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	own, err := os.ReadFile("demo" + demoArticles[0] + ".html")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(page), `<div class="paywall-bar"`)
	_, after, found := strings.Cut(rest, "</div>")
	if !found || before+after != string(own) || !strings.HasSuffix(before, "<body>") {
		t.Errorf("the page is\n%.2000s", page)
	}
}

// TestBarHoldsUnderTheSitesPolicyAndLook: a Content-Security-Policy that allows
// nothing but the site's own styles and forms, and rules for all elements.
func TestBarHoldsUnderTheSitesPolicyAndLook(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20 {\n\t\tbar on\n\t}", `header /articles/* Content-Type text/html
	header /bait Content-Type text/html
	header /site.css Content-Type text/css
	header Content-Security-Policy "default-src 'none'; style-src 'self'; form-action 'self'"
	respond /bait "<!doctype html><title>Nothing</title>"
	respond /site.css "* { color: red; letter-spacing: 1em } div, section, form { display: none } body p, body.wide div a { position: absolute; inset-inline-start: -999px } body button { visibility: hidden; font-size: 40px }"
	respond "<!doctype html><title>Shop</title><link rel=stylesheet href=/site.css><body class=wide><article>the paid words</article>"`)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	b.open("/articles/a")
	b.click(payButton)
	b.wantOn("/articles/a")
	look, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[".paywall-bar", ".paywall-bar b", ".paywall-bar button", ".paywall-bar a"].map(one => {
		const element = document.querySelector(one), style = getComputedStyle(element), box = element.getBoundingClientRect()
		return [style.visibility, style.letterSpacing, style.color === "rgb(255, 0, 0)", style.position, box.left >= 0 && box.width > 20 && box.height > 15 && box.bottom < 120].join(" ")
	})`))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range look {
		if one != "visible normal false static true" {
			t.Errorf("a part of the bar is %s", one)
		}
	}
	b.click(barUndo)
	b.wantText("the money is back")
	wallet.wantBalance("1.00")
}
