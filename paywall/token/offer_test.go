package token

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

func TestOfferCarriesExactlyTheAgreedClaims(t *testing.T) {
	r, v, _ := newVerifier(t)
	raw := signOffer(t, r, newOffer())
	want := `{"iss":"https://news.example","aud":"https://elsewhere.example","iat":1795348800,"exp":1795349700,"jti":"V9Zb1f0jF5hHoUKRXNYiNw",` +
		`"resource":"/articles/bells","url":"/articles/bells?from=front","title":"The sound of bells","words":812,` +
		`"price":"0.20","currency":"EUR","access":2592000,"shares":[{"creator":"alice","percent":"70"},{"creator":"bob.b-2_x","percent":"3.3333"}]}`
	if got := payloadOf(t, raw); got != want {
		t.Errorf("claims\n%s\nwant\n%s", got, want)
	}
	if !strings.HasPrefix(raw, segment(headOf(r, "paywall-offer+jwt"))+".") {
		t.Errorf("another header: %s", raw)
	}
	got, err := v.Offer(raw, site, other)
	if err != nil || !reflect.DeepEqual(got, newOffer()) {
		t.Errorf("Offer = %+v, %v", got, err)
	}
}

// TestOfferIsReadAsItWasSigned holds for whatever a site may quote.
func TestOfferIsReadAsItWasSigned(t *testing.T) {
	r, v, _ := newVerifier(t)
	rapid.Check(t, func(t *rapid.T) {
		o := newOffer()
		o.Title = rapid.StringN(0, 40, 160).Draw(t, "title")
		o.Resource = rapid.SampledFrom([]string{"/", "/a", "/ä/ö", "/a b", "/?p=1", "/%2f", "/<&>"}).Draw(t, "resource")
		o.URL = rapid.SampledFrom([]string{"/", "/a?b=c&d", "/%C3%A4", "/a//b"}).Draw(t, "url")
		o.Words = rapid.IntRange(0, maxWords).Draw(t, "words")
		o.Access = time.Duration(rapid.Int64Range(0, int64(paywall.MaxAccess/time.Second)).Draw(t, "access")) * time.Second
		currency, cents := "EUR", int64(10_000)
		if rapid.Bool().Draw(t, "yen") {
			currency, cents = "JPY", 1_000_000
		}
		o.Price = paywall.Money{Micros: cents * rapid.Int64Range(1, 1_000_000).Draw(t, "price"), Currency: paywall.Currency(currency)}
		o.Cap = paywall.Money{}
		if rapid.Bool().Draw(t, "capped") {
			o.Cap = paywall.Money{Micros: cents * rapid.Int64Range(1, 1_000_000).Draw(t, "cap"), Currency: o.Price.Currency}
		}
		o.Shares = nil
		for left := int64(paywall.WholePPM); left > 0 && rapid.Bool().Draw(t, "share"); {
			ppm := rapid.Int64Range(1, left).Draw(t, "ppm")
			o.Shares = append(o.Shares, paywall.Share{Creator: rapid.StringMatching(`[A-Za-z0-9._-]{1,8}`).Draw(t, "creator"), PPM: ppm})
			left -= ppm
		}
		raw, err := r.SignOffer(o)
		if err != nil && len(o.Shares) > 8 {
			return // so many do not fit
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Offer(raw, site, other)
		if err != nil {
			t.Fatal(err)
		}
		if o.Title = strings.ToValidUTF8(o.Title, "\uFFFD"); !reflect.DeepEqual(got, o) {
			t.Fatalf("%+v became %+v", o, got)
		}
	})
}

func TestExpiredOfferIsNotHonouredButLeadsBack(t *testing.T) {
	r, v, c := newVerifier(t)
	raw := signOffer(t, r, newOffer())
	c.advance(paywall.OfferTTL - time.Second)
	if _, err := v.Offer(raw, site, other); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	for _, late := range []time.Duration{time.Second, time.Minute, time.Hour, 20 * time.Hour} {
		c.advance(late)
		got, err := v.Offer(raw, site, other)
		if paywall.ErrorCode(err) != paywall.CodeOfferExpired || got == nil || got.URL != newOffer().URL {
			t.Errorf("expired: %+v, %v", got, err)
		}
		forged := raw[:len(raw)-signatureLength] + strings.Repeat("A", signatureLength)
		if got, err := v.Offer(forged, site, other); paywall.ErrorCode(err) != paywall.CodeMalformed || got != nil {
			t.Errorf("expired and forged: %+v, %v", got, err)
		}
		if got, err := v.Offer(raw, other, other); paywall.ErrorCode(err) != paywall.CodeMalformed || got != nil {
			t.Errorf("expired and another site's: %+v, %v", got, err)
		}
	}
}

func TestForgedOfferIsMalformed(t *testing.T) {
	r, v, _ := newVerifier(t)
	offer := newOffer()
	offer.Cap = paywall.Money{Micros: 6e6, Currency: "EUR"}
	good := payloadOf(t, signOffer(t, r, offer))
	head := headOf(r, typOffer)
	raw := mint(r, head, good)
	if _, err := v.Offer(raw, site, other); err != nil {
		t.Fatal(err)
	}
	_, stranger, _ := newVerifier(t)
	cases := map[string]string{
		"nothing":                    "",
		"no token":                   "offer",
		"an access token":            signAccess(t, r, newAccess()),
		"an access header around it": mint(r, headOf(r, typAccess), good),
		"another key":                signOffer(t, stranger.ring, newOffer()),
		"crit":                       mint(r, `{"crit":["b64"],`+head[1:], good),
		"no signature":               raw[:len(raw)-signatureLength],
		"a byte more":                raw + "A",
		"15,000 dots":                strings.Repeat(".", 15_000),
	}
	for from, bad := range map[string][]string{
		`"price":"0.20"`: {
			``, `"price":0.20`, `"price":"0"`, `"price":"0.00"`, `"price":"-0.20"`, `"price":"0.205"`, `"price":"1e2"`, `"price":" 0.20"`,
			`"price":"0,20"`, `"price":"٠.٢٠"`, `"price":"1000001"`, `"price":null`, `"price":"0.20","price":"0.01"`, `"Price":"0.01","price":"0.20"`,
		},
		`"cap":"6.00"`: {
			`"cap":6.00`, `"cap":""`, `"cap":"0"`, `"cap":"0.00"`, `"cap":"-6.00"`, `"cap":"6.005"`, `"cap":"6 EUR"`, `"cap":"1000001"`, `"cap":null`,
			`"cap":"6.00","cap":"0.01"`, `"Cap":"0.01"`,
		},
		`"currency":"EUR"`: {``, `"currency":"eur"`, `"currency":"XXX"`, `"currency":""`, `"currency":null`, `"currency":"EUR "`},
		`"resource":"/articles/bells"`: {
			``, `"resource":"/articles/*"`, `"resource":"/*"`, `"resource":"/?p=/*"`, `"resource":"*"`, `"resource":""`, `"resource":null`, `"resource":["/"]`,
		},
		`"url":"/articles/bells?from=front"`: {
			`"url":""`, `"url":null`, `"url":"//evil.example"`, `"url":"https://evil.example"`, `"url":"/\\evil.example"`, `"url":"javascript:alert(1)"`, `"url":"/\u0000"`, `"url":"/\r\nX: y"`,
		},
		`"title":"The sound of bells"`: {``, `"title":null`, `"title":1`, `"title":{}`},
		`"words":812`:                  {`"words":-1`, `"words":1e3`, `"words":"812"`, `"words":null`, `"words":1000000000`},
		`"access":2592000`:             {``, `"access":-1`, `"access":0.5`, `"access":"30d"`, `"access":9223372036854775807`, `"access":null`},
		`"percent":"70"`:               {``, `"percent":70`, `"percent":"0"`, `"percent":"-1"`, `"percent":"101"`, `"percent":"97"`, `"percent":"7e1"`, `"percent":"70%"`, `"percent":"070"`, `"percent":"70.0"`, `"percent":"70.00001"`, `"percent":"70","Percent":"1"`},
		`"creator":"alice"`:            {``, `"creator":""`, `"creator":"a/b"`, `"creator":"a b"`, `"creator":null`, `"creator":"alice","creator":"bob"`},
		`"exp":1795349700`:             {``, `"exp":1795349701`, `"exp":0`, `"exp":1795348799`},
		`"aud":"https://elsewhere.example"`: {
			``, `"aud":["https://elsewhere.example"]`, `"aud":"https://news.example"`,
		},
		`"iss":"https://news.example"`: {``, `"iss":"https://elsewhere.example"`},
		`"jti"`:                        {`"sub":"x","jti"`, `"JTI":"x","jti"`, `"nbf":1795348800,"jti"`},
	} {
		if !strings.Contains(good, from) {
			t.Fatalf("%s is not in %s", from, good)
		}
		for _, to := range bad {
			payload := strings.NewReplacer(",,", ",", "{,", "{", ",}", "}").Replace(strings.Replace(good, from, to, 1))
			cases[to+" for "+from] = mint(r, head, payload)
		}
	}
	for name, raw := range cases {
		got, err := v.Offer(raw, site, other)
		if paywall.ErrorCode(err) != paywall.CodeMalformed || got != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if message := paywall.ErrorMessage(err); message != "this offer is not valid; open the article again for a new one" {
			t.Errorf("%s: the reader is told %q", name, message)
		}
	}
}

func TestOfferThatWouldNotVerifyIsNotSigned(t *testing.T) {
	r, _, _ := newVerifier(t)
	for name, change := range map[string]func(*paywall.Offer){
		"a pattern":            func(o *paywall.Offer) { o.Resource = "/articles/*" },
		"no price":             func(o *paywall.Offer) { o.Price.Micros = 0 },
		"no currency":          func(o *paywall.Offer) { o.Price.Currency = "" },
		"another origin's URL": func(o *paywall.Offer) { o.URL = "//evil.example" },
		"no id":                func(o *paywall.Offer) { o.ID = "" },
		"valid for too long":   func(o *paywall.Offer) { o.ExpiresAt = noon.Add(time.Hour) },
		"over 100 %":           func(o *paywall.Offer) { o.Shares[1].PPM = 300_001 },
		"longer than 2 KB":     func(o *paywall.Offer) { o.Title = strings.Repeat("a", MaxLength) },
	} {
		o := newOffer()
		change(o)
		if raw, err := r.SignOffer(o); paywall.ErrorCode(err) != paywall.CodeMalformed || raw != "" {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
}
