package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	site  = "https://news.example"
	other = "https://elsewhere.example"
)

// noon is when the tests take place; a clock is moved from there.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newRing(t testing.TB) *Ring {
	t.Helper()
	r, err := OpenRing(filepath.Join(t.TempDir(), "keys"), true)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newVerifier(t testing.TB) (*Ring, *Verifier, *clock) {
	t.Helper()
	r, c := newRing(t), &clock{now: noon}
	return r, NewVerifier(r, c.Now), c
}

func newAccess() *Access {
	return &Access{
		ID: "W6PH6kPuhpzC4wIKEYwzUQ", Issuer: site, Audience: site, Resource: "/articles/bells",
		IssuedAt: noon, NotBefore: noon, ExpiresAt: noon.Add(paywall.AccessTTL),
	}
}

func newOffer() *paywall.Offer {
	return &paywall.Offer{
		ID: "V9Zb1f0jF5hHoUKRXNYiNw", Site: site, Checkout: other,
		Resource: "/articles/bells", URL: "/articles/bells?from=front", Title: "The sound of bells", Words: 812,
		Price: paywall.Money{Micros: 200_000, Currency: "EUR"}, Access: 30 * 24 * time.Hour,
		Shares:   []paywall.Share{{Creator: "alice", PPM: 700_000}, {Creator: "bob.b-2_x", PPM: 33_333}},
		IssuedAt: noon, ExpiresAt: noon.Add(paywall.OfferTTL),
	}
}

func signAccess(t testing.TB, r *Ring, a *Access) string {
	t.Helper()
	raw, err := r.SignAccess(a)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func signOffer(t testing.TB, r *Ring, o *paywall.Offer) string {
	t.Helper()
	raw, err := r.SignOffer(o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// mint signs any header and payload with the ring's own key: what an attacker
// would send who could have us sign, and the only way to see the checks that
// stand before and beside the signature.
func mint(r *Ring, head, payload string) string {
	return mintWith(r.current.Load().active.private, head, payload)
}

func mintWith(key ed25519.PrivateKey, head, payload string) string {
	text := segment(head) + "." + segment(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
}

func segment(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func headOf(r *Ring, typ string) string {
	return fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":%q}`, r.current.Load().active.kid, typ)
}

// payloadOf decodes a token's claims as they stand.
func payloadOf(t testing.TB, raw string) string {
	t.Helper()
	var segments [3]string
	for i, n := 0, 0; i < len(raw); i++ {
		if raw[i] == '.' {
			n++
			continue
		}
		segments[n] += raw[i : i+1]
	}
	payload, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}
