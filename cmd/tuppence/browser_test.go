package main

import (
	"context"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser is one reader's Chromium with a fresh profile.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string // of the site

	scripts bool // are on
}

// newBrowser starts Chromium. A missing Chromium fails the test.
func newBrowser(t *testing.T, site string, javascript bool) *browser {
	t.Helper()
	return newBrowserIn(t, "", site, javascript)
}

// newBrowserIn starts Chromium with that profile; with "", a new one.
func newBrowserIn(t *testing.T, profile, site string, javascript bool) *browser {
	t.Helper()
	notShort(t, "Chromium")
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("these tests need Chromium: ", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.WindowSize(1280, 900),
	)
	if profile != "" {
		options = append(options, chromedp.UserDataDir(profile))
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, cancelTimeout := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the process, and removes its profile
		cancelTimeout()
		cancel()
		cancelAllocator()
	})
	b := &browser{t: t, ctx: ctx, url: site, scripts: javascript}
	disable := func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !javascript})
		return err
	}
	// A reader's window has the focus; a headless one is given it by the first click.
	focus := func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}
	b.do(chromedp.Func(disable), chromedp.Func(focus))
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%v\nat %s", err, b.location())
	}
}

// open navigates and returns the status of the page that was reached.
func (b *browser) open(path string) int64 {
	b.t.Helper()
	resp, err := chromedp.RunResponse(b.ctx, chromedp.Navigate(b.url+path))
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.Status
}

// look is what people do before they press a button: they see the page, and move
// the pointer to it. A page that waits for that (press.js) has waited then.
func (b *browser) look() {
	b.t.Helper()
	if !b.scripts {
		return
	}
	const ready = `!("asleep" in document.documentElement.dataset)`
	for attempt := 1; ; attempt++ { // as text does
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](ready))
		if err == nil {
			break
		}
		if attempt == 5 {
			b.t.Fatalf("waiting until the page can be used: %v\nat %s", err, b.location())
		}
	}
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, 1, 1), chromedp.MouseEvent(chromedp.MouseMoved, 20, 20))
}

// click clicks and waits for the page that follows. Its status is 0 when the
// browser tells of no answer, as it may beside pages that it renders ahead.
func (b *browser) click(selector string) int64 {
	b.t.Helper()
	b.look()
	resp, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatalf("clicking %s: %v\nat %s", selector, err, b.location())
	}
	if resp == nil {
		return 0
	}
	return resp.Status
}

// unfold opens what an element is folded away in, as a reader does.
func (b *browser) unfold(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS("details:has(" + selector + ") > summary")))
}

func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (b *browser) location() string {
	location, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return location
}

// path is the path of the page that the reader is on.
func (b *browser) path() string {
	u, err := url.Parse(b.location())
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Path
}

// text is what the reader sees of an element. Chromium may replace the document
// while it is being looked at; then it is looked at again.
func (b *browser) text(selector string) string {
	b.t.Helper()
	for attempt := 1; ; attempt++ {
		text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
		if err == nil {
			return text
		}
		if attempt == 5 {
			b.t.Fatalf("reading %s: %v\nat %s", selector, err, b.location())
		}
	}
}

func (b *browser) wantOn(path string) {
	b.t.Helper()
	if got := b.path(); got != path {
		b.t.Fatalf("the reader is on %s, not on %s:\n%s", got, path, b.text("body"))
	}
}

func (b *browser) wantText(want string) {
	b.t.Helper()
	if text := b.text("body"); !strings.Contains(text, want) {
		b.t.Fatalf("no %q on %s:\n%s", want, b.location(), text)
	}
}

const payButton = `form[action="/.paywall/unlock"] button`

// buy goes from an article's link on the front page to the article: two
// clicks, the link and the button.
func (b *browser) buy(path string) {
	b.t.Helper()
	b.open("/")
	b.click(`a[href="` + path + `"]`)
	b.wantOn("/.paywall/unlock")
	b.click(payButton)
	b.wantOn(path)
}

// TestG26ReaderWithoutJavaScript walks the whole way of a reader of the demo:
// first purchase, re-reading, an empty wallet, a voucher, undo, and the same
// wallet in a second browser.
func TestG26ReaderWithoutJavaScript(t *testing.T) {
	s := startExample(t)
	b := newBrowser(t, s.url, false)

	if status := b.open("/articles/welcome"); status != http.StatusOK {
		t.Errorf("the free article answers %d", status)
	}
	b.open("/")
	b.click(`a[href="` + demoArticles[0] + `"]`)
	b.wantOn("/.paywall/unlock")
	b.wantText("Pay €0.20 and read")
	b.wantText("€0.60") // the welcome credit
	b.wantText("€0.40") // what is left of it
	b.click(payButton)
	b.wantOn(demoArticles[0])

	// Again: the article itself, without a way over the checkout.
	if status := b.open(demoArticles[0]); status != http.StatusOK {
		t.Errorf("reading again answers %d", status)
	}
	b.wantOn(demoArticles[0])

	b.buy(demoArticles[1])
	b.buy(demoArticles[2])

	// The welcome credit is used up: the page asks for a voucher, and the
	// reader lands in the article that was wanted.
	b.open("/")
	b.click(`a[href="` + demoArticles[3] + `"]`)
	b.wantOn("/.paywall/unlock")
	code := strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "5.00"))
	b.unfold(`input[name="code"]`)
	b.fill(`input[name="code"]`, strings.ToLower(code))
	b.click(`form[action="/.paywall/topup/voucher"] button`)
	b.wantOn(demoArticles[3])

	b.open("/.paywall/wallet")
	b.wantText("€4.80")
	b.click(`form[action="/.paywall/refund"] button`)
	b.wantText("€5.00")
	b.open(demoArticles[3])
	b.wantOn("/.paywall/unlock")

	b.open("/.paywall/wallet")
	recovery := b.text(".secret code")
	second := newBrowser(t, s.url, false)
	second.open("/.paywall/wallet")
	second.fill(`form[action="/.paywall/wallet/recover"] input[name="code"]`, recovery)
	second.click(`form[action="/.paywall/wallet/recover"] button`)
	second.wantText("€5.00")
	second.open(demoArticles[0])
	second.wantOn(demoArticles[0])
	s.wantSound()
}
