package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestAlbumIsBoughtOnceAndPlays buys the album and plays both tracks.
func TestAlbumIsBoughtOnceAndPlays(t *testing.T) {
	s := startExample(t)
	b := newBrowser(t, s.url, true)
	b.open(demoAlbum)
	b.wantOn("/.paywall/unlock")
	b.unfold(`input[name="code"]`)
	b.fill(`input[name="code"]`, strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "5.00")))
	b.click(`form[action="/.paywall/topup/voucher"] button`)
	b.wantOn(demoAlbum)
	for _, track := range demoTracks {
		played, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`new Promise((resolve) => {
			const audio = new Audio("`+track+`");
			audio.ontimeupdate = () => audio.currentTime > 0.2 && resolve(true);
			audio.onerror = () => resolve(false);
			audio.play().catch(() => resolve(false));
		})`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		if !played {
			t.Errorf("%s does not play", track)
		}
	}
	b.open("/.paywall/wallet")
	b.wantText("€2.60") // 0.60 + 5.00 − 3.00, once
	s.wantSound()
}

// TestRangesOfABoughtTrackAreOnePurchase is what a player does: many ranges of
// one track, then of the other.
func TestRangesOfABoughtTrackAreOnePurchase(t *testing.T) {
	s := startExample(t)
	wallet := s.openWallet()
	s.topUp(wallet.Key, "5.00")
	bought, err := s.buy(wallet.Key, demoTracks[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		track := demoTracks[i/25]
		req, err := http.NewRequest(http.MethodGet, s.url+track, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := i % 25 * 1000
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, first+999))
		req.Header.Set("Authorization", "Bearer "+bought.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusPartialContent || len(body) != 1000 ||
			resp.Header.Get("Cache-Control") != "private, no-store" {
			t.Fatalf("%s, range %d: %s, %d bytes, %v, %v", track, i, resp.Status, len(body), resp.Header, err)
		}
	}
	if got := s.balance(wallet.Key); got != "2.60" {
		t.Errorf("balance %s after one album at 3.00 from 5.60", got)
	}
	s.wantSound()
}

// TestG15G19DoubleClickAndBackButtonDebitOnce: the impatient reader of a first
// article, who has no wallet yet when the first click lands.
func TestG15G19DoubleClickAndBackButtonDebitOnce(t *testing.T) {
	s := startExample(t)
	b := newBrowser(t, s.url, false)
	b.open(demoArticles[0])
	b.wantOn("/.paywall/unlock")
	b.do(chromedp.DoubleClick(chromedp.CSS(payButton)))
	waitFor(5*time.Second, func() bool { return b.path() == demoArticles[0] })
	b.wantOn(demoArticles[0])
	b.do(chromedp.NavigateBack())
	b.open("/.paywall/wallet")
	b.wantText("€0.40")
	if stats := s.mustRun("paywall", "stats"); !strings.Contains(stats, "1, 0.20 EUR") || !strings.Contains(stats, "1, owed 0.40 EUR") {
		t.Errorf("after a double click:\n%s", stats)
	}
	s.wantSound()
}
