package checkout

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// reachable counts what takes the focus.
const reachable = `[...document.querySelectorAll("a[href], button, summary, input:not([type=hidden])")].filter(e => e.checkVisibility()).length`

// focused says which element has the focus, and what is wrong with it.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return ["", ""];
	const all = [...document.querySelectorAll("*")], style = getComputedStyle(e), box = e.getClientRects()[0];
	const name = e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.querySelector("img")?.alt;
	const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
	let fault = "";
	if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) fault = "shows no focus";
	else if (!e.contains(top) && !top?.contains(e)) fault = "is covered by " + top?.outerHTML.slice(0, 80);
	else if (!name?.trim()) fault = "has no name: " + e.outerHTML;
	return [all.indexOf(e) + " " + e.tagName + " " + name, fault];
})()`

// TestTabReachesEverything: in order, once each, with a focus that is seen and
// not covered (WCAG 2.2, 2.1.1, 2.4.3, 2.4.7, 2.4.11), and a name (4.1.2).
func TestTabReachesEverything(t *testing.T) {
	ctx := chromium(t, 320)
	for _, tag := range []string{"en", "ar"} {
		s := newSite(t, inLanguages(firstOf(tag)...))
		pages := s.allPages()
		pages["box"] = s.inArticle(true)
		url := s.served(pages)
		for _, page := range []string{"purchase", "poor", "wallet", "wrong code", "erase", "reset done", "410", "box"} {
			if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"+page)); err != nil {
				t.Fatal(err)
			}
			want, err := chromedp.Run(ctx, chromedp.Evaluate[int](reachable))
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for range want {
				if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)); err != nil {
					t.Fatal(err)
				}
				got, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](focused))
				if err != nil {
					t.Fatal(err)
				}
				seen[got[0]] = true
				if got[1] != "" {
					t.Errorf("%s, page %q: %s %s", tag, page, got[0], got[1])
				}
			}
			if delete(seen, ""); len(seen) != want || want < 1 {
				t.Errorf("%s, page %q: Tab reaches %d of %d", tag, page, len(seen), want)
			}
		}
	}
}

// TestTextAtTwiceItsSizeFits (WCAG 2.2, 1.4.4): in a window half as wide as a
// small desktop's, which is what zooming does.
func TestTextAtTwiceItsSizeFits(t *testing.T) {
	ctx := chromium(t, 640)
	for _, tag := range []string{"de", "ar"} {
		s := newSite(t, inLanguages(firstOf(tag)...), lookOf(t, page.Options{Name: "Der Fährmann", Accent: "#7a1f4d"}))
		pages := s.allPages()
		url := s.served(pages)
		for name := range pages {
			if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"+name)); err != nil {
				t.Fatal(err)
			}
			found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`document.documentElement.style.fontSize = "200%"; `+misfits))
			if err != nil {
				t.Fatal(err)
			}
			for _, misfit := range found {
				t.Errorf("%s, page %q: %s", tag, name, misfit)
			}
		}
	}
}

// shown is which of the selectors' elements are on the page.
const shown = `(selectors => selectors.map(s => document.querySelector(s)).map(e => Boolean(e?.checkVisibility())))`

// TestPrintHasWhatMustBeKept: what was bought, at what price, and the recovery
// code; no button, no switch.
func TestPrintHasWhatMustBeKept(t *testing.T) {
	ctx := chromium(t, 640)
	s := newSite(t)
	pages := s.allPages()
	if err := chromedp.Do(ctx, chromedp.Navigate(s.served(pages)+"/wallet"), printing); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[[]bool](shown+`([".site", ".balance", ".purchases a", ".purchases time", ".secret code", "button", "nav", "summary", ".languages", ".notice"])`))
	if err != nil {
		t.Fatal(err)
	}
	for i, on := range got {
		if on != (i < 5) {
			t.Errorf("element %d is on the paper: %t", i, on)
		}
	}
}

// TestContrastAndForcedColors: more contrast is given where it is asked for, and
// a system's own colors leave the button a border.
func TestContrastAndForcedColors(t *testing.T) {
	ctx := chromium(t, 640)
	s := newSite(t)
	url := s.served(s.allPages()) + "/purchase"
	for feature, script := range map[string]string{
		"prefers-contrast: more": `getComputedStyle(document.querySelector(".promise")).color === getComputedStyle(document.body).color`,
		"forced-colors: active":  `getComputedStyle(document.querySelector(".pay")).borderTopColor !== "rgba(0, 0, 0, 0)"`,
	} {
		if err := chromedp.Do(ctx, media(feature), chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err != nil || !ok {
			t.Errorf("%s changes nothing: %v", feature, err)
		}
	}
}

// TestNothingMoves: there is nothing to reduce for those who want less motion.
func TestNothingMoves(t *testing.T) {
	for _, sheet := range []page.Asset{ours(t).Style(), ours(t).BoxStyle()} {
		for _, word := range []string{"animation", "transition", "@keyframes", "scroll-behavior"} {
			if strings.Contains(string(sheet.Body()), word) {
				t.Errorf("%s has %s", sheet.URL(), word)
			}
		}
	}
}
