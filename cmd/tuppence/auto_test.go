package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// shelf is a site with a front page that links to two articles, each of which
// has a title.
const shelf = "header Content-Type text/html\n" +
	"\trespond /bait `<!doctype html><title>Nothing</title>`\n" +
	"\trespond / `<!doctype html><title>Front</title><a id=a href=/articles/a>one</a> <a id=b href=/articles/b>two</a>`\n" +
	"\trespond `<!doctype html><title>Shop</title><body><article>the paid words</article>`"

// easygoing lets a wallet open articles up to 0.30 without asking, at most 3.00 a week.
func (c *script) easygoing() {
	c.t.Helper()
	c.call(http.MethodPost, "/.paywall/wallet/settings", `{"per_article":"0.30","per_week":"3.00"}`)
}

// settled is where the reader is once no page follows by itself any more.
func (b *browser) settled() string {
	b.t.Helper()
	for {
		at := b.path()
		time.Sleep(700 * time.Millisecond) // a page that goes on by itself does so at once
		if b.path() == at {
			return at
		}
	}
}

// read follows a link to an article and counts the clicks that it takes from there.
func (b *browser) read(link, article string) (clicks int) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(link)))
	for b.settled() != article {
		if clicks++; clicks > 3 {
			b.t.Fatalf("after %d clicks the reader is on %s", clicks, b.location())
		}
		b.click(payButton)
	}
	return clicks
}

// TestClicksFromLinkToArticle: none where the reader let it open without being
// asked; one without JavaScript, and for whoever did not.
func TestClicksFromLinkToArticle(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", shelf)
	for name, test := range map[string]struct {
		easygoing, javascript bool
		clicks                int
	}{"without asking": {true, true, 0}, "without JavaScript": {true, false, 1}, "asked": {false, true, 1}} {
		wallet := newScript(s, "1.00")
		if test.easygoing {
			wallet.easygoing()
		}
		b := wallet.browserOf(test.javascript)
		b.open("/")
		if got := b.read("#a", "/articles/a"); got != test.clicks {
			t.Errorf("%s: %d clicks from the link to the article, want %d", name, got, test.clicks)
		}
		wallet.wantBalance("0.80")
		b.wantText("the paid words")
		if test.clicks == 0 {
			// The page between is no station on the way back.
			b.back()
			b.wantOn("/")
			b.open("/.paywall/wallet")
			b.wantText("opened without asking")
		}
	}
	s.wantSound()
}

// TestUndoneArticleAsksAgain: neither the back button nor the link buys what was
// just given back.
func TestUndoneArticleAsksAgain(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", shelf)
	wallet := newScript(s, "1.00")
	wallet.easygoing()
	b := wallet.browserOf(true)
	b.open("/")
	b.read("#a", "/articles/a")
	b.open("/.paywall/wallet")
	b.click(`form[action="/.paywall/refund"] button`)
	b.wantText("the money is back")
	for b.path() != "/" {
		b.back()
		b.settled()
	}
	wallet.wantBalance("1.00")
	b.do(chromedp.Click(chromedp.CSS("#a")))
	if at := b.settled(); at != "/.paywall/unlock" {
		t.Errorf("the link leads to %s", at)
	}
	b.do(chromedp.Reload())
	b.settled()
	wallet.wantBalance("1.00")

	s.wantSound()
}

// TestGoingBackBuysNothing: nor does loading a page again that asked, when the reader has let articles
// open without asking since.
func TestGoingBackBuysNothing(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", shelf)
	wallet := newScript(s, "1.00")
	b := wallet.browserOf(true)
	b.open("/articles/a")
	b.wantOn("/.paywall/unlock")
	wallet.easygoing()
	b.open("/")
	b.back()
	if at := b.settled(); at != "/.paywall/unlock" {
		t.Errorf("going back leads to %s", at)
	}
	b.do(chromedp.Reload()) // the page came from memory, perhaps
	b.settled()
	wallet.wantBalance("1.00")
	b.open("/")
	b.read("#a", "/articles/a")
	wallet.wantBalance("0.80")
}

// TestG03PageOutOfSightDoesNotBuy: a tab in the background waits until it is looked at.
func TestG03PageOutOfSightDoesNotBuy(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", shelf)
	wallet := newScript(s, "1.00")
	wallet.easygoing()
	b := wallet.browserOf(true)
	hide := page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `let seen = "hidden"; Object.defineProperty(document, "visibilityState", {get: () => seen}); addEventListener("look", () => { seen = "visible"; document.dispatchEvent(new Event("visibilitychange")) })`,
	}
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, hide); err != nil {
		t.Fatal(err)
	}
	b.open("/articles/a")
	if at := b.settled(); at != "/.paywall/unlock" {
		t.Fatalf("out of sight the reader comes to %s", at)
	}
	wallet.wantBalance("1.00")
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`dispatchEvent(new Event("look"))`)); err != nil {
		t.Fatal(err)
	}
	if at := b.settled(); at != "/articles/a" {
		t.Errorf("looked at, the reader comes to %s", at)
	}
	wallet.wantBalance("0.80")
}

// TestG02AnotherSiteLeadsThroughNoArticles: where a page of another site goes by
// itself, the reader is asked; a click there is the reader's own.
func TestG02AnotherSiteLeadsThroughNoArticles(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", shelf)
	wallet := newScript(s, "1.00")
	wallet.easygoing()
	b := wallet.browserOf(true)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Other</title><a id=a href="%s/articles/a">read</a>`, s.url)
		if strings.HasSuffix(r.URL.Path, "/leads") {
			fmt.Fprintf(w, `<script>location.assign("%s/articles/a")</script>`, s.url)
		}
	}))
	t.Cleanup(other.Close)
	visit := func(path string) {
		if err := chromedp.Do(b.ctx, chromedp.Navigate(other.URL+path)); err != nil {
			t.Fatal(err)
		}
	}
	visit("/leads")
	if at := b.settled(); at != "/.paywall/unlock" {
		t.Errorf("led by another site, the reader comes to %s", at)
	}
	wallet.wantBalance("1.00")
	visit("/")
	if clicks := b.read("#a", "/articles/a"); clicks != 0 {
		t.Errorf("a link on another site takes %d more clicks", clicks)
	}
	wallet.wantBalance("0.80")
}
