package token

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// BenchmarkAccess compares the check of a known token, of 10,000 known tokens
// in turn, of tokens that the same ring signed a moment ago, of tokens never seen
// before, and of other people's bearers with one bare Ed25519 verification;
// "of-ed25519" is that ratio.
func BenchmarkAccess(b *testing.B) {
	r := newRing(b)
	v := NewVerifier(r, time.Now)
	next := 0
	tokens := func(n int) []string {
		raws := make([]string, n)
		a := newAccess()
		a.IssuedAt = time.Now()
		a.NotBefore, a.ExpiresAt = a.IssuedAt, a.IssuedAt.Add(paywall.AccessTTL)
		for i := range raws {
			a.ID = fmt.Sprintf("W6PH6kPuhpzC4w%08d", next)
			next++
			raws[i] = signAccess(b, r, a)
		}
		return raws
	}
	signature := signatureCost(r)
	known := tokens(10_000)
	for _, raw := range known {
		if _, err := v.Access(raw, site, site); err != nil {
			b.Fatal(err)
		}
	}
	ratio := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/signature, "of-ed25519")
	}
	for name, raws := range map[string][]string{"cached/1": known[:1], "cached/10k": known} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := v.Access(raws[i], site, site); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(raws) {
					i = 0
				}
			}
			ratio(b)
		})
	}
	b.Run("first", func(b *testing.B) { // of a token that this process has just signed
		b.ReportAllocs()
		fresh := tokens(generation)
		i := 0
		for b.Loop() {
			if _, err := v.Access(fresh[i], site, site); err != nil {
				b.Fatal(err)
			}
			if i++; i == len(fresh) {
				b.StopTimer()
				i, fresh = 0, tokens(generation)
				b.StartTimer()
			}
		}
		ratio(b)
	})
	b.Run("uncached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v.cache.Invalidate(known[0])
			if _, err := v.Access(known[0], site, site); err != nil {
				b.Fatal(err)
			}
		}
		ratio(b)
	})
	forged := known[0][:len(known[0])-1] + "."
	foreign := mint(r, `{"alg":"RS256","typ":"JWT"}`, `{"sub":"1"}`)
	for name, raw := range map[string]string{"refused/shape": forged, "refused/foreign": foreign} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Access(raw, site, site); err == nil {
					b.Fatal("accepted")
				}
			}
			ratio(b)
		})
	}
}

// BenchmarkOffer signs an offer, verifies it, and takes it back where it was signed;
// "of-ed25519" as above.
func BenchmarkOffer(b *testing.B) {
	r, own, _ := newVerifier(b)
	elsewhere, err := OpenRing(r.dir, false)
	if err != nil {
		b.Fatal(err)
	}
	signature := signatureCost(r)
	raw := signOffer(b, r, newOffer())
	b.Run("sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			signOffer(b, r, newOffer())
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/signature, "of-ed25519")
	})
	for name, v := range map[string]*Verifier{"verify": NewVerifier(elsewhere, own.now), "own": own} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Offer(raw, site, other); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/signature, "of-ed25519")
		})
	}
}

// signatureCost is the nanoseconds of one bare verification on this machine, now.
func signatureCost(r *Ring) float64 {
	k := r.current.Load().active
	message := make([]byte, 500)
	signature := ed25519.Sign(k.private, message)
	const rounds = 300
	start := time.Now()
	for range rounds {
		ed25519.Verify(k.public, message, signature)
	}
	return float64(time.Since(start).Nanoseconds()) / rounds
}
