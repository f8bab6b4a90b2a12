package caddymodule

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const trusting = "}\n\tservers {\n\t\ttrusted_proxies static private_ranges"

// TestLimitsGoByTheAddressThatTheLastProxySaw: whatever a client writes into
// X-Forwarded-For, and whether the server reads it strictly or not.
func TestLimitsGoByTheAddressThatTheLastProxySaw(t *testing.T) {
	for name, options := range map[string]string{"not strict": trusting, "strict": trusting + "\n\t\ttrusted_proxies_strict"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, options, "paywall /articles/* 0.20\n\treverse_proxy UPSTREAM", new(articles))
			guess := func(forwarded string) int {
				return s.do(http.MethodPost, "/.paywall/wallet/recover", `{"code":"x"}`,
					"Content-Type", "application/json", "Accept", "application/json", "X-Forwarded-For", forwarded).StatusCode
			}
			limited := 0
			for i := range 60 { // the client chooses what stands first
				if guess(fmt.Sprintf("203.0.113.%d, 192.0.2.1", i)) == http.StatusTooManyRequests {
					limited++
				}
			}
			if limited < 45 {
				t.Errorf("%d of 60 guesses from one address were limited", limited)
			}
			for _, same := range []string{"192.0.2.1", "198.51.100.7,192.0.2.1:4711", "192.0.2.1, 10.1.2.3", "x, 192.0.2.1, 10.0.0.1, 127.0.0.1"} {
				if got := guess(same); got != http.StatusTooManyRequests {
					t.Errorf("%q: %d", same, got)
				}
			}
			for _, other := range []string{"192.0.2.2", "192.0.2.1, 192.0.2.3", "192.0.2.1, 2001:db8::1", "10.9.9.9", ""} {
				if got := guess(other); got != http.StatusUnauthorized {
					t.Errorf("%q: %d", other, got)
				}
			}
		})
	}
}

// TestAProxyThatNobodyTrustsIsReportedOnce: and a trusted one, or no header, is not.
func TestAProxyThatNobodyTrustsIsReportedOnce(t *testing.T) {
	for _, tc := range []struct {
		peer, header string
		trusted      bool
		want         string
	}{
		{"127.0.0.1:1", "1.1.1.1", false, "peer=127.0.0.1"},
		{"10.1.2.3:1", "1.1.1.1", false, "peer=10.1.2.3"},
		{"[fd00::1]:1", "1.1.1.1", false, "peer=fd00::1"},
		{"203.0.113.5:1", "1.1.1.1", false, `peer="a public address"`},
		{"@", "1.1.1.1", false, `peer="a Unix socket"`},
		{"10.1.2.3:1", "1.1.1.1", true, ""},
		{"10.1.2.3:1", "", false, ""},
	} {
		var logs bytes.Buffer
		a := &App{logger: slog.New(slog.NewTextHandler(&logs, nil)), forwarded: new(atomic.Bool)}
		for range 3 {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			if tc.header != "" {
				r.Header.Set("X-Forwarded-For", tc.header)
			}
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), new(caddyhttp.Server))
			caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, tc.trusted)
			a.noteForwarded(r)
		}
		got := logs.String()
		if strings.Count(got, "trusted_proxies static") != min(1, len(tc.want)) || !strings.Contains(got, tc.want) {
			t.Errorf("%+v: %s", tc, got)
		}
		if strings.Contains(got, "1.1.1.1") || strings.Contains(got, "203.0.113.5") {
			t.Errorf("the log names a visitor: %s", got)
		}
	}
}

// TestTheReportReachesTheLog of a server that runs.
func TestTheReportReachesTheLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	s := newSite(t, "}\n\tlog told {\n\t\toutput file "+file+"\n\t\tinclude paywall", "paywall /articles/* 0.20\n\treverse_proxy UPSTREAM", new(articles))
	for range 3 {
		s.get("/articles/a", "X-Forwarded-For", "192.0.2.1")
	}
	logged, err := os.ReadFile(file)
	if err != nil || strings.Count(string(logged), "not a trusted proxy") != 1 {
		t.Errorf("%v: %s", err, logged)
	}
}

// TestLimitsOutliveAReload.
func TestLimitsOutliveAReload(t *testing.T) {
	body := "paywall /articles/* 0.20\n\treverse_proxy UPSTREAM"
	s := newSite(t, "", body, new(articles))
	guess := func() int {
		return s.do(http.MethodPost, "/.paywall/wallet/recover", `{"code":"x"}`, "Content-Type", "application/json", "Accept", "application/json").StatusCode
	}
	for guess() != http.StatusTooManyRequests {
	}
	if err := s.load(body); err != nil {
		t.Fatal(err)
	}
	if got := guess(); got != http.StatusTooManyRequests {
		t.Errorf("after a reload: %d", got)
	}
	s.global = "limits 100"
	if err := s.load(body); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if got := guess(); got != http.StatusUnauthorized {
			t.Fatalf("guess %d under limits 100: %d", i, got)
		}
	}
}
