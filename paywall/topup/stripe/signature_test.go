package stripe

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v85"
)

// v1 is a signature as Stripe makes it.
func v1(at time.Time, body, secret string) string {
	return "v1=" + hex.EncodeToString(stripe.ComputeSignature(at, []byte(body), secret))
}

// genuine runs all checks of a header.
func genuine(now time.Time, body string, secrets []string, headers ...string) bool {
	s, err := parseSignature(headers)
	return err == nil && s.fresh(now) && s.of([]byte(body), secrets)
}

// TestSignatureIsGenuineOrRefused has the rows L02, L04, L05 and L18 of the attacks.
func TestSignatureIsGenuineOrRefused(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	const body, old = `{"id":"evt_1"}`, "whsec_old"
	stamp := func(at time.Time) string { return fmt.Sprintf("t=%d", at.Unix()) }
	signed := func(at time.Time) string { return stamp(at) + "," + v1(at, body, testSecret) }
	good := v1(now, body, testSecret)
	bad := "v1=" + strings.Repeat("00", 32)
	both := []string{testSecret, old}
	for name, c := range map[string]struct {
		header  []string
		secrets []string
		want    bool
	}{
		"good":                       {[]string{signed(now)}, nil, true},
		"order does not matter":      {[]string{good + "," + stamp(now)}, nil, true},
		"with v0 and others":         {[]string{signed(now) + ",v0=abc,x=y"}, nil, true},
		"L02 no header":              {nil, nil, false},
		"L02 two headers":            {[]string{signed(now), signed(now)}, nil, false},
		"L02 empty":                  {[]string{""}, nil, false},
		"L02 wrong secret":           {[]string{stamp(now) + "," + v1(now, body, "whsec_other")}, nil, false},
		"L02 only v0":                {[]string{stamp(now) + "," + strings.Replace(good, "v1", "v0", 1)}, nil, false},
		"L02 other body":             {[]string{stamp(now) + "," + v1(now, body+" ", testSecret)}, nil, false},
		"L02 other time":             {[]string{stamp(now.Add(time.Second)) + "," + good}, nil, false},
		"L02 half of a signature":    {[]string{stamp(now) + "," + good[:35]}, nil, false},
		"L02 empty signature":        {[]string{stamp(now) + ",v1="}, nil, false},
		"L02 no hex":                 {[]string{stamp(now) + ",v1=zz"}, nil, false},
		"L02 secret of nobody":       {[]string{stamp(now) + "," + v1(now, body, "")}, []string{""}, false},
		"L04 300 s old":              {[]string{signed(now.Add(-300 * time.Second))}, nil, true},
		"L04 301 s old":              {[]string{signed(now.Add(-301 * time.Second))}, nil, false},
		"L04 300 s ahead":            {[]string{signed(now.Add(300 * time.Second))}, nil, true},
		"L04 301 s ahead":            {[]string{signed(now.Add(301 * time.Second))}, nil, false},
		"L04 ten years ahead":        {[]string{signed(now.AddDate(10, 0, 0))}, nil, false},
		"L04 no time":                {[]string{good}, nil, false},
		"L04 two times":              {[]string{stamp(now) + "," + signed(now)}, nil, false},
		"L04 time that overflows":    {[]string{"t=99999999999999999999," + good}, nil, false},
		"L04 time far away":          {[]string{"t=9223372036854775807," + good}, nil, false},
		"L04 time with a sign":       {[]string{"t=-1," + good}, nil, false},
		"L05 two signatures":         {[]string{stamp(now) + "," + bad + "," + good}, nil, true},
		"L05 ten signatures":         {[]string{stamp(now) + strings.Repeat(","+bad, 9) + "," + good}, nil, true},
		"L05 eleven signatures":      {[]string{stamp(now) + strings.Repeat(","+bad, 10) + "," + good}, nil, false},
		"L05 ten thousand":           {[]string{stamp(now) + strings.Repeat(","+bad, 10_000)}, nil, false},
		"L18 new secret":             {[]string{signed(now)}, both, true},
		"L18 old secret":             {[]string{stamp(now) + "," + v1(now, body, old)}, both, true},
		"L18 old secret taken away":  {[]string{stamp(now) + "," + v1(now, body, old)}, nil, false},
		"L18 both secrets signed":    {[]string{signed(now) + "," + v1(now, body, old)}, []string{old}, true},
		"L18 signed by both, wanted": {[]string{signed(now) + "," + v1(now, body, old)}, both, true},
	} {
		t.Run(name, func(t *testing.T) {
			secrets := c.secrets
			if secrets == nil {
				secrets = []string{testSecret}
			}
			if got := genuine(now, body, secrets, c.header...); got != c.want {
				t.Errorf("%v: %t", c.header, got)
			}
		})
	}
}

// FuzzSignature looks for a header that passes without a signature by the secret.
func FuzzSignature(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	const body = `{"id":"evt_1"}`
	good := v1(now, body, testSecret)
	f.Add("t=1800000000," + good)
	f.Add("t=1800000000,v1=,v0=aa, v1 = 00")
	f.Add(",,,t==,v1")
	f.Fuzz(func(t *testing.T, header string) {
		if genuine(now, body, []string{testSecret}, header) && !strings.Contains(strings.ToLower(header), good[3:]) {
			t.Fatalf("%q passes", header)
		}
	})
}
