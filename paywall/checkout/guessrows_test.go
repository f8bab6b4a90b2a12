package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// TestK02CodesThatAreNotOnesOwnLookTheSame: a stranger tells neither by status, length nor
// time what exists. Whoever has the code of a voucher that was used, or ran out, is told so.
func TestK02CodesThatAreNotOnesOwnLookTheSame(t *testing.T) {
	s := newSite(t, func(o *Options) { o.LimitFactor = 1000 })
	key, _ := s.opened(0)
	other, _ := s.opened(0)
	used := s.voucher(1_000_000)
	wantStatus(t, s.call("/.paywall/topup/voucher", object{"code": used}, bearer(other)), http.StatusOK)
	late := s.voucher(1_000_000, func(v *paywall.Voucher) { v.ExpiresAt = s.now().Add(-time.Second) })
	codes := map[string]func() string{
		"unknown": paywall.NewVoucherCode, "malformed": func() string { return "AAAAA-AAAAA" },
		"used": func() string { return used }, "expired": func() string { return late },
	}
	const times = 1000
	took, answers := map[string][]time.Duration{}, map[string]*httptest.ResponseRecorder{}
	for range times { // in turn, so that what else the machine does slows all of them
		for name, code := range codes {
			typed := code()
			began := time.Now()
			w := s.call("/.paywall/topup/voucher", object{"code": typed}, bearer(key))
			took[name] = append(took[name], time.Since(began))
			wantProblem(t, w, http.StatusUnprocessableEntity, "bad-voucher")
			answers[name] = w
		}
		s.advance(time.Second)
	}
	if unknown, malformed := answers["unknown"].Body.String(), answers["malformed"].Body.String(); unknown != malformed {
		t.Errorf("unknown: %s, malformed: %s", unknown, malformed)
	}
	var medians []time.Duration
	for _, all := range took {
		slices.Sort(all)
		medians = append(medians, all[times/2])
	}
	if gap := slices.Max(medians) - slices.Min(medians); gap >= 5*time.Millisecond {
		t.Errorf("the medians are %v", medians)
	}
}

// TestK04GuessesOfANetworkAndOfAHundredAddressesAreLimited: 4,000 from an IPv6 /64, which
// is one visitor, and 400 from a /24.
func TestK04GuessesOfANetworkAndOfAHundredAddressesAreLimited(t *testing.T) {
	for name, tc := range map[string]struct {
		address       string
		guesses, most int
	}{
		"an IPv6 /64":            {"[2001:db8:0:1::%x]:443", 4000, quotas[guessing].one.burst},
		"100 addresses of a /24": {"192.0.2.%d:443", 400, quotas[guessing].company.burst},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			key, _ := s.opened(0)
			told := 0
			for i := range tc.guesses {
				n := i
				if tc.guesses == 400 {
					n = i%100 + 1
				}
				if w := s.call("/.paywall/topup/voucher", object{"code": paywall.NewVoucherCode()}, bearer(key), from(fmt.Sprintf(tc.address, n))); w.Code == http.StatusUnprocessableEntity {
					told++
				}
			}
			if told == 0 || told > tc.most {
				t.Errorf("%d guesses of %d are told that they are wrong, want at most %d", told, tc.guesses, tc.most)
			}
		})
	}
}
