package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// What Chromium shows without asking: pages of its history, kept in memory, and
// pages rendered ahead.

// paidWords is the end of the article that the reader is on.
func (b *browser) paidWords() string {
	b.t.Helper()
	words := strings.TrimSpace(b.text("article"))
	return words[max(len(words)-40, 0):]
}

func (b *browser) wantGone(words string) {
	b.t.Helper()
	// Not b.text: for a page from memory no event tells of its elements.
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(text, words) {
		b.t.Fatalf("%s still shows the article:\n%s", b.location(), text)
	}
}

// backTo presses the back button until a page comes, and wants the article on
// none of those on the way.
func (b *browser) backTo(path, words string) {
	b.t.Helper()
	for {
		b.back()
		b.wantGone(words)
		if b.path() == path {
			return
		}
	}
}

// back is the back button. A page may come from memory, with no load to wait for.
func (b *browser) back() {
	b.t.Helper()
	history, err := chromedp.Call(b.ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		b.t.Fatal(err)
	}
	if history.CurrentIndex == 0 {
		b.t.Fatalf("there is nothing before %s", b.location())
	}
	want := history.CurrentIndex - 1
	before := history.Entries[want]
	if _, err := chromedp.Call(b.ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before.ID}); err != nil {
		b.t.Fatal(err)
	}
	for {
		ready, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.readyState"))
		if b.ctx.Err() != nil {
			b.t.Fatalf("going back to %s: %v, %s", before.URL, err, ready)
		}
		history, err := chromedp.Call(b.ctx, page.GetNavigationHistory, cdp.Empty{})
		if err == nil && ready == "complete" && history.CurrentIndex == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settle waits until the reader is on a page that needs no load.
func (b *browser) settle(path string) {
	b.t.Helper()
	for b.path() != path {
		if b.ctx.Err() != nil {
			b.t.Fatalf("the reader does not come to %s", path)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestD13ARefundedArticleIsGoneFromHistory: the back button must not show it,
// and neither must a reload.
func TestD13ARefundedArticleIsGoneFromHistory(t *testing.T) {
	s := startExample(t)
	b := newBrowser(t, s.url, true)
	b.buy(demoArticles[0])
	words := b.paidWords()
	b.open("/.paywall/wallet")
	b.click(`form[action="/.paywall/refund"] button`)
	b.wantText("the money is back")
	b.backTo("/.paywall/unlock", words)
	b.do(chromedp.Reload())
	b.wantOn("/.paywall/unlock")
	b.wantGone(words)
	s.wantSound()
}

// TestD14AnErasedWalletsArticlesAreGone: from history, and from what the
// browser rendered ahead of time.
func TestD14AnErasedWalletsArticlesAreGone(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", `header Content-Type text/html
	respond / <<PAGE
		<!doctype html><title>Front</title>
		<script type="speculationrules">{"prerender":[{"urls":["/articles/a"],"eagerness":"immediate"}]}</script>
		<p><a href="/articles/a">read</a> <a href="/.paywall/wallet/erase">erase</a>
		PAGE 200
	respond "<!doctype html><title>Shop</title><article>the paid words</article>"`)
	b := newBrowser(t, s.url, true)
	b.open("/.paywall/topup")
	b.fill(`input[name="code"]`, strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "5.00")))
	b.click(`form[action="/.paywall/topup/voucher"] button`)
	b.open("/articles/a")
	b.click(payButton)
	b.wantOn("/articles/a")
	words := b.paidWords()
	b.open("/") // renders the article ahead
	b.click(`a[href="/.paywall/wallet/erase"]`)
	b.click(`form[action="/.paywall/wallet/erase"] button`)
	b.wantText("Your wallet is erased")
	b.backTo("/.paywall/unlock", words)

	b.open("/")                                                 // renders ahead what an unpaid reader gets, and buys nothing
	b.do(chromedp.Click(chromedp.CSS(`a[href="/articles/a"]`))) // no load may follow
	b.settle("/.paywall/unlock")
	b.wantGone(words)
	if stats := s.mustRun("paywall", "stats"); !strings.Contains(stats, "1, 0.20 EUR") {
		t.Errorf("a page rendered ahead bought something:\n%s", stats)
	}
	s.wantSound()
}
