package withhold

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/paywall/gate"
	"github.com/tuppence/tuppence/paywall/target"
)

// FromAskers keeps readers' wallets and tokens from the proxies before the gate
// that ask somebody else whether a request may pass, such as forward_auth. Caddy has
// provisioned them by now, and takes their transport anew for each request. running
// is asked for each request, too: the gate starts later, and is nil before.
func FromAskers(askers []*reverseproxy.Handler, canon *target.Canonicalizer, running func() *gate.Gate) {
	for _, asker := range askers {
		if _, done := asker.Transport.(*withholding); !done { // by another gate that it stands before
			asker.Transport = &withholding{asker.Transport, canon, running}
		}
	}
}

// withholding is a transport that sends requests without what is ours in them.
// It answers what reverse_proxy asks of a transport while it runs.
type withholding struct {
	http.RoundTripper
	canon   *target.Canonicalizer
	running func() *gate.Gate
}

// RoundTrip sends a copy: the gate needs what it takes out.
func (t *withholding) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, address := *r, *r.URL
	sent.Header, sent.URL = r.Header.Clone(), &address
	gate.Withhold(t.running(), t.canon, &sent, asSent(r))
	return t.RoundTripper.RoundTrip(&sent)
}

// asSent is what of a reader's request may hold a secret. Placeholders in a proxy's
// config read it, and not what the proxy makes of it.
func asSent(r *http.Request) *http.Request {
	reader := &http.Request{RequestURI: requests.OriginalTarget(r), Header: make(http.Header)}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		for _, name := range []string{"Cookie", "Authorization", "Referer"} {
			if value, _ := repl.GetString("http.request.header." + name); value != "" {
				reader.Header.Set(name, value)
			}
		}
	}
	return reader.WithContext(r.Context())
}

// ProxyProtocolEnabled says what the transport below says.
func (t *withholding) ProxyProtocolEnabled() bool {
	below, ok := t.RoundTripper.(reverseproxy.ProxyProtocolTransport)
	return ok && below.ProxyProtocolEnabled()
}

// OverrideHealthCheckScheme does what the transport below does.
func (t *withholding) OverrideHealthCheckScheme(base *url.URL, port string) {
	if below, ok := t.RoundTripper.(reverseproxy.HealthCheckSchemeOverriderTransport); ok {
		below.OverrideHealthCheckScheme(base, port)
	}
}

// RequiresContentLength says what the transport below says.
func (t *withholding) RequiresContentLength() bool {
	below, ok := t.RoundTripper.(reverseproxy.ContentLengthRequiredTransport)
	return ok && below.RequiresContentLength()
}

// Interface guards
var (
	_ reverseproxy.ProxyProtocolTransport              = (*withholding)(nil)
	_ reverseproxy.HealthCheckSchemeOverriderTransport = (*withholding)(nil)
	_ reverseproxy.ContentLengthRequiredTransport      = (*withholding)(nil)
)
