package caddymodule

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// TestC12HTTP3IsGatedLikeTheRest: A01, A02, B01 and G06 over QUIC.
func TestC12HTTP3IsGatedLikeTheRest(t *testing.T) {
	up := new(asked)
	s := newTLSSite(t, up)
	key := s.wallet() // over TCP
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.roots},
		Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
			return quic.DialAddrEarly(ctx, s.addr, tlsConfig, config)
		},
	}
	defer transport.Close()
	s.client.Transport = transport

	a := s.get("/articles/a", "Accept", "application/json")
	if a.StatusCode != http.StatusPaymentRequired || a.ProtoMajor != 3 || strings.Contains(a.body, "canary") {
		t.Fatalf("unpaid: %s %s: %s", a.Proto, a.Status, a.body)
	}
	if a := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Range", "bytes=0-9", "If-None-Match", "*"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a navigation: %s", a.Status)
	}
	_, r := s.unlock(key, s.offer("/articles/a"))
	up.reset()
	a = s.get("/articles/a", "Authorization", "Bearer "+r.Token, "Paywall-Resource", "evil", "paywall_status", "evil", "X-Original-URL", "/about")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary of /articles/a") || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("paid: %s: %s", a.Status, a.body)
	}
	_, seen := up.reset()
	if len(seen) != 1 || seen[0].Get("Paywall-Status") != "paid" || seen[0].Get("Paywall-Resource") != "/articles/a" || seen[0]["X-Original-Url"] != nil ||
		seen[0]["Authorization"] != nil || seen[0]["Paywall_status"] != nil {
		t.Errorf("the site got %v", seen)
	}
	if a := s.get("/articles/b", "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusForbidden {
		t.Errorf("another article: %s", a.Status)
	}
	for _, path := range []string{"/articles%2fa", "//articles/a", "/articles/../articles/a", "/ARTICLES/a"} {
		if a := s.get(path); a.StatusCode < 300 || strings.Contains(a.body, "canary") {
			t.Errorf("%s: %s: %s", path, a.Status, a.body)
		}
	}
	for name, value := range map[string]string{"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"} {
		a := s.do(http.MethodPost, "/.paywall/unlock", "offer="+s.offer("/articles/b"), "Content-Type", "application/x-www-form-urlencoded",
			"Cookie", "__Host-paywall_wallet="+key, name, value)
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("a foreign page that buys: %s", a.Status)
		}
	}
	s.wantBalance(key, "0.80")
	for _, method := range []string{"HEAD", "PUT", "DELETE", "FOO"} {
		if a := s.do(method, "/articles/b", ""); a.StatusCode != http.StatusPaymentRequired {
			t.Errorf("%s: %s", method, a.Status)
		}
	}
	s.verify()
}
