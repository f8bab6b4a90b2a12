package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/teaser"
)

// What the demo's front page offers, as the browser tests walk it.

var demoArticles = []string{"/articles/lighthouses", "/articles/penny-post", "/articles/tide-tables", "/articles/bells", "/articles/sourdough", "/articles/paper"}

const demoAlbum = "/albums/low-water"

var demoTracks = []string{"/albums/low-water/morning-ferry.mp3", "/albums/low-water/slack-water.mp3"}

var (
	demoLink  = regexp.MustCompile(`(?s)<h[23]><a href="([^"]+)">.*?<span class="price[^"]*">(?:€([0-9.]+)|free)</span>`)
	demoLocal = regexp.MustCompile(`(?:href|src)="([^"#]+)"`)
)

// demoPrices is what the front page says: path → price, "" for free.
func demoPrices(t *testing.T) map[string]string {
	t.Helper()
	prices := make(map[string]string)
	for _, link := range demoLink.FindAllStringSubmatch(readDemo(t, "index.html"), -1) {
		prices[link[1]] = link[2]
	}
	if len(prices) < 8 {
		t.Fatalf("the front page has only %d pieces with a price", len(prices))
	}
	return prices
}

func readDemo(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("demo", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestFrontPageSaysWhatTheGateCharges: the prices on the page are the site's
// own text, and nothing but this test holds them to the config.
func TestFrontPageSaysWhatTheGateCharges(t *testing.T) {
	s := startExample(t)
	prices := demoPrices(t)
	for path, price := range prices {
		want := http.StatusPaymentRequired
		if price == "" {
			want = http.StatusOK
		}
		var problem struct{ Price string }
		into := any(&problem)
		if price == "" {
			into = nil
		}
		if status, err := s.call(http.MethodGet, path, "", nil, into); err != nil || status != want || problem.Price != price {
			t.Errorf("%s, %q on the front page, answers %d at %q: %v", path, price, status, problem.Price, err)
		}
	}
	for _, path := range demoArticles {
		if prices[path] != "0.20" {
			t.Errorf("%s is %q on the front page", path, prices[path])
		}
	}
	if prices[demoAlbum] != "3.00" {
		t.Errorf("the album is %q on the front page", prices[demoAlbum])
	}
}

// TestDemoPagesSayWhatTheySell: every page that is for sale has the title and
// the length that the purchase page shows.
func TestDemoPagesSayWhatTheySell(t *testing.T) {
	for path := range demoPrices(t) {
		head, err := teaser.ReadHead(strings.NewReader(readDemo(t, path+".html")))
		if err != nil {
			t.Fatal(err)
		}
		if head.Title == "" || strings.Contains(head.Title, "Penny Post") {
			t.Errorf("%s: title %q", path, head.Title)
		}
		if path == demoAlbum {
			continue
		}
		if head.Words < 500 || head.Words > 1400 {
			t.Errorf("%s has %d words", path, head.Words)
		}
		// The front page is believed before the purchase page is seen.
		length := fmt.Sprintf("%d,%03d words, %d min", head.Words/1000, head.Words%1000, (head.Words+219)/220)
		_, front, _ := strings.Cut(readDemo(t, "index.html"), `><a href="`+path+`"`)
		if front, _, _ = strings.Cut(front, "</p>\n</"); !strings.Contains(front, strings.TrimPrefix(length, "0,")) {
			t.Errorf("the front page does not say that %s has %s", path, length)
		}
	}
}

// TestDemoHasNoDeadLinksAndAsksNobodyElse: all that a page links to or loads is
// a file of the demo or a page of the paywall, and no page runs scripts.
func TestDemoHasNoDeadLinksAndAsksNobodyElse(t *testing.T) {
	pages, err := filepath.Glob("demo/*/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "demo/index.html") {
		content := readDemo(t, strings.TrimPrefix(page, "demo/"))
		if strings.Contains(content, "<script") || strings.Contains(content, " style=") {
			t.Errorf("%s has a script or an inline style", page)
		}
		for _, link := range demoLocal.FindAllStringSubmatch(content, -1) {
			path := link[1]
			if path == "/.paywall/wallet" {
				continue
			}
			if path == "/" {
				path = "/index"
			}
			if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
				t.Errorf("%s leaves the site: %s", page, path)
			}
			if filepath.Ext(path) == "" {
				path += ".html"
			}
			if info, err := os.Stat(filepath.Join("demo", path)); err != nil || info.IsDir() {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
	album := readDemo(t, demoAlbum+".html")
	for _, track := range demoTracks {
		if !strings.Contains(album, `<audio controls preload="none" src="`+track+`"`) {
			t.Errorf("the album page does not play %s", track)
		}
	}
}
