package caddymodule

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/gate"
	"github.com/tuppence/tuppence/paywall/token"
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

// askDNS starts the site's gates anew, with another DNS for crawlers than the machine's.
func (s *site) askDNS(dns gate.Resolver) {
	s.t.Helper()
	app, err := liveApp()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range app.gates {
		h.dns = dns
		if err := h.provisionCrawlers(); err != nil {
			s.t.Fatal(err)
		}
		if err := h.start(app.vault, token.NewVerifier(app.vault.Ring(), time.Now)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestCrawlersAreToldByTheAddressTheyCameFrom: the one that the last trusted
// proxy saw, and not what the client wrote before it.
func TestCrawlersAreToldByTheAddressTheyCameFrom(t *testing.T) {
	s := newSite(t, "}\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t\ttrusted_proxies_strict", crawledArticles, new(articles))
	s.askDNS(oneCrawler{})
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
	s := newSite(t, "", crawledArticles, new(articles))
	s.askDNS(oneCrawler{})
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip", "True-Client-Ip", "Client-Ip"} {
		if a := s.get("/articles/a", "User-Agent", googlebot, header, googleAddr); a.StatusCode != http.StatusPaymentRequired {
			t.Errorf("%s: %s: %s", header, a.Status, a.body)
		}
	}
}
