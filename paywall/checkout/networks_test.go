package checkout

import (
	"fmt"
	"testing"
	"time"
)

func TestAddressesAreCountedAsNetworks(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32 192.0.2.0/24 192.0.0.0/16", "192.0.2.1:80": "192.0.2.1/32 192.0.2.0/24 192.0.0.0/16", "::ffff:192.0.2.1": "192.0.2.1/32 192.0.2.0/24 192.0.0.0/16",
		"2001:db8::1": "2001:db8::/56 2001:db8::/48 2001:db8::/29", "[2001:db8:0:ff::2]:9": "2001:db8::/56 2001:db8::/48 2001:db8::/29",
		"2001:db8:0:100::2": "2001:db8:0:100::/56 2001:db8::/48 2001:db8::/29", "2001:db8:1:100::2": "2001:db8:1:100::/56 2001:db8:1::/48 2001:db8::/29",
		"fe80::1%eth0": "fe80::/56 fe80::/48 fe80::/29",
		"":             "invalid Prefix invalid Prefix invalid Prefix", "@": "invalid Prefix invalid Prefix invalid Prefix",
	} {
		of := networksOf(ip)
		if got := fmt.Sprint(of[address], of[company], of[provider]); got != want {
			t.Errorf("%q is of %s, want %s", ip, got, want)
		}
	}
}

// TestOneAllocationOfNetworksDoesNotStarveNewcomers: whoever holds a /24, a /16, a
// /48 or a /29 asks from all of it whenever they may, and all the while readers come
// from elsewhere.
func TestOneAllocationOfNetworksDoesNotStarveNewcomers(t *testing.T) {
	began := time.Now()
	for name, holds := range map[string]string{
		"an IPv6 /48": "2001:db8:0:%x00::1", "an IPv6 /29": "2001:db8:%x::1", "an IPv4 /24": "198.51.100.%d", "an IPv4 /16": "198.51.%d.1",
	} {
		for w := range works {
			t.Run(fmt.Sprintf("kind %d, %s", w, name), func(t *testing.T) {
				q, limits := &quotas[w], NewLimits()
				step := max(q.one.every, time.Second)
				for tick := range 100 {
					now := began.Add(time.Duration(tick) * step)
					for i := range 256 {
						for may(limits, w, fmt.Sprintf(holds, i), now) {
						}
					}
					for n := range q.little {
						if !may(limits, w, fmt.Sprintf("%d.0.0.1", tick), now) {
							t.Fatalf("after %s a reader is refused the request %d", time.Duration(tick)*step, n)
						}
					}
				}
			})
		}
	}
}

// TestANetworkFullOfReadersIsServed: a university or a carrier's /24 or /48, with some
// in it who take what they get. Of wrong codes it is told fewer.
func TestANetworkFullOfReadersIsServed(t *testing.T) {
	now := time.Now()
	for _, address := range []string{"198.51.100.%d", "2001:db8:0:%x00::1"} {
		for w := range guessing {
			limits := NewLimits()
			for i := range 10 {
				for may(limits, w, fmt.Sprintf(address, i), now) {
				}
			}
			for i := range 150 {
				for n := range quotas[w].little {
					if !may(limits, w, fmt.Sprintf(address, 100+i), now) {
						t.Fatalf("kind %d, %s: reader %d is refused the request %d", w, address, i, n)
					}
				}
			}
		}
	}
}
