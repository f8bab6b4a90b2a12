package checkout

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"rsc.io/qr"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H(\d+)z`)

// darkModules reads the rectangles of a picture back, without its border.
const quietZone = 4

func darkModules(t *testing.T, svg string, size int) [][]bool {
	t.Helper()
	grid := make([][]bool, size)
	for y := range grid {
		grid[y] = make([]bool, size)
	}
	for _, m := range run.FindAllStringSubmatch(svg, -1) {
		n := make([]int, 4)
		for i := range n {
			n[i], _ = strconv.Atoi(m[i+1])
		}
		if n[0] != n[3] {
			t.Fatalf("%q closes elsewhere", m[0])
		}
		for x := range n[2] {
			grid[n[1]-quietZone][n[0]-quietZone+x] = true
		}
	}
	return grid
}

// TestQRCodeHoldsTheRecoveryLink, in the fragment of an address on this site, and
// shows it to nobody but the wallet's own browser.
func TestQRCodeHoldsTheRecoveryLink(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	w := s.get("/.paywall/wallet/code.svg", cookie(key))
	wantStatus(t, w, http.StatusOK)
	h := w.Header()
	if h.Get("Content-Type") != "image/svg+xml" || h.Get("Cache-Control") != "no-store" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("headers %v", h)
	}
	want, err := qr.Encode("https://news.example/.paywall/wallet#code="+key.RecoveryCode(), qr.M)
	if err != nil {
		t.Fatal(err)
	}
	svg := w.Body.String()
	size := strconv.Itoa(want.Size + 2*quietZone)
	if !strings.Contains(svg, `viewBox="0 0 `+size+" "+size+`"`) {
		t.Errorf("the picture is not %s modules wide: %.120s", size, svg)
	}
	for y, row := range darkModules(t, svg, want.Size) {
		for x, dark := range row {
			if dark != want.Black(x, y) {
				t.Fatalf("the module at %d, %d is wrong", x, y)
			}
		}
	}
	page := s.get("/.paywall/wallet", cookie(key)).Body.String()
	if !strings.Contains(page, `src="/.paywall/wallet/code.svg"`) || strings.Contains(page, "#code=") {
		t.Error("the page lacks the picture, or links to the code")
	}
	wantStatus(t, s.get("/.paywall/wallet/code.svg"), http.StatusUnauthorized)
	wantStatus(t, s.get("/.paywall/wallet/code.svg", cookie(paywall.NewWalletKey())), http.StatusUnauthorized)
	wantStatus(t, s.get("/.paywall/wallet/code.svg", cookie(key), cookie(paywall.NewWalletKey())), http.StatusBadRequest)
}

func TestScriptIsOnlyWhereItIsUsed(t *testing.T) {
	s := newSite(t)
	for name, w := range s.allPages() {
		walletPage := strings.Contains(w.Body.String(), `id="code"`) || strings.Contains(w.Body.String(), "You have no wallet here yet")
		if strings.Contains(w.Body.String(), page.WalletScript.URL()) != walletPage {
			t.Errorf("%s: with a script: %v", name, !walletPage)
		}
	}
}

// live is the checkout on this machine, under the name that browsers take for
// a secure place, and what was asked of it.
func (s *site) live() (url string, asked func() string) {
	var mu sync.Mutex
	var log strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		log.WriteString(r.Method + " " + r.RequestURI + " " + r.Referer() + "\n")
		mu.Unlock()
		s.c.ServeHTTP(w, r)
	}))
	s.t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}
}

// onLocalhost is the origin of a site that is live.
func onLocalhost(o *Options) { o.Origin = func(r *http.Request) string { return "http://" + r.Host } }

func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// press presses a button or a link that leads to another page. A button that sends a
// form works once the page was in view for a moment.
func press(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS("html[data-awake]"))); err != nil {
		t.Fatal(err)
	}
	const now = "String(performance.timeOrigin)" // differs from page to page
	before := eval[string](t, ctx, now)
	eval[int](t, ctx, fmt.Sprintf("setTimeout(() => document.querySelector(%q).click())", selector))
	for range 300 {
		if eval[string](t, ctx, now) != before && eval[string](t, ctx, "document.readyState") == "complete" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s leads nowhere", selector)
}

// TestScannedLinkFillsInTheCode: it reaches no server, stands in the address no
// more, and nothing happens before the reader presses the button.
func TestScannedLinkFillsInTheCode(t *testing.T) {
	s := newSite(t, onLocalhost)
	key, _ := s.opened(5_000_000)
	url, asked := s.live()
	ctx := chromium(t, 400)
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"/.paywall/wallet#code="+key.RecoveryCode())); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](t, ctx, `document.getElementById("recover").value`); got != key.RecoveryCode() {
		t.Fatalf("the field holds %q", got)
	}
	if got := eval[string](t, ctx, `location.href`); got != url+"/.paywall/wallet" {
		t.Errorf("the address is %s", got)
	}
	if writes, _, _ := s.counts(); writes != 1 {
		t.Errorf("%d changes", writes)
	}
	press(t, ctx, `form[action="/.paywall/wallet/recover"] button`)
	if text := eval[string](t, ctx, `document.body.textContent`); !strings.Contains(text, "Welcome back") || !strings.Contains(text, "€5.00") {
		t.Errorf("after the button: %s", text)
	}
	if width := eval[int](t, ctx, `(async () => { const i = document.querySelector(".qr"); i.loading = "eager"; await i.decode(); return i.naturalWidth })()`); width == 0 {
		t.Error("the picture does not show")
	}
	if log := asked(); strings.Contains(log, key.RecoveryCode()) {
		t.Errorf("the code reached the server:\n%s", log)
	}
	// In the wallet's own page the form is opened, and a second link counts, too.
	other, _ := s.opened(0)
	eval[string](t, ctx, `location.hash = "code=`+other.RecoveryCode()+`"`)
	taken := chromedp.Poll[bool](`document.getElementById("recover").value === "` + other.RecoveryCode() + `" && document.querySelector("details:has(#recover)").open && location.hash === ""`)
	if _, err := chromedp.Run(ctx, taken); err != nil {
		t.Error("a second link is not taken: ", err)
	}
}
