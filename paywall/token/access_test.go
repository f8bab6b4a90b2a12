package token

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestAccessTokenCarriesExactlyTheAgreedClaims(t *testing.T) {
	r, v, _ := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	want := `{"iss":"https://news.example","aud":"https://news.example","iat":1795348800,"nbf":1795348800,` +
		`"exp":1795435200,"jti":"W6PH6kPuhpzC4wIKEYwzUQ","resource":"/articles/bells"}`
	if got := payloadOf(t, raw); got != want {
		t.Errorf("claims\n%s\nwant\n%s", got, want)
	}
	if head := segment(headOf(r, "paywall-access+jwt")); !strings.HasPrefix(raw, head+".") {
		t.Errorf("header of %s is not %s", raw, head)
	}
	for range 2 { // verified, then cached
		got, err := v.Access(raw, site, site)
		if err != nil || *got != *newAccess() {
			t.Errorf("Access = %+v, %v", got, err)
		}
	}
}

func TestE13TokenOpensItsResourceOrWhatLiesBelowItsPattern(t *testing.T) {
	for _, tc := range []struct {
		token, resource string
		opens           bool
	}{
		{"/articles/bells", "/articles/bells", true},
		{"/articles/bells", "/articles/Bells", false},
		{"/articles/bells", "/articles/bells/2", false},
		{"/articles/bells", "/articles/bells?p=2", false},
		{"/", "/", true},
		{"/", "/articles/bells", false},
		{"/articles*", "/articles/bells", false},
		{"/albums/x/*", "/albums/x", true},
		{"/albums/x/*", "/albums/x/1.mp3", true},
		{"/albums/x/*", "/albums/x/a/b", true},
		{"/albums/x/*", "/albums/xy", false},
		{"/albums/x/*", "/albums", false},
		{"/albums/x/*", "/albums/x?p=2", false},
		{"/*", "/", true},
		{"/*", "/anything", true},
	} {
		if got := (&Access{Resource: tc.token}).Opens(tc.resource); got != tc.opens {
			t.Errorf("a token for %s opens %s: %v, want %v", tc.token, tc.resource, got, tc.opens)
		}
	}
}

// TestE01E02E04E05E06E14E15E16E18E20ForgedAccessTokenOpensNothing: rows that a
// token decides alone. "ours" ones must be told from other people's bearers,
// which the gate hands on to the site.
func TestE01E02E04E05E06E14E15E16E18E20ForgedAccessTokenOpensNothing(t *testing.T) {
	r, v, _ := newVerifier(t)
	kid := r.current.Load().active.kid
	public := r.current.Load().active.public
	good := payloadOf(t, signAccess(t, r, newAccess()))
	head := headOf(r, typAccess)
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	headWith := func(members string) string { return `{` + members + `,"kid":"` + kid + `","typ":"` + typAccess + `"}` }
	hs256 := func(secret []byte) string {
		text := segment(headWith(`"alg":"HS256"`)) + "." + segment(good)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	raw := mint(r, head, good)
	cut := strings.LastIndexByte(raw, '.')
	text, signature := raw[:cut], raw[cut+1:]
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	unusedBitSet := signature[:85] + string(alphabet[strings.IndexByte(alphabet, signature[85])|1])

	cases := map[string]string{
		"E02 HS256 keyed with the public key":   hs256(public),
		"E02 HS256 keyed with its base64":       hs256([]byte(base64.RawURLEncoding.EncodeToString(public))),
		"E02 HS256 keyed with its PEM":          hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"E02 HS256 keyed with the JWKS":         hs256(r.JWKS()),
		"E04 a stranger's key":                  mintWith(stranger, head, good),
		"E04 jwk in the header":                 mintWith(stranger, headWith(`"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"`+base64.RawURLEncoding.EncodeToString(stranger.Public().(ed25519.PublicKey))+`"}`), good),
		"E05 jku":                               mint(r, headWith(`"alg":"EdDSA","jku":"http://127.0.0.1:1/jwks.json"`), good),
		"E05 x5u":                               mint(r, headWith(`"alg":"EdDSA","x5u":"http://127.0.0.1:1/x"`), good),
		"E05 x5c":                               mint(r, headWith(`"alg":"EdDSA","x5c":["MA=="]`), good),
		"E15 crit b64":                          mint(r, headWith(`"alg":"EdDSA","crit":["b64"],"b64":false`), good),
		"E15 crit unknown":                      mint(r, headWith(`"alg":"EdDSA","crit":["paywall"],"paywall":1`), good),
		"E15 crit empty":                        mint(r, headWith(`"alg":"EdDSA","crit":[]`), good),
		"header: twin alg":                      mint(r, headWith(`"alg":"none","alg":"EdDSA"`), good),
		"header: alg in another case":           mint(r, headWith(`"alg":"eddsa"`), good),
		"header: alg Ed25519":                   mint(r, headWith(`"alg":"Ed25519"`), good),
		"header: spaces":                        mint(r, " "+head, good),
		"header: typ in another case":           mint(r, strings.ReplaceAll(head, typAccess, "PAYWALL-access+jwt"), good),
		"header: twin typ":                      mint(r, headWith(`"alg":"EdDSA","typ":"JWT"`), good),
		"header: TYP beside typ":                mint(r, headWith(`"alg":"EdDSA","TYP":"JWT"`), good),
		"E14 twin resource":                     mint(r, head, strings.Replace(good, `"resource"`, `"resource":"/articles/cheap","resource"`, 1)),
		"E14 RESOURCE beside resource":          mint(r, head, strings.Replace(good, `"resource"`, `"RESOURCE":"/articles/dear","resource"`, 1)),
		"E14 Exp beside exp":                    mint(r, head, strings.Replace(good, `"exp"`, `"Exp":1795435200,"exp"`, 1)),
		"E14 Exp instead of exp":                mint(r, head, strings.Replace(good, `"exp"`, `"Exp"`, 1)),
		"E14 escaped twin":                      mint(r, head, strings.Replace(good, `"resource"`, `"\u0072esource":"/articles/dear","resource"`, 1)),
		"E14 twin by case folding (long s)":     mint(r, head, strings.Replace(good, `"resource"`, `"reſource":"/articles/dear","resource"`, 1)),
		"a claim that we do not write":          mint(r, head, strings.Replace(good, `"jti"`, `"sub":"reader","jti"`, 1)),
		"E16 null":                              mint(r, head, `null`),
		"E16 list":                              mint(r, head, `[]`),
		"E16 string":                            mint(r, head, `"x"`),
		"E16 number":                            mint(r, head, `1`),
		"E16 empty object":                      mint(r, head, `{}`),
		"E16 nothing":                           mint(r, head, ``),
		"E16 trailing bytes":                    mint(r, head, good+`x`),
		"E16 a second object":                   mint(r, head, good+`{}`),
		"E16 byte order mark":                   mint(r, head, "\ufeff"+good),
		"E16 UTF-16":                            mint(r, head, "{\x00\"\x00}\x00"),
		"E16 invalid UTF-8":                     mint(r, head, strings.Replace(good, "bells", "bells\xff", 1)),
		"E18 one segment":                       segment(head),
		"E18 two segments":                      text,
		"E18 four segments":                     raw + ".x",
		"E18 four segments, the last one empty": raw + ".",
		"E18 five segments":                     raw + "." + signature + "." + signature,
		"E18 10,000 dots":                       segment(head) + strings.Repeat(".", 10_000),
		"E20 nested lists":                      mint(r, head, strings.Replace(good, `"resource"`, `"x":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)+`,"resource"`, 1)),
		"M11 unused bit in the last character":  text + "." + unusedBitSet,
		"M11 line break inside the signature":   text + "." + signature[:40] + "\r\n" + signature[40:],
		"M11 line break inside, length kept":    text + "." + signature[:40] + "\n" + signature[41:],
		"M11 line break inside the payload":     text + "\n." + signature,
		"padding":                               raw + "==",
		"another alphabet":                      text + "." + strings.Repeat("+", signatureLength),
		"a space after":                         raw + " ",
		"an empty signature":                    text + ".",
		"all signature bytes zero":              text + "." + strings.Repeat("A", signatureLength),
		"longer than 2 KB, rightly signed":      mint(r, head, strings.Replace(good, "bells", strings.Repeat("b", MaxLength), 1)),
		"another's payload under our signature": segment(head) + "." + segment(strings.Replace(good, "bells", "dear", 1)) + "." + signature,
	}
	for _, alg := range []string{`"none"`, `"None"`, `"nOnE"`, `""`, `null`, `["EdDSA"]`} {
		text := segment(headWith(`"alg":`+alg)) + "." + segment(good)
		cases["E01 alg "+alg+", no signature"] = text + "."
		cases["E01 alg "+alg+", signed"] = mint(r, headWith(`"alg":`+alg), good)
	}
	cases["E01 alg missing"] = mint(r, `{"kid":"`+kid+`","typ":"`+typAccess+`"}`, good)
	for _, alg := range []string{"RS256", "PS256", "ES256", "HS256"} {
		cases["E04 "+alg] = mintWith(stranger, headWith(`"alg":"`+alg+`"`), good)
	}
	for _, kid := range []string{`"../../dev/null"`, `"' OR 1=1--"`, `null`, `1`, `[]`, `"a\nb"`, `""`} {
		cases["E06 kid "+kid] = mint(r, `{"alg":"EdDSA","kid":`+kid+`,"typ":"`+typAccess+`"}`, good)
	}
	cases["E06 kid missing"] = mint(r, `{"alg":"EdDSA","typ":"`+typAccess+`"}`, good)

	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := v.Access(raw, site, site)
			if err == nil || got != nil {
				t.Errorf("accepted as %+v", got)
			}
			if errors.Is(err, ErrNotOurs) {
				t.Error("would be left for the site")
			}
		})
	}
	if _, err := v.Access(raw, site, site); err != nil {
		t.Errorf("the token that the cases were made of: %v", err)
	}
}

// TestE08E09E11E12E13ClaimsOutOfRangeAreRefused signs each with our own key, so that nothing
// but the claim is wrong.
func TestE08E09E11E12E13ClaimsOutOfRangeAreRefused(t *testing.T) {
	r, v, _ := newVerifier(t)
	good := payloadOf(t, signAccess(t, r, newAccess()))
	const day = 24 * 60 * 60
	now := noon.Unix()
	cases := map[string][]string{
		`"aud":"https://news.example"`: { // E08
			``, `"aud":""`, `"aud":[]`, `"aud":["https://news.example"]`, `"aud":["https://elsewhere.example","https://news.example"]`,
			`"aud":"https://elsewhere.example"`, `"aud":"HTTPS://NEWS.EXAMPLE"`, `"aud":"https://news.example/"`, `"aud":null`, `"aud":1`,
		},
		`"iss":"https://news.example"`: {``, `"iss":""`, `"iss":"https://elsewhere.example"`, `"iss":null`, `"iss":["https://news.example"]`}, // E09
		fmt.Sprintf(`"exp":%d`, now+day): { // E11
			``, `"exp":0`, `"exp":null`, `"exp":"9999999999"`, `"exp":-1`, `"exp":1e308`, `"exp":9000000000000000000`, `"exp":10000000000000000000`,
			`"exp":1795435200.5`, `"exp":1.7954352e9`, `"exp":true`, `"exp":[1795435200]`, `"exp":9999999999`,
			fmt.Sprintf(`"exp":%d`, now-1), fmt.Sprintf(`"exp":%d`, now), // ended
			fmt.Sprintf(`"exp":%d`, now+day+1), // lives longer than 24 h
		},
		fmt.Sprintf(`"nbf":%d`, now): { // E12
			``, `"nbf":null`, `"nbf":"0"`, `"nbf":-1`, `"nbf":1`, fmt.Sprintf(`"nbf":%d`, now+61), fmt.Sprintf(`"nbf":%d`, now+2*day),
		},
		fmt.Sprintf(`"iat":%d`, now): { // E12
			``, `"iat":null`, `"iat":0`, `"iat":-1`, `"iat":1e9`, fmt.Sprintf(`"iat":%d`, now+61), fmt.Sprintf(`"iat":%d`, now-1),
		},
		`"resource":"/articles/bells"`: { // E13
			``, `"resource":""`, `"resource":"*"`, `"resource":"articles/bells"`, `"resource":["/articles/bells"]`, `"resource":1`, `"resource":null`,
			`"resource":"/articles/\u0000bells"`, `"resource":"/articles/\nbells"`, `"resource":"https://news.example/articles/bells"`,
		},
		`"jti":"W6PH6kPuhpzC4wIKEYwzUQ"`: {``, `"jti":""`, `"jti":null`, `"jti":1`, `"jti":"a b"`, `"jti":"ü"`, `"jti":"` + strings.Repeat("a", 65) + `"`},
	}
	for claim, bad := range cases {
		if !strings.Contains(good, claim) {
			t.Fatalf("%s is not in %s", claim, good)
		}
		for _, replacement := range bad {
			payload := strings.Replace(good, claim, replacement, 1)
			payload = strings.NewReplacer(",,", ",", "{,", "{", ",}", "}").Replace(payload)
			if got, err := v.Access(mint(r, headOf(r, typAccess), payload), site, site); err == nil || errors.Is(err, ErrNotOurs) {
				t.Errorf("%s: %+v, %v", payload, got, err)
			}
		}
	}
}

func TestE16E18E19E20SomebodyElsesBearerIsLeftAlone(t *testing.T) {
	r, v, _ := newVerifier(t)
	good := payloadOf(t, signAccess(t, r, newAccess()))
	for name, raw := range map[string]string{
		"nothing":            "",
		"an opaque token":    "2YotnFZFEjr1zCsicMWpAA",
		"dots":               strings.Repeat(".", 15_000),
		"random base64":      strings.Repeat("kq3Z", 3_500),
		"a JWT of typ JWT":   mint(r, `{"alg":"EdDSA","typ":"JWT","kid":"1"}`, good),
		"a JWT without typ":  mint(r, `{"alg":"EdDSA"}`, good),
		"an RFC 9068 token":  mint(r, `{"alg":"RS256","typ":"at+jwt"}`, good),
		"a long foreign JWT": mint(r, `{"alg":"RS256","typ":"JWT"}`, strings.Repeat("x", 3_000)),
		"an offer of ours":   signOffer(t, r, newOffer()),
		"JSON serialisation": `{"payload":"` + segment(good) + `","protected":"` + segment(headOf(r, typAccess)) + `"}`,
		"typ null":           mint(r, `{"typ":null}`, good),
		"typ a list":         mint(r, `{"typ":["paywall-access+jwt"]}`, good),
		"a header of lists":  segment(strings.Repeat("[", 5_000)) + ".e30." + strings.Repeat("A", signatureLength),
		"a huge header":      segment(`{"typ":"paywall-access+jwt","x":"`+strings.Repeat("x", 14_000)+`"}`) + ".e30.",
		"a JWE":              segment(`{"alg":"dir","enc":"A256GCM"}`) + "..AAAA.AAAA.AAAA",
	} {
		if got, err := v.Access(raw, site, site); !errors.Is(err, ErrNotOurs) || got != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestE23E27TokenOfOneSiteOpensNoOther: two sites on one server. No two keys
// share a kid, which is the hash of the key: another key under the text of ours
// is E04, and cannot be put into a ring.
func TestE23E27TokenOfOneSiteOpensNoOther(t *testing.T) {
	r, v, _ := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	for range 2 { // before and after it is cached
		for _, party := range [][2]string{{other, site}, {site, other}, {other, other}, {"", ""}, {"", site}, {site, ""}} {
			if got, err := v.Access(raw, party[0], party[1]); err == nil {
				t.Errorf("a token of %s passed for %q: %+v", site, party, got)
			}
		}
		if _, err := v.Access(raw, site, site); err != nil {
			t.Error(err)
		}
	}
	_, second, _ := newVerifier(t) // other keys
	if _, err := second.Access(raw, site, site); err == nil || errors.Is(err, ErrNotOurs) {
		t.Errorf("another server's key: %v", err)
	}
}

func TestTokenEndsOnTimeAlthoughItIsCached(t *testing.T) {
	r, v, c := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	if _, err := v.Access(raw, site, site); err != nil {
		t.Fatal(err)
	}
	c.advance(paywall.AccessTTL - time.Second)
	if _, err := v.Access(raw, site, site); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	c.advance(time.Second)
	for range 2 { // from the cache, then from scratch
		if _, err := v.Access(raw, site, site); !errors.Is(err, errExpired) {
			t.Errorf("at its end: %v", err)
		}
	}
}

// TestE28ClockSkewOfAMinuteIsForgiven: a signing host may be a minute ahead, not more.
func TestE28ClockSkewOfAMinuteIsForgiven(t *testing.T) {
	r, v, c := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	if _, err := v.Access(raw, site, site); err != nil {
		t.Fatal(err)
	}
	signature := strings.LastIndexByte(raw, '.') + 1
	forged := raw[:signature] + strings.Repeat("A", len(raw)-signature)
	fresh := NewVerifier(r, c.Now)
	for ahead, ok := range map[time.Duration]bool{time.Minute: true, 61 * time.Second: false, 10 * time.Minute: false} {
		c.now = noon.Add(-ahead)
		for name, v := range map[string]*Verifier{"cached": v, "fresh": fresh} {
			_, err := v.Access(raw, site, site)
			if (err == nil) != ok || err != nil && !errors.Is(err, ErrNotYet) {
				t.Errorf("%s, the signer %v ahead: %v", name, ahead, err)
			}
			// Nobody may make an operator set the clock with a token of his own.
			if _, err := v.Access(forged, site, site); err == nil || errors.Is(err, ErrNotYet) {
				t.Errorf("forged, the signer %v ahead: %v", ahead, err)
			}
		}
	}
}

func TestAccessThatWouldNotVerifyIsNotSigned(t *testing.T) {
	r, _, _ := newVerifier(t)
	for name, change := range map[string]func(*Access){
		"longer than 24 h":  func(a *Access) { a.ExpiresAt = noon.Add(paywall.AccessTTL + time.Second) },
		"ends before it is": func(a *Access) { a.ExpiresAt = noon.Add(-time.Second) },
		"no times":          func(a *Access) { a.IssuedAt, a.NotBefore, a.ExpiresAt = time.Time{}, time.Time{}, time.Time{} },
		"no id":             func(a *Access) { a.ID = "" },
		"no issuer":         func(a *Access) { a.Issuer = "" },
		"no audience":       func(a *Access) { a.Audience = "" },
		"no resource":       func(a *Access) { a.Resource = "" },
		"not a path":        func(a *Access) { a.Resource = "articles" },
		"invalid UTF-8":     func(a *Access) { a.Resource = "/\xff" },
		"longer than 2 KB":  func(a *Access) { a.Resource = "/" + strings.Repeat("a", MaxLength) },
	} {
		a := newAccess()
		change(a)
		if raw, err := r.SignAccess(a); paywall.ErrorCode(err) != paywall.CodeMalformed || raw != "" {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
}

func TestCachedCheckAllocatesNothing(t *testing.T) {
	r, v, _ := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	if _, err := v.Access(raw, site, site); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := v.Access(raw, site, site); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per check", n)
	}
}

// TestE19JunkIsCheap: tokens of every kind that a flood may consist of are
// refused before a signature is looked at, and the time that takes does not grow
// with them. CVE-2025-30204 was the split at 15,000 dots.
func TestE19JunkIsCheap(t *testing.T) {
	r, v, _ := newVerifier(t)
	good := signAccess(t, r, newAccess())
	head, rest, _ := strings.Cut(good, ".")
	for name, tc := range map[string]struct {
		raw    string
		allocs float64
	}{
		"15,000 dots":                  {strings.Repeat(".", 15_000), 4},
		"15,000 dots after a head":     {head + strings.Repeat(".", 15_000), 0},
		"14 KB of base64":              {strings.Repeat("kq3Z", 3_500), 0},
		"14 KB of base64 in segments":  {strings.Repeat("kq3Z", 3_500) + ".e30.AAAA", 0},
		"a good token and 14 KB":       {good + strings.Repeat("A", 14_000), 0},
		"a signature too short":        {good[:len(good)-1], 0},
		"a payload that is no base64":  {head + ".." + rest, 0},
		"an opaque bearer":             {"2YotnFZFEjr1zCsicMWpAA", 12},
		"a foreign JWT":                {segment(`{"alg":"RS256","typ":"JWT"}`) + "." + rest, 40},
		"the busiest foreign header":   {segment("{"+strings.Repeat(`"":0,`, 149)+`"":0}`) + ".e30.AAAA", 250},
		"a foreign header above 1 KB":  {segment("{"+strings.Repeat(`"":0,`, 1_000)+`"":0}`) + ".e30.AAAA", 0},
		"a payload of nothing":         {mint(r, headOf(r, typAccess), `{}`), 16},
		"a payload of 300 open braces": {mint(r, headOf(r, typAccess), strings.Repeat("{", 300)), 16},
	} {
		if n := testing.AllocsPerRun(100, func() { _, _ = v.Access(tc.raw, site, site) }); n > tc.allocs {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := v.cache.EstimatedSize(); n != 0 {
		t.Errorf("%d refused tokens are kept", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	r, v, _ := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	for range 2 {
		if _, err := v.Access(raw, site, site); err != nil {
			t.Fatal(err)
		}
	}
	hit, ok := v.cache.GetIfPresent(raw)
	if !ok {
		t.Fatal("a token that came twice is not cached")
	}
	for i := range 2 * cachedTokens {
		v.cache.Set(fmt.Sprint(raw, i), hit)
	}
	v.cache.CleanUp()
	if n := v.cache.EstimatedSize(); n > cachedTokens {
		t.Errorf("%d tokens are kept", n)
	}
}
