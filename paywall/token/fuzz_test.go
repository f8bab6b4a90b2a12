package token

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzAccessToken: whatever is accepted is, byte for byte, what we would sign.
func FuzzAccessToken(f *testing.F) {
	r, v, _ := newVerifier(f)
	raw := signAccess(f, r, newAccess())
	for _, seed := range []string{
		raw, raw + ".", raw + "=", strings.ToUpper(raw), raw[:len(raw)-1], "..", "", strings.Repeat(".", 100),
		signOffer(f, r, newOffer()), mint(r, `{"alg":"none","typ":"paywall-access+jwt"}`, `{}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := v.Access(raw, site, site)
		if err != nil {
			return
		}
		if again, err := r.SignAccess(a); err != nil || again != raw {
			t.Errorf("%q was accepted, we sign %q, %v", raw, again, err)
		}
	})
}

// FuzzAccessClaims signs any payload with our key: what is accepted must mean
// the same to every JSON reader.
func FuzzAccessClaims(f *testing.F) {
	r, v, _ := newVerifier(f)
	good := payloadOf(f, signAccess(f, r, newAccess()))
	for _, seed := range []string{
		good, `null`, `{}`, `[]`, strings.Replace(good, `"resource"`, `"resource":"/a","resource"`, 1), strings.Replace(good, `"exp"`, `"EXP":1,"exp"`, 1),
		" " + good, good + " ", strings.Replace(good, "bells", `\ud800`, 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		a, err := v.Access(mint(r, headOf(r, typAccess), payload), site, site)
		if err != nil {
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(payload), &members); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"iss": a.Issuer, "aud": a.Audience, "resource": a.Resource, "jti": a.ID,
			"iat": float64(a.IssuedAt.Unix()), "nbf": float64(a.NotBefore.Unix()), "exp": float64(a.ExpiresAt.Unix()),
		}
		if !reflect.DeepEqual(members, want) {
			t.Errorf("%s was read as %v", payload, want)
		}
		if _, err := r.SignAccess(a); err != nil {
			t.Errorf("%s was accepted, but would not be signed: %v", payload, err)
		}
	})
}

// FuzzOfferToken: whatever is accepted is, byte for byte, what we would sign.
func FuzzOfferToken(f *testing.F) {
	r, v, _ := newVerifier(f)
	raw := signOffer(f, r, newOffer())
	for _, seed := range []string{raw, raw + "A", raw[1:], "", ".", signAccess(f, r, newAccess())} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := v.Offer(raw, site, other)
		if err != nil {
			if o != nil {
				t.Errorf("%q: an offer and %v", raw, err)
			}
			return
		}
		if again, err := r.SignOffer(o); err != nil || again != raw {
			t.Errorf("%q was accepted, we sign %q, %v", raw, again, err)
		}
	})
}

// FuzzOfferClaims signs any payload with our key: what is accepted survives
// being signed by us and read again.
func FuzzOfferClaims(f *testing.F) {
	r, v, _ := newVerifier(f)
	good := payloadOf(f, signOffer(f, r, newOffer()))
	for _, seed := range []string{
		good, `{}`, `null`, strings.Replace(good, `"percent":"70"`, `"percent":"96.6667"`, 1), strings.Replace(good, `"0.20"`, `"0.2"`, 1),
		strings.Replace(good, `"words":812,`, ``, 1), strings.Replace(good, `"words":812,`, `"cap":"6.00",`, 1), strings.Replace(good, `"price"`, `"PRICE":"1","price"`, 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		o, err := v.Offer(mint(r, headOf(r, typOffer), payload), site, other)
		if err != nil {
			return
		}
		if o.Price.Micros <= 0 || strings.HasSuffix(o.Resource, "/*") || strings.HasPrefix(o.URL, "//") {
			t.Errorf("%s was accepted as %+v", payload, o)
		}
		raw, err := r.SignOffer(o)
		if err != nil {
			t.Fatalf("%s was accepted, but would not be signed: %v", payload, err)
		}
		if again, err := v.Offer(raw, site, other); err != nil || !reflect.DeepEqual(again, o) {
			t.Errorf("%+v became %+v, %v", o, again, err)
		}
	})
}
