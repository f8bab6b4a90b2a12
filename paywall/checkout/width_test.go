package checkout

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/chromedp"

	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// chromium starts a browser with a fresh profile and a window of that width.
// A missing Chromium fails the test.
func chromium(t *testing.T, width int64, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	notShort(t, "Chromium")
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium: ", err)
	}
	options = append(append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute),
	), options...)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
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

// fontSets are fonts that systems have, wide and narrow. The pages name fonts of
// the reader's system, so that each system breaks lines elsewhere.
var fontSets = []string{"DejaVu", "Liberation", "Noto"}

// fontSet lets Chromium see these fonts alone, as on a system that has no others.
// Only for Arabic and Hebrew there are some more.
func fontSet(t *testing.T, set string) chromedp.ExecAllocatorOption {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fonts.conf")
	if err := os.WriteFile(file, []byte(`<?xml version="1.0"?>
<fontconfig><include>/etc/fonts/fonts.conf</include>
<selectfont>
<acceptfont><glob>*/`+set+`Sans-*</glob><glob>*/`+set+`Serif-*</glob><glob>*/`+set+`Sans.*</glob><glob>*/`+set+`Serif.*</glob></acceptfont>
<acceptfont><glob>*/NotoSansArabic-*</glob><glob>*/NotoSansHebrew-*</glob></acceptfont>
<rejectfont><glob>*.?t?</glob><glob>*.pf?</glob></rejectfont>
</selectfont></fontconfig>`), 0o600); err != nil {
		t.Fatal(err)
	}
	return chromedp.Env("FONTCONFIG_FILE=" + file)
}

// fontsOf are the families that Chromium has set an element in.
func fontsOf(t *testing.T, ctx context.Context, selector string) (families []string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, dom.Enable, dom.EnableParams{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, target, css.Enable, cdp.Empty{}); err != nil {
			return err
		}
		document, err := cdp.Call(ctx, target, dom.GetDocument, dom.GetDocumentParams{})
		if err != nil {
			return err
		}
		node, err := cdp.Call(ctx, target, dom.QuerySelector, dom.QuerySelectorParams{NodeID: document.Root.NodeID, Selector: selector})
		if err != nil {
			return err
		}
		used, err := cdp.Call(ctx, target, css.GetPlatformFontsForNode, css.GetPlatformFontsForNodeParams{NodeID: node.NodeID})
		for _, f := range used.Fonts {
			families = append(families, f.FamilyName)
		}
		return err
	})); err != nil {
		t.Fatal(err)
	}
	return families
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
// both directions, whatever fonts the reader has.
func TestEveryLanguageFits320Pixels(t *testing.T) {
	for _, set := range fontSets {
		t.Run(set, func(t *testing.T) {
			ctx := chromium(t, 320, fontSet(t, set))
			for _, tag := range page.Languages {
				checkFits(t, ctx, set, tag)
			}
		})
	}
}

func checkFits(t *testing.T, ctx context.Context, set, tag string) {
	t.Helper()
	s := newSite(t, inLanguages(firstOf(tag)...))
	pages := s.allPages()
	pages["box"], pages["box of a stranger"], pages["bar"] = s.inArticle(true), s.inArticle(false), s.underBar()
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
		if name != "purchase" || tag != "en" {
			continue
		}
		for selector, want := range map[string]string{".facts": set + " Sans", "h1 bdi": set + " Serif"} {
			if used := fontsOf(t, ctx, selector); len(used) != 1 || used[0] != want {
				t.Errorf("%s is set in %q, not in %s; is it installed?", selector, used, want)
			}
		}
	}
}
