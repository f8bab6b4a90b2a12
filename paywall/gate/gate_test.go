package gate

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

func TestAGateNeedsItsParts(t *testing.T) {
	whole := newSite(t).gate.o
	for name, drop := range map[string]func(*Options){
		"table":         func(o *Options) { o.Table = nil },
		"ring":          func(o *Options) { o.Ring = nil },
		"verifier":      func(o *Options) { o.Verifier = nil },
		"canonicalizer": func(o *Options) { o.Canonicalizer = nil },
		"ledger":        func(o *Options) { o.Ledger = nil },
		"checkout":      func(o *Options) { o.Checkout = nil },
		"origin":        func(o *Options) { o.Origin = nil },
	} {
		broken := whole
		drop(&broken)
		if g, err := New(broken); g != nil || err == nil {
			t.Errorf("a gate without its %s was made", name)
		}
	}
}

func TestTheRestOfAGateHasDefaults(t *testing.T) {
	s := newSite(t)
	o := s.gate.o
	o.Original, o.Detach, o.Logger, o.Now = nil, nil, nil, nil
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.gate = g
	wantPaywall(t, s.do("GET", pagePath))
}

// TestAReaderWhoHasGoneCausesNoProbe: nobody waits for the answer.
func TestAReaderWhoHasGoneCausesNoProbe(t *testing.T) {
	s := newSite(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	wantStatus(t, s.send(request(t, "GET", pagePath).WithContext(ctx)), 503)
	if len(s.asked) != 0 {
		t.Errorf("the site was asked %d times", len(s.asked))
	}
}

// TestTheLogHoldsNoSecrets sends some wherever a request has room for one, and
// makes everything fail that is logged.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	s := newSite(t)
	s.gate.o.Logger = slog.New(slog.NewTextHandler(&s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	key, good := string(paywall.NewWalletKey()), s.access("/articles/p2", nil)
	s.ledger.fails = paywall.ErrUnavailable
	for _, upstream := range []func(http.ResponseWriter, *http.Request) error{
		article,
		func(w http.ResponseWriter, r *http.Request) error {
			return article(w, rewriters["in place"](r, pagePath))
		},
	} {
		s.upstream = upstream
		for _, target := range []string{pagePath, "/unpriced/x", "/free/x", "/articles/p3"} {
			s.do("GET", target+"?token="+good, "Cookie: __Host-paywall_wallet="+key+"; __Secure-paywall_access="+good+"; session=private", "X-Forwarded-For: 198.51.100.7")
		}
	}
	func() {
		defer func() { _ = recover() }()
		s.upstream = func(http.ResponseWriter, *http.Request) error { panic("private " + key) }
		s.do("GET", "/articles/p4", "Cookie: session=private")
	}()
	log := s.logs.String()
	if !strings.Contains(log, "withheld") || !strings.Contains(log, "asking the ledger failed") || !strings.Contains(log, "panicked") || !strings.Contains(log, "no rule") {
		t.Errorf("something was not logged: %s", log)
	}
	for _, secret := range []string{key, good, "private", "198.51.100.7", "192.0.2.1", "?"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q: %s", secret, log)
		}
	}
}
