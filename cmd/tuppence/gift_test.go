package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const openButton = `form[action="/.paywall/gift"] button`

// TestAGiftGoesFromBrowserToBrowser without JavaScript: one buys and gives, one
// opens it with one click, one comes too late and is led to where it is sold. The
// access log, which is on, has everything but the link.
func TestAGiftGoesFromBrowserToBrowser(t *testing.T) {
	s := startSite(t, "log\n\tpaywall /articles/* 0.20 {\n\t\tgift_links 5 per month {\n\t\t\treaders 1\n\t\t}\n\t}",
		"header Content-Type text/html\n\trespond \"<!doctype html><title>The lighthouse</title><article>the paid words</article>\"")
	wallet := newScript(s, "1.00")
	giver := wallet.browserOf(false)
	giver.open("/articles/a")
	giver.click(payButton)
	giver.wantOn("/articles/a")
	giver.open("/.paywall/wallet")
	giver.click(`form[action="/.paywall/wallet/gift"] button`)
	giver.wantText("1 other reader can open it")
	address, err := chromedp.Run(giver.ctx, chromedp.Value(chromedp.CSS("#code")))
	if err != nil {
		t.Fatal(err)
	}
	link, ok := strings.CutPrefix(address, s.url)
	if !ok {
		t.Fatal("the link is", address)
	}

	// A chat looks at it before anybody does.
	for range 5 {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			req, _ := http.NewRequest(method, address, nil)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	second := newBrowser(t, s.url, false)
	second.open(link)
	second.wantText("Somebody gives you this article")
	second.wantText("The lighthouse")
	second.click(openButton)
	second.wantOn("/articles/a")
	second.wantText("the paid words")
	second.open("/articles/a") // to stay
	second.wantText("the paid words")
	if status := second.open(link); status != http.StatusOK {
		t.Errorf("the link of who opened it before: %d", status)
	}
	second.wantOn("/articles/a")

	third := newBrowser(t, s.url, false)
	if status := third.open(link); status != http.StatusGone {
		t.Errorf("the link that is used up: %d", status)
	}
	third.wantText("This gift link opens nothing any more")
	third.click("a.pay")
	third.wantOn("/.paywall/unlock")
	third.wantText("The lighthouse")

	giver.open("/.paywall/wallet")
	giver.wantText("1 of 1 used")
	if text := giver.text("body"); strings.Contains(text, "Undo") {
		t.Error("what others read can be undone")
	}
	wallet.wantBalance("0.80")
	if stats := s.mustRun("paywall", "stats"); !strings.Contains(strings.Join(strings.Fields(stats), " "), "gifts opened 1 ") {
		t.Errorf("stats:\n%s", stats)
	}
	_, key, _ := strings.Cut(link, "key=")
	if log := s.log.String(); strings.Contains(log, key) || !strings.Contains(log, "/.paywall/wallet/gift") {
		t.Errorf("the log has the link, or nothing at all:\n%.2000s", log)
	}
	s.wantSound()
}

// TestN06AGiftLinkInARedirectStaysOutOfTheLog: whoever opens it without cookies is
// sent to it once more, and the access log has the heads of answers, too.
func TestN06AGiftLinkInARedirectStaysOutOfTheLog(t *testing.T) {
	s := startSite(t, "log\n\tpaywall /articles/* 0.20 {\n\t\tgift_links 5 per month\n\t}", "header Content-Type text/html\n\trespond \"<title>Tea</title>\"")
	giver := newScript(s, "1.00")
	bought, err := s.buy(giver.key, "/articles/a")
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Link string }
	if status, err := s.call(http.MethodPost, "/.paywall/wallet/gift", giver.key, map[string]string{"unlock_id": bought.UnlockID}, &made); err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	_, key, _ := strings.Cut(made.Link, "key=")
	req, _ := http.NewRequest(http.MethodPost, s.url+"/.paywall/gift", strings.NewReader("key="+key))
	req.Header = http.Header{"Origin": {s.url}, "Accept": {"text/html"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.Contains(to, key) {
		t.Fatalf("%d to %q", resp.StatusCode, to)
	}
	time.Sleep(100 * time.Millisecond) // the access log is written after the answer
	if log := s.log.String(); strings.Contains(log, key) || !strings.Contains(log, "/.paywall/wallet/gift") {
		t.Errorf("the log has the link, or nothing at all:\n%s", log)
	}
}
