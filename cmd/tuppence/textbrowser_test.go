package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// terminal is a text browser that somebody sits in front of.
type terminal struct {
	t      *testing.T
	keys   *os.File
	screen vt10x.Terminal

	mu   sync.Mutex
	last time.Time // that the screen changed
}

const rows, columns = 100, 120 // whole pages stand on it

// newTerminal starts a text browser at an address, with a home of its own.
func newTerminal(t *testing.T, name string, args ...string) *terminal {
	t.Helper()
	notShort(t, name)
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal("this test needs "+name+": ", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "TERM=xterm", "LANG=C.UTF-8", "LC_ALL=C.UTF-8"}
	keys, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	b := &terminal{t: t, keys: keys, screen: vt10x.New(vt10x.WithWriter(keys), vt10x.WithSize(columns, rows))}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, err := keys.Read(buf)
			if err != nil {
				return
			}
			b.mu.Lock()
			_, _ = b.screen.Write(buf[:n])
			b.last = time.Now()
			b.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		keys.Close()
		<-done
	})
	return b
}

// text is what stands on the screen, each run of space as one.
func (b *terminal) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(strings.Fields(b.screen.String()), " ")
}

// see waits until a page with these words is there, and nothing moves any more.
func (b *terminal) see(words ...string) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		missing := slices.IndexFunc(words, func(w string) bool { return !strings.Contains(b.text(), w) })
		if missing < 0 && b.still() {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("nothing of %q on the screen:\n%s", words, b.text())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (b *terminal) still() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.last) > 150*time.Millisecond
}

// press types, one key after the other as their effect is seen.
func (b *terminal) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if _, err := b.keys.WriteString(k); err != nil {
			b.t.Fatal(err)
		}
		b.mu.Lock()
		b.last = time.Now()
		b.mu.Unlock()
		b.see()
	}
}

const enter, tab = "\r", "\t"

// textBrowsers says what keys do in them. The search "/" is the same, and takes
// the reader to a link or button with the words.
var textBrowsers = map[string]struct {
	args  []string
	open  []string // asks for an address
	again string   // asks for the page anew
	field string   // stands on the screen while a field is chosen; "": one tab leads there
	fill  []string // begins to write in it
	next  []string // ends that, and goes to the next
}{
	"lynx": {[]string{"-accept_all_cookies", "-nopause"}, []string{"g"}, "\x12", "tab to move off", nil, []string{tab}},
	"w3m":  {nil, []string{"U", "\x15"}, "R", "", []string{enter}, []string{enter, tab}},
}

// textReader is somebody in front of a text browser.
type textReader struct {
	*terminal
	site, browser string
}

func newTextReader(t *testing.T, s *server, browser, path string) *textReader {
	t.Helper()
	return &textReader{newTerminal(t, browser, append(slices.Clone(textBrowsers[browser].args), s.url+path)...), s.url, browser}
}

func (r *textReader) open(path string) {
	r.t.Helper()
	r.press(textBrowsers[r.browser].open...)
	r.press(r.site+path, enter)
}

// follow goes to the link or button with these words, and presses it.
func (r *textReader) follow(words string) {
	r.t.Helper()
	r.press("/"+words+enter, enter)
}

// fill writes into the field that comes after these words, and presses the
// button that comes after the field.
func (r *textReader) fill(words, text string) {
	r.t.Helper()
	keys := textBrowsers[r.browser]
	r.press("/" + words + enter)
	for tries := 0; tries == 0 && keys.field == "" || tries < 20 && !strings.Contains(r.text(), keys.field); tries++ {
		r.press(tab)
	}
	r.press(keys.fill...)
	r.press(text)
	r.press(keys.next...)
	r.press(enter)
}

var recoveryCode = regexp.MustCompile(`\b[0-9A-Z]{5}(-[0-9A-Z]{5,6}){4}\b`)

// TestG08G26TextBrowsersWalkTheWholeWay: what a reader does in Chromium is done in
// lynx and in w3m, which know no scripts, no style, and neither Sec-Fetch-Site
// nor Origin.
func TestG08G26TextBrowsersWalkTheWholeWay(t *testing.T) {
	for name := range textBrowsers {
		t.Run(name, func(t *testing.T) {
			s := startDemo(t, "")
			r := newTextReader(t, s, name, demoArticles[0])
			r.see("You have €0.60 on the house", "€0.40 left after this")
			r.follow("Pay €0.20 and read")
			r.see("Fresnel")
			for _, path := range demoArticles[1:3] {
				r.open(path)
				r.see("You have €0", "Pay €0.20 and read")
				r.follow("Pay €0.20 and read")
				r.see("How this is paid for") // stands below every article
			}
			r.open("/.paywall/wallet")
			r.see("Balance €0.00")

			// The welcome credit is used up: a voucher, mistyped first, leads into the article.
			r.open(demoArticles[3])
			r.see("Your wallet is empty.")
			r.fill("I have a voucher", "not-a-code")
			r.see("This voucher code is not valid.")
			r.fill("I have a voucher", strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "5.00")))
			r.see("The note that is not there", "Loughborough")

			r.open("/.paywall/wallet")
			r.see("Balance €4.80")
			r.press("/Receipt"+enter, tab, enter) // Undo stands after it
			r.see("The purchase is undone", "Balance €5.00")
			r.open(demoArticles[3])
			r.press(textBrowsers[name].again) // it may still have the page
			r.see("Pay €0.20 and read")

			r.open("/.paywall/wallet")
			r.see("Recovery code")
			if text := r.text(); strings.Contains(text, "Copy the code") || strings.Contains(text, "passkey") {
				t.Errorf("the page offers what needs a script:\n%s", text)
			}
			code := recoveryCode.FindString(r.text())
			second := newTextReader(t, s, name, "/.paywall/wallet")
			if name == "lynx" {
				second.see("Show the 401 message body? (y/n)")
				second.press("y")
			}
			second.see("You have no wallet here yet")
			second.fill("Recovery code", code)
			second.see("Welcome back.", "Balance €5.00")
			second.open(demoArticles[0])
			second.see("Fresnel")
			s.wantSound()
		})
	}
}
