package checkout

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// chromium starts a browser with a fresh profile and a window of that width.
// A missing Chromium fails the test.
func chromium(t *testing.T, width int64) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium: ", err)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, cancelTimeout := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the process, and removes its profile
		cancelTimeout()
		cancel()
		cancelAllocator()
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 640)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// misfits lists what does not fit the window: elements that reach beyond it,
// words that a line end cuts in two, and targets smaller than 44 pixels. The
// recovery code is made to be cut at its dashes, and a link in a line of text
// is as high as the line (WCAG 2.2, 2.5.8).
const misfits = `(() => {
	document.querySelectorAll("details").forEach(d => d.open = true);
	const found = [], width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width) found.push("the page scrolls sideways");
	for (const e of document.body.querySelectorAll("*")) {
		const box = e.getBoundingClientRect();
		if (box.left < -0.5 || box.right > width + 0.5) found.push(e.tagName + " reaches from " + box.left + " to " + box.right);
		if (e.matches("button, .button, nav a, summary") && box.height < 44) found.push(e.textContent + " is " + box.height + " high");
	}
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const node = texts.currentNode;
		if (node.parentElement.closest("code, .site")) continue;
		for (const word of node.data.matchAll(/[^\s\u00a0\u202f-]+/g)) {
			const range = document.createRange();
			range.setStart(node, word.index);
			range.setEnd(node, word.index + word[0].length);
			const lines = new Set([...range.getClientRects()].map(r => Math.round(r.top)));
			if (lines.size > 1) found.push("the word " + word[0] + " is cut");
		}
	}
	return found;
})()`

// TestEveryLanguageFits320Pixels: the narrowest window of WCAG 2.2 (1.4.10), in
// both directions.
func TestEveryLanguageFits320Pixels(t *testing.T) {
	ctx := chromium(t, 320)
	for _, tag := range Languages {
		s := newSite(t, inLanguages(firstOf(tag)...))
		pages := s.allPages()
		url := s.served(pages)
		for name := range pages {
			if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"+name)); err != nil {
				t.Fatal(err)
			}
			found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](misfits))
			if err != nil {
				t.Fatal(err)
			}
			for _, misfit := range found {
				t.Errorf("%s, page %q: %s", tag, name, misfit)
			}
		}
	}
}
