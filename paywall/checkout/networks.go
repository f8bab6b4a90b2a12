package checkout

import "net/netip"

// The sizes of network that a visitor counts for.
const (
	address  = iota // what one visitor holds: an IPv6 customer has at least a /64, and often a /56
	company         // what a company, a school or a customer of a data centre holds
	provider        // what a provider holds: registries reserve a /29 for each
	sizes           // how many there are
)

// bits are how long their prefixes are.
var bits = [sizes]struct{ v4, v6 int }{address: {32, 56}, company: {24, 48}, provider: {16, 29}}

// networks are those of one address.
type networks [sizes]netip.Prefix

// networksOf reads an address, with or without port. All that is no address shares
// one budget.
func networksOf(ip string) (of networks) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		withPort, err := netip.ParseAddrPort(ip)
		if err != nil {
			return of
		}
		addr = withPort.Addr()
	}
	addr = addr.Unmap().WithZone("")
	for size, long := range bits {
		n := long.v6
		if addr.Is4() {
			n = long.v4
		}
		of[size], _ = addr.Prefix(n) // of any address
	}
	return of
}
