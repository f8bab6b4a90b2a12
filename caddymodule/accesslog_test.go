package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/caddymodule/internal/withhold"
	"github.com/tuppence/tuppence/paywall/gate"
	"github.com/tuppence/tuppence/paywall/target"
)

// logLine is a line of the access log.
type logLine struct {
	Logger, Msg string
	Status      int
	Request     struct {
		URI     string
		Method  string
		Headers http.Header
	}
	raw map[string]any
}

// lines waits for the access log to have a number of lines, and answers them.
func logLines(t *testing.T, file string, count int) []logLine {
	t.Helper()
	for range 100 {
		content, _ := os.ReadFile(file)
		if lines := strings.Split(strings.TrimSpace(string(content)), "\n"); len(lines) >= count && lines[0] != "" {
			parsed := make([]logLine, len(lines))
			for i, line := range lines {
				if err := json.Unmarshal([]byte(line), &parsed[i]); err != nil {
					t.Fatal(err)
				}
				_ = json.Unmarshal([]byte(line), &parsed[i].raw)
			}
			return parsed
		}
		time.Sleep(20 * time.Millisecond)
	}
	content, _ := os.ReadFile(file)
	t.Fatalf("%d lines are missing in:\n%s", count, content)
	return nil
}

// TestNothingHidesFromTheAccessLog: whatever a visitor writes, all but requests for
// a gift's own page are in the log, and no key is.
func TestNothingHidesFromTheAccessLog(t *testing.T) {
	const secret = "SECRET"
	file := filepath.Join(t.TempDir(), "access.log")
	body := "log {\n\t\toutput file " + file + "\n\t}\n\tpaywall /articles/* 0.20 {\n\t\tgift_links 5 per month\n\t}\n\treverse_proxy UPSTREAM"
	s := newSite(t, "", body, new(articles))
	gift := s.url + "/.paywall/gift?key=" + secret
	for _, path := range []string{"/.paywall/gift?key=" + secret, "/.paywall/gift?key=" + secret + "&x=1"} {
		s.get(path) // the only requests that are left out
	}
	requests := []struct {
		method, path string
		headers      []string
		uri, referer string
	}{
		{"GET", "/about", nil, "/about", ""},
		{"GET", "/about", []string{"Referer", "x/.paywall/gift?"}, "/about", "x/.paywall/gift?REDACTED"},
		{"GET", "/articles/a", []string{"Referer", gift}, "/articles/a", s.url + "/.paywall/gift?REDACTED"},
		{"POST", "/wp-login.php", []string{"Referer", gift}, "/wp-login.php", s.url + "/.paywall/gift?REDACTED"},
		{"GET", "/about", []string{"Referer", s.url + "/.PAYWALL/gift?key=" + secret}, "/about", s.url + "/.PAYWALL/gift?REDACTED"},
		{"GET", "/about", []string{"Referer", s.url + "/%2Epaywall/g%69ft?key=" + secret}, "/about", s.url + "/%2Epaywall/g%69ft?REDACTED"},
		{"GET", "/about", []string{"Referer", "https://a:b@Gift.example:81//.paywall//gift?" + secret}, "/about", "https://a:b@Gift.example:81//.paywall//gift?REDACTED"},
		{"GET", "/about", []string{"Referer", s.url + "/.paywall/gift%3Fkey=" + secret}, "/about", s.url + "/.paywall/gift?REDACTED"},
		{"GET", "/about", []string{"Referer", s.url + `/x\..\.paywall\gift?key=` + secret}, "/about", s.url + `/x\..\.paywall\gift?REDACTED`},
		{"GET", "/about", []string{"Referer", s.url + "/%zz/../.paywall/gift;key=" + secret}, "/about", s.url + "/%zz/../.paywall/gift?REDACTED"},
		{"GET", "/about", []string{"Referer", "https://Search.example/a%20gift?q=x"}, "/about", "https://Search.example/a%20gift?q=x"},
		{"GET", "/.paywall/gift%3Fkey=" + secret, nil, "/.paywall/gift?REDACTED", ""},
		{"GET", "/.Paywall/gift%20?key=" + secret, nil, "/.Paywall/gift?REDACTED", ""},
		{"GET", "/.paywall/gift/..%00?key=" + secret, nil, "/.paywall/gift?REDACTED", ""},
		{"GET", "/articles/.paywall/gift?key=x", nil, "/articles/.paywall/gift?key=x", ""},
		{"GET", "/about/.paywall/gift", nil, "/about/.paywall/gift", ""},
		{"GET", "/about?from=/.paywall/gift?key=x", nil, "/about?from=/.paywall/gift?key=x", ""},
		{"GET", "//.paywall/gift?key=" + secret, nil, "//.paywall/gift?REDACTED", ""},
		{"GET", "/.paywall/%67ift?key=" + secret, nil, "/.paywall/%67ift?REDACTED", ""},
		{"GET", "/.PAYWALL/GIFT?key=" + secret, nil, "/.PAYWALL/GIFT?REDACTED", ""},
		{"GET", "/x/..;/.paywall/gift?key=" + secret, nil, "/x/..;/.paywall/gift?REDACTED", ""},
		{"POST", "/.paywall/gift?key=" + secret, nil, "/.paywall/gift?REDACTED", ""},
		{"DELETE", "/.paywall/gift?key=" + secret, nil, "/.paywall/gift?REDACTED", ""},
		{"GET", "/.paywall/wallet", []string{"Referer", gift, "Cookie", "paywall_wallet=" + secret, "Authorization", "Bearer " + secret}, "/.paywall/wallet", s.url + "/.paywall/gift?REDACTED"},
		{"GET", "/.paywall/unlock?offer=x", nil, "/.paywall/unlock?offer=x", ""},
		{"GET", "/.paywall/topup?offer=x", nil, "/.paywall/topup?offer=x", ""},
		{"GET", "/.paywall/topup/return?intent=" + secret, nil, "/.paywall/topup/return?REDACTED", ""},
		{"GET", "/.paywall/topup/intent?id=" + secret, []string{"Referer", s.url + "/.paywall/topup/return?intent=" + secret}, "/.paywall/topup/intent?REDACTED", s.url + "/.paywall/topup/return?REDACTED"},
		{"GET", "/.paywall/topup/code.svg?id=" + secret, nil, "/.paywall/topup/code.svg?REDACTED", ""},
		{"POST", "/.paywall/topup/return", nil, "/.paywall/topup/return", ""},
		{"GET", "/articles/a", []string{"Referer", s.url + "/.paywall/topup/return?intent=" + secret}, "/articles/a", s.url + "/.paywall/topup/return?REDACTED"},
	}
	for _, r := range requests {
		s.do(r.method, r.path, "", r.headers...)
	}
	lines := logLines(t, file, len(requests))
	if content, _ := os.ReadFile(file); strings.Contains(string(content), secret) {
		t.Errorf("a key is in the log:\n%s", content)
	}
	if len(lines) != len(requests) {
		t.Fatalf("%d lines for %d requests", len(lines), len(requests))
	}
	fields := slices.Sorted(maps.Keys(lines[0].raw))
	for i, r := range requests {
		line := lines[i]
		if line.Request.Method != r.method || line.Request.URI != r.uri || line.Request.Headers.Get("Referer") != r.referer {
			t.Errorf("%s %s %v is logged as %s %s %v", r.method, r.path, r.headers, line.Request.Method, line.Request.URI, line.Request.Headers)
		}
		if got := slices.Sorted(maps.Keys(line.raw)); line.Logger != lines[0].Logger || line.Msg != lines[0].Msg || line.Status < 200 || !slices.Equal(got, fields) {
			t.Errorf("%s %s: %v, unlike %v", r.method, r.path, line.raw, lines[0].raw)
		}
	}
}

// TestWithoutGiftLinksAGiftIsLoggedWithoutItsKey: links of another config still open.
func TestWithoutGiftLinksAGiftIsLoggedWithoutItsKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	s := newSite(t, "", "log {\n\t\toutput file "+file+"\n\t}\n\t"+articlesFor20, new(articles))
	s.get("/.paywall/gift?key=SECRET")
	if line := logLines(t, file, 1)[0]; line.Request.URI != "/.paywall/gift?REDACTED" {
		t.Errorf("logged as %s", line.Request.URI)
	}
}

// TestSitesThatDoNotLogStillDoNot: log lines of our own follow the server's settings.
func TestSitesThatDoNotLogStillDoNot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	s := newSite(t, "", articlesFor20, new(articles))
	other := fmt.Sprintf("\n}\nhttp://other.test:%d {\n\tlog {\n\t\toutput file %s\n\t}\n\trespond other", s.port, file)
	if err := s.load(articlesFor20 + other); err != nil {
		t.Fatal(err)
	}
	s.get("/about", "Referer", s.url+"/.paywall/gift?key=SECRET")
	s.get("/about")
	if content, _ := os.ReadFile(file); len(content) > 0 {
		t.Errorf("logged:\n%s", content)
	}
	skipping := filepath.Join(t.TempDir(), "access.log")
	if err := s.load("log {\n\t\toutput file " + skipping + "\n\t}\n\tlog_skip\n\t" + articlesFor20); err != nil {
		t.Fatal(err)
	}
	s.get("/about", "Referer", s.url+"/.paywall/gift?key=SECRET")
	if content, _ := os.ReadFile(skipping); len(content) > 0 {
		t.Errorf("logged:\n%s", content)
	}
}

// TestN06AGiftLinkIsNoErrorWhileTheServerStarts: the server would log it.
func TestN06AGiftLinkIsNoErrorWhileTheServerStarts(t *testing.T) {
	h := &Handler{
		app: &App{ready: make(chan struct{})}, gate: new(atomic.Pointer[gate.Gate]), GiftLinks: new(GiftLinks),
		canon: &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String},
	}
	h.log = withhold.NewAccessLog(caddy.Context{}, nil, h.canon, true)
	for target, isError := range map[string]bool{"/.paywall/gift?key=x": false, "/.paywall/wallet": true, "/articles/a": true} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the visitor has no patience
		vars := map[string]any{}
		r := httptest.NewRequestWithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, vars), http.MethodGet, target, nil)
		w := httptest.NewRecorder()
		err := h.ServeHTTP(w, r, nil)
		if (err != nil) != isError || !isError && (w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "") {
			t.Errorf("%s: %v, %d %v", target, err, w.Code, w.Header())
		}
		if skipped := vars[caddyhttp.LogSkipVar] == true; skipped == isError {
			t.Errorf("%s: left out of the access log: %v", target, skipped)
		}
	}
}
