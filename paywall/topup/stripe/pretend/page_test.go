package pretend_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// button presses a button of a page as a browser does, and gives where that leads.
func (s *shop) button(page string, action pretend.Action) (status int, location, body string) {
	s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(page, url.Values{"action": {string(action)}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

func TestPageLeadsBackToTheShop(t *testing.T) {
	s := open(t, pretend.Options{})
	session := s.got(create, params()...)
	page, id := session.text("url"), session.text("id")
	if !strings.HasPrefix(page, s.server.URL+"/") {
		t.Fatalf("the page is at %s", page)
	}
	if status, location, _ := s.button(page, pretend.Cancel); status != http.StatusSeeOther || location != "https://shop.example/cancel" {
		t.Errorf("cancel: %d %s", status, location)
	}
	if status, location, _ := s.button(page, pretend.Decline); status != http.StatusSeeOther || location != "/pay/"+id {
		t.Errorf("decline: %d %s", status, location)
	}
	answer, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	for _, want := range []string{"This is a pretend bank.", "No money moves.", "Reading credit", "5.00 EUR", "The card was declined. Nothing was paid."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "form-action 'self' https://shop.example") {
		t.Errorf("policy %s", policy)
	}
	if status, location, _ := s.button(page, pretend.Pay); status != http.StatusSeeOther || location != "https://shop.example/back?s="+id {
		t.Errorf("pay: %d %s", status, location)
	}
	if status, _, body := s.button(page, pretend.Pay); status != http.StatusConflict || !strings.Contains(body, "This is paid.") {
		t.Errorf("paid again: %d %s", status, body)
	}
	if status, _, body := s.button(s.server.URL+"/pay/cs_1", pretend.Pay); status != http.StatusNotFound || !strings.Contains(body, "No such payment") {
		t.Errorf("unknown session: %d %s", status, body)
	}
	if n := len(s.bank.IDs("balance_transaction")); n != 1 {
		t.Errorf("%d payments were booked", n)
	}
}

// violations runs every rule of WCAG 2.2 A and AA and of good practice.
const violations = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + " at " + n.target.join(" ") + ": " + (n.failureSummary || v.help))))`

// TestPagesAreReadable: each state of the page at 320 pixels in both themes, by axe-core;
// nothing is wider than the window.
func TestPagesAreReadable(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: needs Chromium and axe-core")
	}
	axe, err := os.ReadFile("../../../checkout/testdata/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("this test needs axe-core; get it with: npm ci --prefix paywall/checkout/testdata/axe: %v", err)
	}
	s := open(t, pretend.Options{ArriveAfter: -1})
	pages := map[string]string{"missing": s.server.URL + "/pay/cs_1"}
	for name, actions := range map[string][]pretend.Action{
		"open": nil, "declined": {pretend.Decline}, "secure": {pretend.PaySecure}, "paid": {pretend.Pay}, "later": {pretend.PayLater},
	} {
		session := s.got(create, params("line_items[0][price_data][unit_amount]", "1234567")...)
		for _, action := range actions {
			if _, err := s.bank.Press(session.text("id"), action); err != nil {
				t.Fatal(err)
			}
		}
		pages[name] = session.text("url")
	}
	expired := s.got(create, params()...)
	s.got("POST /v1/checkout/sessions/" + expired.text("id") + "/expire")
	pages["expired"] = expired.text("url")

	ctx := browser(t)
	for _, theme := range []string{"light", "dark"} {
		if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
			return err
		})); err != nil {
			t.Fatal(err)
		}
		for name, page := range pages {
			look(t, ctx, string(axe), name+", "+theme, page)
		}
	}
}

// browser starts a Chromium with a window of 320 pixels.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium: ", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(time.Minute))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, cancelTimeout := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the process, and removes its profile
		cancelTimeout()
		cancel()
		cancelAllocator()
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(320, 640)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// look opens a page and says what is wrong with it.
func look(t *testing.T, ctx context.Context, axe, name, page string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](axe+`;1`)); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](violations, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range found {
		t.Errorf("%s: %s", name, violation)
	}
	width, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if width > 320 {
		t.Errorf("%s: is %d pixels wide", name, width)
	}
}

// TestBrowserComesBackToTheShop holds the page's policy: Chromium applies it to the
// redirect that follows a form, too.
func TestBrowserComesBackToTheShop(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: needs Chromium")
	}
	s := open(t, pretend.Options{})
	came := make(chan string, 1)
	back := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			came <- r.URL.RawQuery
		}
	}))
	t.Cleanup(back.Close)
	session := s.got(create, params("success_url", back.URL+"/back?s={CHECKOUT_SESSION_ID}")...)
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(session.text("url"))); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelector(".pay").click(), 1`)); err != nil {
		t.Fatal(err)
	}
	select {
	case query := <-came:
		if query != "s="+session.text("id") {
			t.Errorf("came back with %s", query)
		}
	case <-time.After(20 * time.Second):
		t.Error("the browser did not come back to the shop")
	}
}
