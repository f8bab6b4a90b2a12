package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// atOnce is how often one address may do a kind of work at once.
func atOnce(w work) int { return quotas[w].one.burst }

// wantWait checks that a visitor is told when to come again.
func wantWait(t *testing.T, w *httptest.ResponseRecorder, want time.Duration) {
	t.Helper()
	wantProblem(t, w, http.StatusTooManyRequests, "rate-limited")
	if got := w.Header().Get("Retry-After"); got != strconv.Itoa(int(want.Seconds())) {
		t.Errorf("Retry-After %q, want %s", got, want)
	}
}

// may takes one from the budgets of an address, if there is one.
func may(l *Limits, w work, address string, now time.Time) bool {
	wait, _ := l.take(w, networksOf(address), now, 1)
	return wait == 0
}

func TestNewWalletsAreLimitedPerAddress(t *testing.T) {
	s := newSite(t)
	for range atOnce(opening) {
		wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)
	}
	wantWait(t, s.call("/.paywall/wallet", object{}), quotas[opening].one.every)
	wantStatus(t, s.post("/.paywall/wallet", nil), http.StatusTooManyRequests)
	wantStatus(t, s.call("/.paywall/wallet", object{}, from("192.0.2.77:1")), http.StatusCreated)
	s.advance(quotas[opening].one.every)
	wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)
	wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusTooManyRequests)
}

// TestChangesOfTheLedgerAreLimitedPerAddress: whatever the change, and whatever
// comes of it.
func TestChangesOfTheLedgerAreLimitedPerAddress(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	crowd := from("192.0.2.9:1")
	paths := []string{"/.paywall/unlock", "/.paywall/refund", "/.paywall/wallet/recover", "/.paywall/wallet/erase", "/.paywall/topup/voucher"}
	for i := range atOnce(changing) {
		s.call(paths[i%3], object{}, bearer(key), crowd)
	}
	for _, path := range paths {
		wantWait(t, s.call(path, object{}, bearer(key), crowd), 9*time.Second)
	}
	wantStatus(t, s.get("/.paywall/wallet", bearer(key), asJSON, crowd), http.StatusOK)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key)), http.StatusPaymentRequired)
	s.advance(9 * time.Second)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key), crowd), http.StatusPaymentRequired)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key), crowd), http.StatusTooManyRequests)
}

// TestChangesOfADayAreBounded: for one address, for those of a larger network and for
// all together, who ask whenever they may. A tenth of the day shows how fast it goes.
func TestChangesOfADayAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		address                string
		addresses, atOnce, day int
	}{
		"one address":  {"192.0.2.%d", 1, 10_000, 10_000},
		"a /24":        {"192.0.2.%d", 200, 20_000, 50_000},
		"a /29":        {"2001:db8:%x::1", 200, 25_000, 216_000},
		"all together": {"%d.0.0.1", 200, 50_000, 864_000},
	} {
		limits, done, most := NewLimits(), 0, tc.atOnce+tc.day/10
		for at := time.Duration(0); at <= 24*time.Hour/10; at += 8 * time.Minute {
			for i := range tc.addresses {
				for may(limits, changing, fmt.Sprintf(tc.address, i), now.Add(at)) {
					done++
				}
			}
		}
		if done > most || done < most*8/10 {
			t.Errorf("%s: %d changes in a tenth of a day, want at most %d", name, done, most)
		}
	}
}

// TestPagesAreLimitedPerAddress: all that costs work to show, and what is refused.
func TestPagesAreLimitedPerAddress(t *testing.T) {
	s := newSite(t)
	paths := []string{"/.paywall/wallet", "/.paywall/unlock?offer=" + s.offer(), "/.paywall/nothing", "/.paywall/gift?key=x", "/.paywall/static/nothing.css"}
	for i := range atOnce(looking) {
		s.get(paths[i%len(paths)])
	}
	foreign := s.call("/.paywall/unlock", object{"offer": s.offer()}, header("Sec-Fetch-Site", "cross-site"))
	wantWait(t, foreign, time.Second)
	for _, path := range paths {
		w := s.get(path)
		wantStatus(t, w, http.StatusTooManyRequests)
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: Retry-After %q", path, w.Header().Get("Retry-After"))
		}
		wantStatus(t, s.get(path, header("Accept", "application/json")), http.StatusTooManyRequests)
	}
	for _, path := range []string{"/.paywall/jwks.json", "/.paywall/static/" + styleName(t, s)} {
		wantStatus(t, s.get(path), http.StatusOK)
	}
	if w := s.get("/.paywall/wallet", from("192.0.2.77:1")); w.Code == http.StatusTooManyRequests {
		t.Error("another address is limited")
	}
	s.advance(quotas[looking].one.every)
	if w := s.get("/.paywall/wallet"); w.Code == http.StatusTooManyRequests {
		t.Error("limited after the wait")
	}
}

// styleName is the name of the style sheet of the site's pages.
func styleName(t *testing.T, s *site) string {
	t.Helper()
	_, rest, _ := strings.Cut(s.get("/.paywall/wallet", from("192.0.2.66:1")).Body.String(), `href="/.paywall/static/`)
	name, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal("no style sheet")
	}
	return name
}

// TestAWalletWithMoneyIsServedWhateverOthersUseUp: at its address, and all together.
// Free credit is no money: a stranger gets it for nothing, wallet after wallet.
func TestAWalletWithMoneyIsServedWhateverOthersUseUp(t *testing.T) {
	s := newSite(t)
	rich, _ := s.paidIn(1_000_000)
	poor, _ := s.opened(0)
	welcomed, _ := s.opened(1_000_000)
	x := &exchange{c: s.c, request: request{now: s.now(), r: httptest.NewRequest(http.MethodGet, "/.paywall/wallet", nil)}}
	for x.within(changing) == nil {
	}
	for x.within(looking) == nil {
	}
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(poor)), http.StatusTooManyRequests)
	wantStatus(t, s.get("/.paywall/wallet", bearer(poor), asJSON), http.StatusTooManyRequests)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(welcomed)), http.StatusTooManyRequests)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(rich)), http.StatusOK)
	wantStatus(t, s.get("/.paywall/unlock?offer="+s.offer(), cookie(rich)), http.StatusSeeOther) // it is hers
	for range ofWallet.burst {
		s.get("/.paywall/wallet", bearer(rich), asJSON)
	}
	wantStatus(t, s.get("/.paywall/wallet", bearer(rich), asJSON), http.StatusTooManyRequests) // by itself
	s.advance(time.Second)
	wantStatus(t, s.get("/.paywall/wallet", bearer(rich), asJSON), http.StatusOK)
}

// TestManyAddressesTakeNothingFromThoseThatDoLittle: a stranger with many
// addresses uses up what all together have, and readers still come in.
func TestManyAddressesTakeNothingFromThoseThatDoLittle(t *testing.T) {
	now := time.Now()
	for w := range works {
		q, limits := &quotas[w], NewLimits()
		taken := func(address string, most int) int {
			for n := range most {
				if !may(limits, w, address, now) {
					return n
				}
			}
			return most
		}
		const greedy = 100
		used := 0
		for i := range greedy {
			used += taken(fmt.Sprintf("2001:%x::1", i), q.all.burst)
		}
		if most := q.all.burst/2 + greedy*q.little; used < q.all.burst/2 || used > most {
			t.Errorf("kind %d: %d addresses took %d, want at most %d", w, greedy, used, most)
		}
		for i := range 20 {
			if got := taken(fmt.Sprintf("192.0.2.%d", i), q.little); got != q.little {
				t.Errorf("kind %d: reader %d got %d of %d", w, i, got, q.little)
			}
		}
	}
}

func TestCheckoutsThatShareLimitsShareTheBudget(t *testing.T) {
	limits := NewLimits()
	share := func(o *Options) { o.Limits = limits }
	one, two := newSite(t, share), newSite(t, share)
	for range atOnce(guessing) {
		one.call("/.paywall/wallet/recover", object{"code": "x"})
	}
	wantStatus(t, two.call("/.paywall/wallet/recover", object{"code": "x"}), http.StatusTooManyRequests)
}

// TestTheLimitFactorMultiplies what one address, a larger network and all together may do.
func TestTheLimitFactorMultiplies(t *testing.T) {
	for w := range works {
		for _, factor := range []int{1, 3, MaxLimitFactor} {
			q := &quotas[w]
			for size, b := range NewLimits().left(w, networksOf("192.0.2.1"), factor) {
				if want := []bucket{q.one, q.company, q.provider, q.all}[size].burst * factor; b.Burst() != want {
					t.Errorf("kind %d, size %d, %d times: %d at once", w, size, factor, b.Burst())
				}
			}
		}
	}
	s := newSite(t, func(o *Options) { o.LimitFactor = 3 })
	for range 3 * atOnce(guessing) {
		wantStatus(t, s.call("/.paywall/wallet/recover", object{"code": "x"}), http.StatusUnauthorized)
	}
	wantWait(t, s.call("/.paywall/wallet/recover", object{"code": "x"}), 2*time.Second)
	for _, factor := range []int{-1, MaxLimitFactor + 1} {
		o := s.c.o
		o.LimitFactor = factor
		if _, err := New(o); err == nil {
			t.Errorf("factor %d is accepted", factor)
		}
	}
}

// TestLimitsStayBounded is row K11: in memory; each size of network has a bound of its own.
func TestLimitsStayBounded(t *testing.T) {
	s := newSite(t, func(o *Options) { o.LimitFactor = 1000 })
	for i := range maxNetworks + 5000 { // each of another provider
		x := &exchange{c: s.c, request: request{now: s.now(), r: httptest.NewRequest(http.MethodPost, "/", nil)}}
		x.r.RemoteAddr = fmt.Sprintf("[%x:%x::1]:1", 0x2600+i>>13, i<<3&0xffff)
		if err := x.mayChange(); err != nil {
			t.Fatal(err)
		}
	}
	for size, cache := range s.c.o.Limits.networks {
		cache.CleanUp()
		if n := cache.EstimatedSize(); n > maxNetworks>>size {
			t.Errorf("%d networks of size %d are held", n, size)
		}
	}
}
