package gate

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The oracle of the tests in leak_test.go: what a client sees, and what of that it must not.

// tape is what a client sees of an answer.
type tape struct {
	header http.Header // trailers included
	sent   http.Header // as they were when they went out
	status int
	body   strings.Builder
	hints  []http.Header
}

func (w *tape) Header() http.Header { return w.header }

func (w *tape) WriteHeader(status int) {
	switch {
	case w.status != 0:
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.hints = append(w.hints, w.header.Clone())
	default:
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *tape) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *tape) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return nil
}

func (w *tape) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return tapeConn{w: w}, nil, nil
}

// tapeConn is what a hijacked connection writes to.
type tapeConn struct {
	net.Conn
	w *tape
}

func (c tapeConn) Write(p []byte) (int, error) { return c.w.body.Write(p) }
func (tapeConn) Close() error                  { return nil }

// judge looks at the rest of an answer.
func (s *leakSite) judge(w *tape, paid bool) (leaks []string) {
	fault := func(format string, args ...any) {
		leaks = append(leaks, fmt.Sprintf("%d: ", w.status)+fmt.Sprintf(format, args...))
	}
	control := strings.Join(w.sent["Cache-Control"], ", ")
	switch {
	case s.priced && !paid && slices.Contains([]int{101, 206, 304, 412, 416}, w.status):
		fault("to somebody who has not paid")
	case s.priced && w.status == http.StatusOK && w.body.Len() == 0 && control == "no-store": // the site wrote nothing
	case s.priced && w.status/100 == 2 && control != "private, no-store":
		fault("Cache-Control %q on what was paid for", control)
	case w.status == http.StatusPaymentRequired || strings.HasPrefix(w.sent.Get("Location"), unlockPath):
		if vary := w.sent.Get("Vary"); control != "no-store" || !listed(vary, "Cookie") || !listed(vary, "Authorization") {
			fault("an offer with Cache-Control %q, Vary %q", control, vary)
		}
	}
	for _, cookie := range w.sent["Set-Cookie"] {
		if strings.Contains(cookie, "evil") {
			fault("the site set %q", cookie)
		}
	}
	for name, values := range w.header {
		if strings.HasPrefix(cgiName(name), "PAYWALL") {
			fault("the site says %s: %q", name, values)
		}
	}
	if location := w.sent.Get("Location"); location != "" && (location[0] != '/' || strings.HasPrefix(location, "//") || strings.Contains(location, `\`)) {
		fault("leads to %q", location)
	}
	return leaks
}

var (
	canaryPattern  = regexp.MustCompile(`CANARY(\[[^\]]*\])?`)
	segmentPattern = regexp.MustCompile(`[A-Za-z0-9_-]{16,}`)
)

// canaries are the pages that an answer tells of, wherever in it: an offer is
// base64, too.
func (w *tape) canaries() []string {
	all := w.body.String() + fmt.Sprint(w.header, w.sent, w.hints)
	for _, segment := range segmentPattern.FindAllString(all, -1) {
		if decoded, err := base64.RawURLEncoding.DecodeString(segment); err == nil {
			all += string(decoded)
		}
	}
	found := map[string]bool{}
	for _, match := range canaryPattern.FindAllStringSubmatch(all, -1) {
		found[strings.Trim(match[1], "[]")] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func albumOf(page string) string {
	if rest, ok := strings.CutPrefix(page, "/albums/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return "/albums/" + name
	}
	return page
}
