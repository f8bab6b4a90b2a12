package requests

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func TestTheStrictReadingOfForwardingHeaders(t *testing.T) {
	server := provisionedServer(t)
	for _, tc := range []struct{ headers, want string }{
		{"", "10.0.0.9"},
		{"1.1.1.1", "1.1.1.1"},
		{"1.1.1.1, 2.2.2.2", "2.2.2.2"},
		{"1.1.1.1|2.2.2.2", "2.2.2.2"}, // two lines
		{"1.1.1.1, 2.2.2.2, 10.0.0.1", "2.2.2.2"},
		{"10.0.0.1, 10.0.0.2", "10.0.0.9"},
		{"1.1.1.1, nonsense", "1.1.1.1"},
		{"1.1.1.1, [2001:db8::5]:443", "2001:db8::5"},
		{"1.1.1.1, 2001:db8::5%eth0", "2001:db8::5"},
		{"1.1.1.1, 2.2.2.2:80 ", "2.2.2.2"},
		{"1.1.1.1" + strings.Repeat(", 10.0.0.1", 100), "10.0.0.9"},
		{strings.Repeat(",", 5000) + "2.2.2.2", "2.2.2.2"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.9:1234"
		for line := range strings.SplitSeq(tc.headers, "|") {
			if line != "" {
				r.Header.Add("X-Forwarded-For", line)
			}
		}
		prepared := caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), server)
		if got := ClientIP(prepared); got != tc.want {
			t.Errorf("%.60q: %s, want %s", tc.headers, got, tc.want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "203.0.113.5:1"
	r.Header.Set("X-Forwarded-For", "1.1.1.1")
	if got := ClientIP(caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), server)); got != "203.0.113.5" {
		t.Errorf("a stranger's word: %s", got)
	}
}

// provisionedServer is one that trusts 10.0.0.0/8 without strict.
func provisionedServer(t *testing.T) *caddyhttp.Server {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin: &caddy.AdminConfig{Disabled: true},
		AppsRaw: caddy.ModuleMap{"http": []byte(`{"servers":{"x":{"listen":["localhost:0"],` +
			`"trusted_proxies":{"source":"static","ranges":["10.0.0.0/8"]}}}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := ctx.App("http")
	if err != nil {
		t.Fatal(err)
	}
	return app.(*caddyhttp.App).Servers["x"]
}

func TestACrawlersAddressIsNobodysWhenTheClientChoseIt(t *testing.T) {
	for _, tc := range []struct {
		name    string
		trusted bool
		server  *caddyhttp.Server
		want    string
	}{
		{"no proxy", false, &caddyhttp.Server{}, "66.249.66.1"},
		{"no proxy, no server", false, nil, "66.249.66.1"},
		{"strict proxy", true, &caddyhttp.Server{TrustedProxiesStrict: 1}, "66.249.66.1"},
		{"other proxy", true, &caddyhttp.Server{}, "invalid IP"},
		{"proxy without server", true, nil, "invalid IP"},
	} {
		ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, map[string]any{
			caddyhttp.ClientIPVarKey: "66.249.66.1", caddyhttp.TrustedProxyVarKey: tc.trusted,
		})
		if tc.server != nil {
			ctx = context.WithValue(ctx, caddyhttp.ServerCtxKey, tc.server)
		}
		r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		if got := ProvenAddr(r).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
