package gate

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tuppence/tuppence/paywall/pathtest"
)

// A grammar of whole requests that are meant to be understood in two ways: the
// spellings of package pathtest, and every header and method that was ever a way
// around a gate. "{p1}" and its like stand for credentials (see leakSite.fill).

// strangeRequest makes an HTTP/1 request. The same state of rng gives the same one.
func strangeRequest(rng *rand.Rand) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.%d\r\nHost: site.test\r\n", pick(rng, methods), strangeTarget(rng), min(1, rng.IntN(6)))
	var body string
	for range rng.IntN(6) {
		b.WriteString(strangeLine(rng) + "\r\n")
	}
	if rng.IntN(3) == 0 { // somebody who has paid for something
		b.WriteString(pick(rng, []string{"Authorization: Bearer ", "Cookie: __Secure-paywall_access="}) + pick(rng, []string{"{p1}", "{query}", "{query}", "{album}"}) + "\r\n")
	}
	if rng.IntN(4) == 0 { // a site that delivers to readers what it keeps from a probe
		fmt.Fprintf(&b, "X-Mood: %s\r\nCookie: mood=%s\r\n", pick(rng, moods[:4]), pick(rng, moods))
	}
	if rng.IntN(8) == 0 {
		end := pick(rng, bodies)
		b.WriteString(end[0])
		body = end[1]
	}
	return b.String() + "\r\n" + body
}

// bend alters a request in up to three ways, chosen by a number.
func bend(raw string, number uint64) string {
	rng := rand.New(rand.NewPCG(number, 0))
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(lines))
		switch rng.IntN(6) {
		case 0, 1:
			lines = append(lines, strangeLine(rng))
		case 2:
			lines = append(lines[:at:at], append([]string{lines[at]}, lines[at:]...)...)
		case 3:
			if name, value, ok := strings.Cut(lines[at], ":"); ok && at > 0 {
				lines[at] = pick(rng, aliases(name)) + ":" + value
			}
		case 4:
			if words := strings.Split(lines[0], " "); len(words) == 3 {
				words[1] = strangeTarget(rng)
				lines[0] = strings.Join(words, " ")
			}
		default:
			if words := strings.SplitN(lines[0], " ", 2); len(words) == 2 {
				lines[0] = pick(rng, methods) + " " + words[1]
			}
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

func pick[T any](rng *rand.Rand, all []T) T { return all[rng.IntN(len(all))] }

func strangeTarget(rng *rand.Rand) string {
	switch rng.IntN(5) {
	case 0:
		return pick(rng, []string{pagePath, "/articles/dear", "/albums/x/1.mp3", "/articles/welcome", "/free/page", "/unpriced/x"})
	case 1:
		return pick(rng, spellings)
	case 2:
		return strangeQuery(rng)
	}
	return pathtest.Target(rng)
}

// strangeQuery is a page that its query names, and another page that some parser
// of queries may see there.
func strangeQuery(rng *rand.Rand) string {
	key := pick(rng, []string{"p", "P", "%70", "p[]", "%20p", "p.", "x", "%2570", "p%00", "+p"})
	pairs := []string{"p=" + pick(rng, []string{"1", "1", "1", "%31", "2", "1%26p=2", "1;p=2", "%2531", ""}), key + "=" + pick(rng, []string{"2", "%32", "%2532", "1"})}
	rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return pick(rng, []string{"/index", "/index", "/index", "/index/", "/INDEX", "/index."}) + "?" + strings.Join(pairs[:1+rng.IntN(2)], pick(rng, []string{"&", "&", ";", "&&"}))
}

var methods = []string{
	"GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "PROPFIND", "QUERY", "PURGE", "TRACE", "CONNECT", "FOO", "PRI",
}

var bodies = [][2]string{
	{"Content-Length: 3\r\n", "a=b"},
	{"Content-Length: 3\r\nExpect: 100-continue\r\n", "a=b"},
	{"Transfer-Encoding: chunked\r\n", "3\r\na=b\r\n0\r\n\r\n"},
	{"Transfer-Encoding: chunked\r\nTrailer: Paywall-Status, Authorization, X-Original-Url\r\n", "3\r\na=b\r\n0\r\nPaywall-Status: paid\r\nAuthorization: Bearer x\r\nX-Original-Url: /articles/p1\r\n\r\n"},
	{"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n", "_method=DELETE"},
}

// strangeLine makes a header line, its name in some spelling.
func strangeLine(rng *rand.Rand) string {
	line := pick(rng, headerLines)
	name, value := line[0], pick(rng, line[1:])
	if value == "{target}" {
		value = strangeTarget(rng)
	}
	if rng.IntN(4) == 0 {
		name = pick(rng, aliases(name))
	}
	return name + ": " + value
}

// headerLines are names with their values.
var headerLines = [][]string{
	{"X-Original-Url", "{target}"}, {"X-Rewrite-Url", "{target}"}, {"X-Original-Uri", "{target}"}, {"X-Forwarded-Uri", "{target}"},
	{"X-Forwarded-Path", "{target}"}, {"X-Forwarded-Prefix", "/articles", "/free"}, {"X-Request-Uri", "{target}"},
	{"X-Envoy-Original-Path", "{target}"}, {"X-Script-Name", "/articles", "/free"}, {"X-Forwarded-Script-Name", "/articles"}, {"Path-Info", "{target}"}, {"Referer", "https://www.google.com/", "{target}"},
	{"X-Http-Method-Override", "DELETE", "POST"}, {"X-Method-Override", "PUT"}, {"X-Http-Method", "DELETE"},
	{"Paywall-Status", "paid", "probe", "pass", "free"}, {"Paywall-Resource", pagePath}, {"Paywall", "paid"},
	{"X-Forwarded-Host", "evil.test"}, {"X-Forwarded-Proto", "http", "javascript"}, {"X-Forwarded-For", "127.0.0.1"}, {"Forwarded", "host=evil.test;proto=http"},
	{"Connection", "close", "keep-alive", "Upgrade", "upgrade, HTTP2-Settings", "Cookie, Authorization", "Paywall-Status, close", "Range"},
	{"Upgrade", "websocket", "WebSocket", "h2c", "websocket, h2c", "TLS/1.0"}, {"Http2-Settings", "AAMAAABkAAQAAP__"},
	{"Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Te", "trailers", "gzip"}, {"Trailer", "Paywall-Status"},
	{"Range", "bytes=0-0", "bytes=0-", "bytes=-1", "bytes=9999999-", "bytes=0-0,1-1", "bytes=5-1", "seconds=1-2"},
	{"If-Range", `"CANARY"`, "Sun, 22 Nov 2026 10:00:00 GMT"}, {"If-None-Match", "*", `"CANARY"`, `W/"CANARY"`, `"x"`},
	{"If-Match", "*", `"CANARY"`, `"x"`}, {"If-Modified-Since", "Sun, 22 Nov 2026 12:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"},
	{"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", "Sun, 22 Nov 2026 12:00:00 GMT"},
	{"Cache-Control", "only-if-cached", "no-cache", "max-stale=999999"}, {"Pragma", "no-cache"},
	{"Accept", "text/html", "*/*", "application/json", "text/event-stream"}, {"Accept-Encoding", "gzip", "identity;q=0", "br, zstd"},
	{"Sec-Fetch-Mode", "navigate", "cors", "no-cors", "websocket"}, {"Sec-Fetch-Site", "none", "cross-site"}, {"Sec-Purpose", "prefetch", "prefetch;prerender"},
	{"User-Agent", "Googlebot/2.1", "kube-probe/1.30", "Mozilla/5.0"}, {"Early-Data", "1"}, {"Expect", "100-continue"}, {"Origin", "https://evil.test", "null"},
	{"Authorization", "Bearer {p1}", "Bearer {query}", "Bearer {album}", "bearer {p1}", "Bearer  {p1}", "Bearer\t{p1}", "Bearer {p1},{p1}", "Bearer {wallet}", "Bearer {dead}", "Bearer {stranger}",
		"Bearer {revoked}", "Bearer {forged}", "Bearer {offer}", "Basic dTpw", "Bearer opaque", "Bearer a.b.c", "Bearer", "{p1}"},
	{"Cookie", "__Secure-paywall_access={p1}", "__Secure-paywall_access={album}", "__Secure-paywall_access={query}", "__Secure-paywall_access={query}; __Secure-paywall_access={p1}", "paywall_access={p1}", "__Secure-paywall_access={dead}; __Secure-paywall_access={p1}",
		"__Secure-paywall_access={stranger}", "__Secure-paywall_access={revoked}", "__Secure-paywall_access={forged}", "__Secure-paywall_access={offer}", "__Host-paywall_wallet={wallet}",
		"__Host-paywall_wallet={wallet}; __Host-paywall_wallet={poor}", "__Host-paywall_wallet={poor}", "paywall_wallet={wallet}", "session=1",
		"__Secure-paywall_access=\"{p1}\"", "\u00a0__Secure-paywall_access={p1}", "=__Host-paywall_wallet={wallet}", "a=b,__Secure-paywall_access={p1}"},
	append([]string{"X-Mood"}, moods...),
}

// moods are ways in which a site may answer (see deliver).
var moods = []string{"404", "500", "302", "error", "204", "101", "206", "304", "nothing", "panic", "flush", "hints", "trailers", "whole"}
