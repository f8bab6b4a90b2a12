package teaser

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileSize is nearly the greatest, whatever stands around what strangers write.
const hostileSize = maxPage * 9 / 10

// counted are the packages whose steps are counted, ours and what it calls.
const counted = ".,golang.org/x/net/html,github.com/andybalholm/cascadia,golang.org/x/text/unicode/norm," +
	"bytes,encoding/base64,encoding/json,net/url,regexp,slices,strings,unicode,unicode/utf8"

// TestNoPageTakesTenTimesTheStepsOfAnOrdinaryOne of its size, whatever strangers write
// on it. A step is a statement that is executed, as the coverage tool counts them: they
// are as many on any machine.
func TestNoPageTakesTenTimesTheStepsOfAnOrdinaryOne(t *testing.T) {
	notShort(t, "a minute")
	dir := t.TempDir()
	binary := filepath.Join(dir, "counting")
	if out, err := exec.Command("go", "test", "-c", "-covermode=count", "-coverpkg="+counted, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	steps := func(page string) (n int) {
		file, profile := filepath.Join(dir, "page"), filepath.Join(dir, "profile")
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		cut := exec.Command(binary, "-test.run=^TestCutOfOnePage$", "-test.coverprofile="+profile)
		cut.Env = append(os.Environ(), "TEASER_PAGE="+file)
		if out, err := cut.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		data, err := os.ReadFile(profile)
		if err != nil {
			t.Fatal(err)
		}
		_, lines, _ := strings.Cut(string(data), "\n")
		for line := range strings.Lines(lines) { // file.go:1.2,3.4 statements count
			var statements, count int
			_, numbers, _ := strings.Cut(line, " ")
			if _, err := fmt.Sscan(numbers, &statements, &count); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			n += statements * count
		}
		return n
	}
	ordinary := steps(ordinaryPage(hostileSize))
	if ordinary < hostileSize {
		t.Fatalf("an ordinary page takes %d steps for %d bytes", ordinary, hostileSize)
	}
	for name, page := range hostilePages(hostileSize) {
		if len(page) > maxPage {
			t.Errorf("%s: %d bytes are more than are cut", name, len(page))
		}
		n := steps(page)
		if n > 10*ordinary {
			t.Errorf("%s: %d million steps, and %d million for an ordinary page of this size", name, n/1e6, ordinary/1e6)
		}
		t.Logf("%-36s %4.1f", name, float64(n)/float64(ordinary))
	}
}

// TestCutOfOnePage is what the steps of are counted.
func TestCutOfOnePage(t *testing.T) {
	file := os.Getenv("TEASER_PAGE")
	if file == "" {
		t.Skip("run by TestNoPageTakesTenTimesTheStepsOfAnOrdinaryOne")
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cutHostile(t, file, string(page))
}

func ordinaryPage(size int) string {
	return "<!doctype html><title>Bells</title><body><article>" + paragraphs(1, size/len("<p>"+sentence(1000)+"</p>\n")) + "</article>"
}

// BenchmarkHostilePages cuts three pages and an ordinary one, and reports how many times
// as long as that the slowest took. Twenty times are enough for every page.
func BenchmarkHostilePages(b *testing.B) {
	pages, ordinary := hostilePages(hostileSize), ordinaryPage(hostileSize)
	names := slices.Sorted(maps.Keys(pages))
	c := cutter(b, article(2))
	timed := func(page string) time.Duration {
		began := time.Now()
		_, _ = c.Cut([]byte(page), "Bells", testOrigin+"/articles/bells")
		return time.Since(began)
	}
	next, slowest, worst := 0, "", 0.0
	for b.Loop() {
		one := timed(ordinary)
		for range 3 {
			name := names[next%len(names)]
			next++
			if times := float64(timed(pages[name])) / float64(one); times > worst {
				slowest, worst = name, times
			}
		}
	}
	b.ReportMetric(worst, "x-ordinary")
	b.Log("slowest: " + slowest)
}
