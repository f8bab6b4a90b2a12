package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTeasersAreSeenAtOnce: pages that wait for scripts of their own, which are gone
// from the teaser, in a browser that would run scripts.
func TestTeasersAreSeenAtOnce(t *testing.T) {
	pages := filepath.Join("..", "..", "paywall", "teaser", "testdata")
	files, err := filepath.Glob(filepath.Join(pages, "*.html"))
	if err != nil || len(files) == 0 {
		t.Fatal("no pages", err)
	}
	s := startPages(t, pages)
	b := newBrowser(t, s.url, true)
	for _, file := range files {
		b.open("/" + filepath.Base(file))
		// What of the text is not seen, the offer included.
		const unseen = `[...document.querySelectorAll("article h1, article p, article img, .paywall-pay")]
			.filter(e => !e.checkVisibility({opacityProperty: true, visibilityProperty: true}) || e.getBoundingClientRect().height == 0)
			.map(e => e.outerHTML).join("\n")`
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](unseen))
		if err != nil {
			t.Fatal(err)
		}
		if got != "" {
			t.Errorf("%s: not seen:\n%s", file, got)
		}
		b.wantText("€0.20")
	}
}

// startPages sells every page of a folder, and shows two paragraphs of each.
func startPages(t *testing.T, folder string) *server {
	t.Helper()
	root, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	port, admin := freePort(t), freePort(t)
	s := &server{t: t, home: t.TempDir(), admin: fmt.Sprintf("localhost:%d", admin), url: fmt.Sprintf("http://localhost:%d", port)}
	s.config = filepath.Join(s.home, "Caddyfile")
	s.write(fmt.Sprintf(`{
	admin %s
	paywall {
		currency EUR
		storage badger %s
	}
}
http://localhost:%d {
	root * %s
	@pages path *.html
	paywall @pages 0.20 {
		teaser article {
			paragraphs 2
		}
	}
	file_server
}
`, s.admin, filepath.Join(s.home, "data"), port, root))
	s.start()
	return s
}
