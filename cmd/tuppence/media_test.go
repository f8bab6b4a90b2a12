package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Audio and video behind the gate, with Caddy's file server as the site.

// studio is a shop of albums, each one purchase with everything below it.
type studio struct {
	*server
	files string
	ways  []way
}

// way is how the files are reached: by the gate, and in the same manner without.
type way struct{ name, gated, plain string }

func startStudio(t *testing.T, files map[string][]byte) *studio {
	t.Helper()
	s := &studio{files: t.TempDir()}
	for name, content := range files {
		path := filepath.Join(s.files, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	admin := freePort(t)
	address := func() string { return fmt.Sprintf("http://localhost:%d", freePort(t)) }
	s.ways = []way{{"file_server", address(), address()}, {"reverse_proxy", address(), address()}}
	s.server = &server{t: t, home: t.TempDir(), admin: fmt.Sprintf("localhost:%d", admin), url: s.ways[0].gated}
	s.config = filepath.Join(s.home, "Caddyfile")
	config := fmt.Sprintf(`{
	admin %s
	paywall {
		currency EUR
		welcome 5.00
	}
}
`, s.admin)
	for i, site := range []string{
		"root " + s.files + "\n\tfile_server", "reverse_proxy " + strings.TrimPrefix(s.ways[0].plain, "http://"),
	} {
		config += fmt.Sprintf(`
%s {
	paywall /albums/* {
		price 3.00 {
			per /albums/*
		}
	}
	%s
}

%s {
	bind localhost
	%s
}
`, s.ways[i].gated, site, s.ways[i].plain, site)
	}
	s.write(config)
	s.start()
	return s
}

// player is a browser that plays: it keeps cookies as one does.
type player struct {
	t      *testing.T
	site   string
	client *http.Client
}

func newPlayer(t *testing.T, site string) *player {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &player{t: t, site: site, client: &http.Client{Jar: jar}}
}

func (p *player) do(method, path string, form url.Values, header ...string) reply {
	p.t.Helper()
	req, err := http.NewRequest(method, p.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	req.Header.Set("Accept-Encoding", "identity") // so that lengths are the file's
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{resp, string(body)}
}

// buy presses the button. What was bought is not fetched yet.
func (p *player) buy(path string) {
	p.t.Helper()
	shown := p.do(http.MethodGet, path, nil, "Accept: text/html", "Sec-Fetch-Mode: navigate")
	offer := shown.Request.URL.Query().Get("offer")
	if shown.Request.URL.Path != "/.paywall/unlock" || offer == "" {
		p.t.Fatalf("no purchase page, but %s", shown.Request.URL)
	}
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	bought := p.do(http.MethodPost, "/.paywall/unlock", url.Values{"offer": {offer}}, "Accept: text/html")
	if bought.StatusCode != http.StatusSeeOther || bought.Header.Get("Location") != path {
		p.t.Fatalf("after the purchase: %s to %s", bought.Status, bought.Header.Get("Location"))
	}
}

// wantOnePurchase looks into the wallet.
func (p *player) wantOnePurchase(balance string) {
	p.t.Helper()
	var wallet struct {
		Balance string
		Unlocks []struct{ Resource string }
	}
	shown := p.do(http.MethodGet, "/.paywall/wallet", nil, "Accept: application/json")
	if err := json.Unmarshal([]byte(shown.body), &wallet); err != nil || wallet.Balance != balance || len(wallet.Unlocks) != 1 {
		p.t.Errorf("the wallet: %s, %v", shown.body, err)
	}
}

// hls is an album with a film: a master playlist, and beside one of MPEG-TS
// segments one of fragmented MP4 and one of byte ranges in a single file.
func hls() map[string][]byte {
	files := map[string][]byte{
		"albums/film.html": []byte("<!doctype html><title>Low Water, the film</title><video src=film/master.m3u8></video>"),
		"albums/film/master.m3u8": []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=200000\nlow/index.m3u8\n" +
			"#EXT-X-STREAM-INF:BANDWIDTH=800000\nhigh/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=400000\n/albums/film/one/index.m3u8?v=1\n"),
		"albums/other/0.ts":   segment(99),
		"albums/filmmusic/0":  segment(98), // its name begins as the film's does
		"albums/film/one/all": nil,
	}
	low, high, one := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
	files["albums/film/high/init.mp4"] = segment(50)
	for i := range 8 {
		part := segment(i)
		low += fmt.Sprintf("#EXTINF:4,\n%d.ts\n", i)
		high += fmt.Sprintf("#EXTINF:4,\nseg-%d.m4s?t=%d\n", i, i)
		one += fmt.Sprintf("#EXTINF:4,\n#EXT-X-BYTERANGE:%d@%d\nall\n", len(part), len(files["albums/film/one/all"]))
		files[fmt.Sprintf("albums/film/low/%d.ts", i)] = part
		files[fmt.Sprintf("albums/film/high/seg-%d.m4s", i)] = part
		files["albums/film/one/all"] = append(files["albums/film/one/all"], part...)
	}
	files["albums/film/low/index.m3u8"], files["albums/film/high/index.m3u8"] = []byte(low+"#EXT-X-ENDLIST\n"), []byte(high+"#EXT-X-ENDLIST\n")
	files["albums/film/one/index.m3u8"] = []byte(one + "#EXT-X-ENDLIST\n")
	return files
}

// segment is some media: no two are alike, and it is longer than what the gate
// would let run to its end unread.
func segment(i int) []byte {
	return bytes.Repeat([]byte{0x47, byte(i), byte(i >> 8), 0xff}, 80_000+i)
}

// request is one that a player makes.
type request struct{ path, span string }

var mapURI = regexp.MustCompile(`URI="([^"]+)"`)

// follow reads a playlist and all it leads to, as a player does.
func (p *player) follow(playlist string) (requests []request) {
	p.t.Helper()
	requests = append(requests, request{playlist, ""})
	base, err := url.Parse(playlist)
	if err != nil {
		p.t.Fatal(err)
	}
	span := ""
	for line := range strings.SplitSeq(p.do(http.MethodGet, playlist, nil).body, "\n") {
		if uri := mapURI.FindStringSubmatch(line); uri != nil {
			line = uri[1]
		}
		var length, offset int
		if n, _ := fmt.Sscanf(line, "#EXT-X-BYTERANGE:%d@%d", &length, &offset); n == 2 {
			span = fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		next, err := base.Parse(line)
		if err != nil {
			p.t.Fatal(err)
		}
		if strings.HasSuffix(next.Path, ".m3u8") {
			requests = append(requests, p.follow(next.String())...)
			continue
		}
		requests = append(requests, request{next.String(), span})
	}
	return requests
}

// TestD09AFilmOfManySegmentsIsOnePurchase: all of an HLS film plays after one
// press of the button, byte for byte as from the site itself.
func TestD09AFilmOfManySegmentsIsOnePurchase(t *testing.T) {
	s := startStudio(t, hls())
	for _, w := range s.ways {
		t.Run(w.name, func(t *testing.T) {
			stranger, p := newPlayer(t, w.gated), newPlayer(t, w.gated)
			p.buy("/albums/film/master.m3u8")
			requests := p.follow("/albums/film/master.m3u8")
			if len(requests) != 1+3+8+9+8 {
				t.Fatalf("a film of %d requests: %v", len(requests), requests)
			}
			for i, r := range requests {
				if i == len(requests)/2 {
					p.toss("/albums/film") // the wallet opens the rest, without a charge
				}
				p.wantAsPlain(w.plain, r)
				for _, mode := range []string{"no-cors", "cors"} {
					got := stranger.do(http.MethodGet, r.path, nil, "Sec-Fetch-Mode: "+mode, "Range: bytes=0-99")
					if got.StatusCode != http.StatusPaymentRequired || got.Header.Get("Accept-Ranges") != "" {
						t.Errorf("%s for a stranger: %s %v", r.path, got.Status, got.Header)
					}
				}
			}
			for _, other := range []string{"/albums/other/0.ts", "/albums/filmmusic/0"} {
				if got := p.do(http.MethodGet, other, nil); got.StatusCode != http.StatusPaymentRequired {
					t.Errorf("%s was not bought: %s", other, got.Status)
				}
			}
			p.wantOnePurchase("2.00") // 5.00 − 3.00
		})
	}
	s.wantSound()
}

// toss forgets the access cookie of a path, as a browser with too many does.
func (p *player) toss(path string) {
	p.t.Helper()
	site, err := url.Parse(p.site + path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.client.Jar.SetCookies(site, []*http.Cookie{{Name: "paywall_access", Path: path, MaxAge: -1}})
	if left := p.client.Jar.Cookies(site); len(left) != 1 || left[0].Name != "paywall_wallet" {
		p.t.Errorf("cookies left: %v", left)
	}
}

// wantAsPlain compares what the player gets with what the site says to anybody:
// in full, in the range that it wants, and in those that players like.
func (p *player) wantAsPlain(plain string, r request) {
	p.t.Helper()
	anybody := newPlayer(p.t, plain)
	for _, span := range []string{r.span, "bytes=0-", "bytes=0-1", "bytes=-100", "bytes=1000-1999,5000-5999", "bytes=99999999-"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			var header []string
			if span != "" {
				header = []string{"Range: " + span}
			}
			got, want := p.do(method, r.path, nil, header...), anybody.do(method, r.path, nil, header...)
			many := strings.Contains(span, ",") // its parts are divided by something random
			if got.StatusCode != want.StatusCode || got.ContentLength != want.ContentLength || !many && got.body != want.body {
				p.t.Errorf("%s %s %s: %s with %d bytes, %d in the header; the site: %s with %d bytes", method, r.path, span,
					got.Status, len(got.body), got.ContentLength, want.Status, len(want.body))
			}
			for _, name := range []string{"Accept-Ranges", "Content-Range", "Content-Type", "Etag", "Last-Modified"} {
				if got.Header.Get(name) != want.Header.Get(name) && (!many || name != "Content-Type") {
					p.t.Errorf("%s %s %s: %s %q, the site says %q", method, r.path, span, name, got.Header.Get(name), want.Header.Get(name))
				}
			}
			if got.Header.Get("Cache-Control") != "private, no-store" {
				p.t.Errorf("%s: %v", r.path, got.Header)
			}
		}
	}
}
