package token

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

// TestWhatARingSignedIsAnsweredAsAfterAVerification: the same offer, access and errors,
// at any time, from the ring that signed and from one that has to verify.
func TestWhatARingSignedIsAnsweredAsAfterAVerification(t *testing.T) {
	dir := t.TempDir()
	own, err := OpenRing(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	signedAt := time.Date(2026, 11, 22, 12, 0, 0, 5e8, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		other, err := OpenRing(dir, false)
		if err != nil {
			rt.Fatal(err)
		}
		now := signedAt.Add(time.Duration(rapid.IntRange(-7200, 100_000).Draw(rt, "seconds later")) * time.Second)
		remembers, verifies := NewVerifier(own, func() time.Time { return now }), NewVerifier(other, func() time.Time { return now })
		site := rapid.SampledFrom([]string{"https://news.example", "https://other.example"}).Draw(rt, "site")

		resource := "/articles/" + rapid.StringMatching(`[a-zé日]{1,12}`).Draw(rt, "resource")
		o := &paywall.Offer{
			ID: paywall.NewID(), Site: "https://news.example", Checkout: "https://news.example", Resource: resource,
			URL:   rapid.SampledFrom([]string{paywall.EscapePath(resource), "/x?y=%20"}).Draw(rt, "url"),
			Title: rapid.StringN(0, 100, 200).Draw(rt, "title"), Price: paywall.Money{Micros: 200_000, Currency: "EUR"},
			Access: time.Duration(rapid.IntRange(0, 9000).Draw(rt, "access")) * time.Second,
			Shares: []paywall.Share{{Creator: "ada", PPM: 333_333}}, IssuedAt: signedAt, ExpiresAt: signedAt.Add(paywall.OfferTTL),
		}
		raw, err := own.SignOffer(o)
		if err != nil {
			rt.Fatal(err)
		}
		had, err1 := remembers.Offer(raw, site, site)
		read, err2 := verifies.Offer(raw, site, site)
		if !reflect.DeepEqual(had, read) || fmt.Sprint(err1) != fmt.Sprint(err2) {
			rt.Errorf("remembered %+v, %v; verified %+v, %v", had, err1, read, err2)
		}

		a := &Access{
			ID: paywall.NewID(), Issuer: o.Site, Audience: o.Site, Resource: resource,
			IssuedAt: signedAt, ExpiresAt: signedAt.Add(paywall.AccessTTL),
		}
		if raw, err = own.SignAccess(a); err != nil {
			rt.Fatal(err)
		}
		opens, err1 := remembers.Access(raw, site, site)
		opened, err2 := verifies.Access(raw, site, site)
		if !reflect.DeepEqual(opens, opened) || fmt.Sprint(err1) != fmt.Sprint(err2) {
			rt.Errorf("remembered %+v, %v; verified %+v, %v", opens, err1, opened, err2)
		}
	})
}

// TestATokenOfARetiredKeyIsNotRemembered: taking a key away ends what it signed, whether
// this process remembers that or not.
func TestATokenOfARetiredKeyIsNotRemembered(t *testing.T) {
	dir := t.TempDir()
	r, err := OpenRing(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	raw, err := r.SignAccess(&Access{ID: paywall.NewID(), Issuer: "https://a.test", Audience: "https://a.test", Resource: "/x", IssuedAt: now, ExpiresAt: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	leaked := r.current.Load().active.kid
	if _, err := r.Rotate(now); err != nil {
		t.Fatal(err)
	}
	removeKey(dir, leaked)
	if gone := r.Forget(); len(gone) != 1 {
		t.Fatalf("forgotten: %q", gone)
	}
	if _, err := NewVerifier(r, time.Now).Access(raw, "https://a.test", "https://a.test"); err == nil {
		t.Error("a token of a key that was taken away opens")
	}
}

// TestAnotherSpellingIsNotRemembered: each byte of a token counts.
func TestAnotherSpellingIsNotRemembered(t *testing.T) {
	r, err := OpenRing(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	raw, err := r.SignAccess(&Access{ID: paywall.NewID(), Issuer: "https://a.test", Audience: "https://a.test", Resource: "/x", IssuedAt: now, ExpiresAt: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(r, time.Now)
	for i := range raw {
		changed := []byte(raw)
		changed[i] ^= 1
		if _, err := v.Access(string(changed), "https://a.test", "https://a.test"); err == nil {
			t.Fatalf("it opens with byte %d changed", i)
		}
	}
	if _, err := v.Access(raw, "https://a.test", "https://a.test"); err != nil {
		t.Error(err)
	}
}

// TestTheMemoryOfSignedTokensIsBounded and forgets the oldest.
func TestTheMemoryOfSignedTokensIsBounded(t *testing.T) {
	var m memory
	for i := range 3 * generation {
		m.keep(&signed{raw: fmt.Sprint(i)})
	}
	if n := len(m.young) + len(m.older); n > 2*generation {
		t.Errorf("%d tokens are remembered", n)
	}
	if m.find("0") != nil || m.find(fmt.Sprint(2*generation)) == nil || m.find(fmt.Sprint(3*generation-1)) == nil {
		t.Error("the newest are not those that are remembered")
	}
}

// TestTheFirstRequestOfATokenCostsNoSignature, for as many tokens as are remembered for
// sure, and however many offers strangers have had signed since.
func TestTheFirstRequestOfATokenCostsNoSignature(t *testing.T) {
	r, v, _ := newVerifier(t)
	bought := make([]string, generation)
	for i := range bought {
		a := newAccess()
		a.ID = paywall.NewID()
		bought[i] = signAccess(t, r, a)
	}
	for range 2 * generation {
		r.offers.keep(&signed{raw: paywall.NewID()})
	}
	for i, raw := range bought {
		if r.accesses.find(raw) == nil {
			t.Fatalf("token %d of %d is forgotten", i, generation)
		}
	}
	next := 0
	first := func() {
		if _, err := v.Access(bought[next], site, site); err != nil {
			t.Error(err)
		}
		next++
	}
	if n := testing.AllocsPerRun(generation-1, first); n > 0 { // a verification makes 150
		t.Errorf("%v allocations", n)
	}
	if n := v.cache.EstimatedSize(); n > 0 {
		t.Errorf("%d tokens that came once are cached", n)
	}
}
