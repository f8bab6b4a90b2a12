package pricing_test

import (
	"fmt"
	"net/http/httptest"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
)

// The first rule that matches decides. A target that a site may read in two ways
// with two prices is refused.
func ExampleTable() {
	cents := func(n int64) paywall.Money { return paywall.Money{Micros: n * 10_000, Currency: "EUR"} }
	table, err := pricing.NewTable(pricing.Paths{"/articles/*", "/albums/*"}, []pricing.Rule{
		{Match: pricing.Paths{"/articles/welcome"}, Free: true},
		{Match: pricing.Paths{"/albums/*"}, Price: cents(300), Per: []string{"/albums/*"}},
		{Price: cents(20)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	canonical := target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String}
	for _, path := range []string{"/about", "/articles/welcome", "/articles/tea", "/albums/x/1.mp3", "/articles%2ftea"} {
		target, err := canonical.Parse(path)
		if err != nil {
			fmt.Println(path, "refused")
			continue
		}
		d, err := table.Decide(httptest.NewRequest("GET", path, nil), &target)
		switch {
		case err != nil:
			fmt.Println(path, "refused")
		case d.Status == pricing.Priced:
			fmt.Println(path, d.Status, d.Rule.Price, d.Resource)
		default:
			fmt.Println(path, d.Status)
		}
	}
	// Output:
	// /about unpriced
	// /articles/welcome free
	// /articles/tea priced 0.20 /articles/tea
	// /albums/x/1.mp3 priced 3.00 /albums/x
	// /articles%2ftea refused
}
