package caddymodule

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const (
	googlebot  = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	googleAddr = "66.249.66.1"

	crawledArticles = "paywall /articles/* 0.20 {\n\t\tcrawlers google bing\n\t}\n\treverse_proxy UPSTREAM"
)

// oneCrawler is a DNS in which one address is Google's.
type oneCrawler struct{}

func (oneCrawler) LookupAddr(_ context.Context, addr string) ([]string, error) {
	if addr != googleAddr {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}
	return []string{"crawl-66-249-66-1.googlebot.com."}, nil
}

func (oneCrawler) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr(googleAddr)}, nil
}

func withCrawlerDNS(t *testing.T) {
	real := resolver
	resolver = oneCrawler{}
	t.Cleanup(func() { resolver = real })
}

// TestCrawlersAreToldByTheAddressTheyCameFrom: the one that the last trusted
// proxy saw, and not what the client wrote before it.
func TestCrawlersAreToldByTheAddressTheyCameFrom(t *testing.T) {
	withCrawlerDNS(t)
	s := newSite(t, "}\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t\ttrusted_proxies_strict", crawledArticles, new(articles))
	before := s.verify().Transfers
	for _, tc := range []struct {
		forwarded, agent string
		status           int
	}{
		{googleAddr, googlebot, 200},
		{"192.0.2.9, " + googleAddr, googlebot, 200},
		{googleAddr + ", 192.0.2.9", googlebot, 402},
		{"192.0.2.9", googlebot, 402},
		{"", googlebot, 402},
		{googleAddr, "Mozilla/5.0 Firefox/140.0", 402},
		{googleAddr, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 402},
	} {
		headers := []string{"User-Agent", tc.agent}
		if tc.forwarded != "" {
			headers = append(headers, "X-Forwarded-For", tc.forwarded)
		}
		a := s.get("/articles/a", headers...)
		if a.StatusCode != tc.status || strings.Contains(a.body, "canary") != (tc.status == 200) {
			t.Errorf("%q as %s: %s: %s", tc.forwarded, tc.agent, a.Status, a.body)
		}
		if tc.status == 200 && (a.Header.Get("Cache-Control") != "private, no-store" || a.Header.Get("X-Robots-Tag") != "noarchive") {
			t.Errorf("a crawler got %v", a.Header)
		}
	}
	if after := s.verify().Transfers; after != before {
		t.Errorf("%d transfers became %d", before, after)
	}
}

// TestB10NobodyIsLetInForItsNameOrTheAddressItClaims: without trusted proxies
// nobody's word counts.
func TestB10NobodyIsLetInForItsNameOrTheAddressItClaims(t *testing.T) {
	withCrawlerDNS(t)
	s := newSite(t, "", crawledArticles, new(articles))
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip", "True-Client-Ip", "Client-Ip"} {
		if a := s.get("/articles/a", "User-Agent", googlebot, header, googleAddr); a.StatusCode != http.StatusPaymentRequired {
			t.Errorf("%s: %s: %s", header, a.Status, a.body)
		}
	}
}

func TestACrawlersAddressIsNobodysWhenTheClientChoseIt(t *testing.T) {
	for _, tc := range []struct {
		name    string
		trusted bool
		server  *caddyhttp.Server
		want    string
	}{
		{"no proxy", false, &caddyhttp.Server{}, googleAddr},
		{"no proxy, no server", false, nil, googleAddr},
		{"strict proxy", true, &caddyhttp.Server{TrustedProxiesStrict: 1}, googleAddr},
		{"other proxy", true, &caddyhttp.Server{}, "invalid IP"},
		{"proxy without server", true, nil, "invalid IP"},
	} {
		ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, map[string]any{
			caddyhttp.ClientIPVarKey: googleAddr, caddyhttp.TrustedProxyVarKey: tc.trusted,
		})
		if tc.server != nil {
			ctx = context.WithValue(ctx, caddyhttp.ServerCtxKey, tc.server)
		}
		r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		if got := crawlerAddr(r).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
