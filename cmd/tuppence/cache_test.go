package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Area D: what a shared cache in front of the gate may keep.

// reply is an answer as a client of a cache sees it, its body decoded.
type reply struct {
	*http.Response
	body string
}

// ask sends a request; header lines are "Name: value".
func (n *newsstand) ask(method, path string, header ...string) reply {
	n.t.Helper()
	req, err := http.NewRequest(method, n.url+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return reply{resp, decoded(n.t, resp.Header.Get("Content-Encoding"), raw)}
}

// decoded undoes a content encoding, so that nothing is overlooked in it.
func decoded(t *testing.T, encoding string, raw []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(raw)
	var err error
	switch {
	case encoding == "" || len(raw) == 0: // HEAD
		return string(raw)
	case encoding == "gzip":
		r, err = gzip.NewReader(r)
	case encoding == "zstd":
		r, err = zstd.NewReader(r)
	default:
		t.Fatalf("an answer in %q, which nobody here makes", encoding)
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// wantStranger is what somebody gets who has not paid: an offer, from the gate.
func (n *newsstand) wantStranger(what string, p reply) {
	n.t.Helper()
	if p.StatusCode != http.StatusSeeOther && p.StatusCode != http.StatusPaymentRequired {
		n.t.Errorf("%s: a stranger gets %s: %.100s", what, p.Status, p.body)
	}
	if strings.Contains(p.body, "canary") || strings.Contains(fmt.Sprint(p.Header), "canary") {
		n.t.Errorf("%s: the page reached a stranger: %v %.100s", what, p.Header, p.body)
	}
	if p.Header["Set-Cookie"] != nil || p.Header.Get("X-Cache") == "HIT" || p.Header.Get("Cache-Control") != "no-store" {
		n.t.Errorf("%s: a stranger gets %v", what, p.Header)
	}
}

// wantPayer is what somebody gets who has, whoever asked before.
func (n *newsstand) wantPayer(what, method string, p reply) {
	n.t.Helper()
	if p.StatusCode/100 != 2 && p.StatusCode != http.StatusNotModified {
		n.t.Errorf("%s: a payer gets %s: %.100s", what, p.Status, p.body)
	}
	if p.StatusCode/100 == 2 && method == http.MethodGet && !strings.Contains(p.body, "canary of /albums/x/") {
		n.t.Errorf("%s: a payer gets no page: %.100s", what, p.body)
	}
	if p.Header.Get("X-Cache") == "HIT" || p.Header.Get("Cache-Control") != "private, no-store" {
		n.t.Errorf("%s: a payer gets %v", what, p.Header)
	}
}

// asked are ways to ask for one page.
var asked = []struct {
	name, method string
	header       []string
}{
	{"plain", "GET", nil},
	{"head", "HEAD", nil},
	{"browser", "GET", []string{"Sec-Fetch-Mode: navigate", "Accept: text/html"}},
	{"range", "GET", []string{"Range: bytes=0-99"}},
	{"condition", "GET", []string{`If-None-Match: "canary"`}},
	{"any", "GET", []string{"If-None-Match: *"}},
	{"date", "GET", []string{"If-Modified-Since: Sun, 22 Nov 2026 23:00:00 GMT"}},
	{"gzip", "GET", []string{"Accept-Encoding: gzip"}},
	{"zstd", "GET", []string{"Accept-Encoding: zstd"}},
	{"several", "GET", []string{"Accept-Encoding: br, zstd, gzip"}},
	{"reload", "GET", []string{"Cache-Control: no-cache", "Pragma: no-cache"}},
	{"kept", "GET", []string{"Cache-Control: only-if-cached, max-stale=9999"}},
}

func (n *newsstand) credentials() map[string]string {
	return map[string]string{
		"cookie": "Cookie: paywall_access=" + n.album.Token,
		"bearer": "Authorization: Bearer " + n.album.Token,
		"wallet": "Cookie: paywall_wallet=" + n.wallet.Key,
	}
}

// TestD01D02D07D08D11ACacheInFrontKeepsNeitherPageNorOffer: payer then
// stranger, and stranger then payer, in every way to ask and to prove.
func TestD01D02D07D08D11ACacheInFrontKeepsNeitherPageNorOffer(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			n := startNewsstand(t, f)
			for proof, credential := range n.credentials() {
				for _, first := range asked {
					payer := append([]string{credential}, first.header...)
					what := proof + ", " + first.name

					path := "/albums/x/paid-" + proof + "-" + first.name
					n.wantPayer(what, first.method, n.ask(first.method, path, payer...))
					for _, then := range asked {
						n.wantStranger(what+", then "+then.name, n.ask(then.method, path, then.header...))
					}
					n.wantPayer(what+", again", first.method, n.ask(first.method, path, payer...))

					path = "/albums/x/offered-" + proof + "-" + first.name
					n.wantStranger(what+" first", n.ask(first.method, path, first.header...))
					for _, then := range asked {
						n.wantPayer(what+" first, then "+then.name, then.method, n.ask(then.method, path, append([]string{credential}, then.header...)...))
					}
					n.wantStranger(what+" first, again", n.ask(first.method, path, first.header...))
				}
			}
			n.wantSound()
		})
	}
}

// TestD04ACacheInFrontKeepsNoRefusal: 308, 400, 401 and 403, and pages that
// look like a style sheet.
func TestD04ACacheInFrontKeepsNoRefusal(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			n := startNewsstand(t, f)
			owner := "Cookie: paywall_access=" + n.album.Token
			for path, status := range map[string]int{
				"/albums/x/%73ong": 308, "/albums/x//song": 308, "/albums/x/./song": 308,
				"/albums/x;y/song": 400, "/albums/x%2fsong": 400, "/albums/x%00.css": 400, "/albums/x%5csong": 400,
			} {
				for _, header := range []string{owner, "Accept: */*"} {
					for range 2 {
						p := n.ask(http.MethodGet, path, header)
						if p.StatusCode != status || strings.Contains(p.body, "canary") || p.Header.Get("X-Cache") == "HIT" {
							t.Errorf("%s: %s %v", path, p.Status, p.Header)
						}
					}
				}
			}
			for _, path := range []string{"/albums/x/a.css", "/albums/x.css", "/albums/x/robots.txt", "/albums/x/song.mp3"} {
				n.ask(http.MethodGet, path, owner)
				n.wantStranger(path, n.ask(http.MethodGet, path))
			}
			const song = "/albums/x/refused"
			if p := n.ask(http.MethodGet, song, "Authorization: Bearer "+n.album.Token[:len(n.album.Token)-8]+"AAAAAAAA"); p.StatusCode != http.StatusUnauthorized {
				t.Errorf("a bad token: %s", p.Status)
			}
			n.wantPayer("after a bad token", http.MethodGet, n.ask(http.MethodGet, song, owner))
			n.ask(http.MethodGet, "/albums/y/other", "Authorization: Bearer "+n.album.Token) // 403
			n.wantStranger("after a token for another album", n.ask(http.MethodGet, "/albums/y/other"))
		})
	}
}

// TestD15ACacheInFrontKeepsNothingThatAPricedPathAnswers: what the site says of
// an article that it does not deliver is over when it does.
func TestD15ACacheInFrontKeepsNothingThatAPricedPathAnswers(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			n := startNewsstand(t, f)
			owner := "Cookie: paywall_access=" + n.album.Token
			absent := map[string]int{"/albums/x/missing": 404, "/albums/x/moved": 301, "/albums/x/gone": 410, "/albums/x/broken": 500}
			for path, status := range absent {
				for _, header := range []string{"Accept: text/html", owner} {
					p := n.ask(http.MethodGet, path, header)
					if p.StatusCode != status || p.Header.Get("Cache-Control") != "private, no-store" {
						t.Errorf("%s: %s %v", path, p.Status, p.Header)
					}
				}
			}
			n.press.published.Store(true)
			for path := range absent {
				n.wantStranger(path, n.ask(http.MethodGet, path))
				n.wantPayer(path, http.MethodGet, n.ask(http.MethodGet, path, owner))
			}
		})
	}
}

var styleSheet = regexp.MustCompile(`href="(/\.paywall/static/[^"]+\.css)"`)

// TestACacheInFrontKeepsWhatIsForEverybody, and of the paywall's own pages only that.
func TestACacheInFrontKeepsWhatIsForEverybody(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			n := startNewsstand(t, f)
			wallet := "Cookie: paywall_wallet=" + n.wallet.Key
			mine := n.ask(http.MethodGet, "/.paywall/wallet", wallet, "Accept: text/html")
			sheet := styleSheet.FindStringSubmatch(mine.body)
			if mine.StatusCode != http.StatusOK || sheet == nil {
				t.Fatalf("%s: %s", mine.Status, mine.body)
			}
			if theirs := n.ask(http.MethodGet, "/.paywall/wallet", "Accept: text/html"); strings.Contains(theirs.body, "97.00") || theirs.Header.Get("X-Cache") == "HIT" {
				t.Errorf("a stranger sees a wallet: %s", theirs.body)
			}
			for _, path := range []string{"/about", "/articles/welcome", "/.paywall/jwks.json", sheet[1]} {
				first := n.ask(http.MethodGet, path, wallet) // whose it was must not matter
				again := n.ask(http.MethodGet, path, wallet)
				if first.StatusCode != http.StatusOK || again.Header.Get("X-Cache") != "HIT" || again.body != first.body || again.Header["Set-Cookie"] != nil {
					t.Errorf("%s: %s %v", path, again.Status, again.Header)
				}
			}
		})
	}
}
