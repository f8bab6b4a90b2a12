package checkout

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tuppence/tuppence/paywall"
)

// TestInABrowserOnePressOfOursLeadsFromAnEmptyWalletIntoTheArticle: by way of a provider on
// another site, whose page the form's policy lets the browser go to, and back with the
// cookie that a navigation from there may bring.
func TestInABrowserOnePressOfOursLeadsFromAnEmptyWalletIntoTheArticle(t *testing.T) {
	ctx := chromium(t, 390)
	f := newFunded(t)
	f.advance(time.Since(f.start)) // what has an end in the browser has it by this clock
	var origin string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("paywall_access")
		switch {
		case strings.HasPrefix(r.URL.Path, Prefix):
			f.c.ServeHTTP(w, r)
		case r.URL.Path != "/articles/tea":
			http.NotFound(w, r)
		case err != nil:
			raw := f.offer(func(o *paywall.Offer) { o.Site, o.Checkout = origin, origin })
			http.Redirect(w, r, "/.paywall/unlock?offer="+raw, http.StatusSeeOther)
		default:
			_, _ = w.Write([]byte("<!doctype html><title>Tea</title><h1>The whole article</h1>"))
		}
	}))
	t.Cleanup(server.Close)
	origin = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // the bank is on another site
	f.c.o.Origin = func(*http.Request) string { return origin }

	if err := chromedp.Do(ctx, chromedp.Navigate(origin+"/articles/tea")); err != nil {
		t.Fatal(err)
	}
	reaches(t, ctx, `location.pathname === "/.paywall/unlock" && "awake" in document.documentElement.dataset`)
	click(t, ctx, `form[action="/.paywall/topup/card"] button`)
	reaches(t, ctx, `location.hostname === "127.0.0.1" && document.querySelector("button.pay") !== null`)
	click(t, ctx, "button.pay") // the provider's own
	reaches(t, ctx, `document.querySelector("h1")?.textContent === "The whole article"`)
	if _, debits, wallets := f.counts(); debits != 1 || wallets != 1 {
		t.Errorf("%d purchases of %d wallets", debits, wallets)
	}
}

// reaches waits until something holds in the page, whichever that is by then.
func reaches(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+what+")")); err == nil && ok {
			return
		}
	}
	at, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href.slice(0, 80) + " " + document.body.innerText.slice(0, 300)`))
	t.Fatalf("never came to %s; is at %s", what, at)
}

func click(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelector('`+selector+`').click(), 1`)); err != nil {
		t.Fatal(err)
	}
}
