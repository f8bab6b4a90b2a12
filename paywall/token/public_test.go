package token

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// TestAPublicRingOpensWhatWasSoldAndSellsNothing: the key folder is away, what
// it signed before and after a rotation still opens.
func TestAPublicRingOpensWhatWasSoldAndSellsNothing(t *testing.T) {
	full := newRing(t)
	before := signAccess(t, full, newAccess())
	if _, err := full.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	after := signAccess(t, full, newAccess())
	public, err := NewPublicRing(full.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(public, (&clock{now: noon}).Now)
	for _, raw := range []string{before, after} {
		if a, err := v.Access(raw, site, site); err != nil || a.Resource != "/articles/bells" {
			t.Errorf("a token that was sold: %+v, %v", a, err)
		}
	}
	if _, err := v.Access(signAccess(t, newRing(t), newAccess()), site, site); err == nil {
		t.Error("a stranger's token opens")
	}
	if _, err := public.SignAccess(newAccess()); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("signing a token: %v", err)
	}
	if _, err := public.SignOffer(newOffer()); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("signing an offer: %v", err)
	}
	if _, err := public.Rotate(noon); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("rotating: %v", err)
	}
	if string(public.JWKS()) != string(full.JWKS()) {
		t.Errorf("the keys are %s, were %s", public.JWKS(), full.JWKS())
	}
}

func TestAPublicRingRefusesWhatIsNoKeyOfOurs(t *testing.T) {
	for _, jwks := range []string{
		"", "{}", `{"keys":[]}`, `{"keys":[{"x":"","kid":""}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"QNXqreomPyqIwvYzy-wPHXsuvLd-lzKhrye-yiNUmtQ","kid":"somebody"}]}`,
	} {
		if _, err := NewPublicRing([]byte(jwks)); err == nil {
			t.Errorf("%q is a ring", jwks)
		}
	}
}

// TestAFlippedBitInTheStateIsNoticed: a retired key whose name or time was
// damaged would otherwise end without a word.
func TestAFlippedBitInTheStateIsNoticed(t *testing.T) {
	r := newRing(t)
	if _, err := r.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	want := string(r.JWKS())
	for at := range fileOf(t, r, stateFile) {
		raw := fileOf(t, r, stateFile)
		raw[at] ^= 0x01
		writeFileOf(t, r, stateFile, raw)
		if again, err := OpenRing(r.dir, false); err == nil && string(again.JWKS()) != want {
			t.Errorf("with byte %d flipped the keys are %s, were %s", at, again.JWKS(), want)
		}
		raw[at] ^= 0x01
		writeFileOf(t, r, stateFile, raw)
	}
}

func fileOf(t *testing.T, r *Ring, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writeFileOf(t *testing.T, r *Ring, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
