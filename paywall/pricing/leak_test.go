package pricing_test

import (
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pathtest"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
)

// canonicalizer is the one that every gate has.
var canonicalizer = &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String}

func euro(cents int64) paywall.Money {
	return paywall.Money{Micros: cents * 10_000, Currency: "EUR"}
}

// sites are price tables that differ in what surrounds the articles: nothing,
// free pages inside the gate, or a gate without a matcher.
func sites(tb testing.TB) map[string]*pricing.Table {
	tb.Helper()
	prices := []pricing.Rule{
		{Match: pricing.Paths{"/articles/welcome*"}, Free: true},
		{Match: pricing.Paths{"/articles/cheap*"}, Price: euro(10)},
		{Match: pricing.Paths{"/articles/dear*"}, Price: euro(500)},
		{Match: pricing.Paths{"/albums/*"}, Price: euro(300), Per: []string{"/albums/*"}},
	}
	news := newTable(tb, pricing.Paths{"/articles/*", "/albums/*"}, append(prices, pricing.Rule{Price: euro(50)})...)
	free := newTable(tb, nil, append(prices,
		pricing.Rule{Match: pricing.Paths{"/articles/*"}, Price: euro(50)},
		pricing.Rule{Match: pricing.Paths{"/free/*", "/articles", "/albums", "/", "/x/*"}, Free: true})...)
	single := newTable(tb, nil,
		pricing.Rule{Match: pricing.Paths{"/articles/dear"}, Price: euro(500)},
		pricing.Rule{Match: pricing.Paths{"/articles/p1", "/articles/script.php", "/free/script.php", "/albums/*/1.mp3"}, Price: euro(50)},
		pricing.Rule{Free: true})
	return map[string]*pricing.Table{"news": news, "free": free, "single": single}
}

func newTable(tb testing.TB, match pricing.Matcher, rules ...pricing.Rule) *pricing.Table {
	tb.Helper()
	table, err := pricing.NewTable(match, rules)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

func request() *http.Request { return &http.Request{Method: http.MethodGet} }

// sold are the resources that a reader may own.
var sold = map[string]bool{
	"/articles/p1": true, "/articles/cheap": true, "/articles/dear": true,
	"/albums/x": true, "/albums/y": true, "/articles/dürer": true, "/articles/script.php": true, "/free/script.php": true,
}

func album(path string) string {
	if rest, ok := strings.CutPrefix(path, "/albums/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return "/albums/" + name
	}
	return path
}

// name is what a site calls a resource that it read. No resource's name has empty
// or "." segments, or comes in two compositions of the same letters.
func name(read string) string {
	if !strings.Contains(read, "/..") {
		read = path.Clean("/" + read)
	}
	return norm.NFC.String(read)
}

// delivery is what a site of some flavour delivers for a target.
type delivery struct{ flavour, resource string }

// deliveries are what sites make of a target that the gate lets pass, raw or in
// its canonical spelling.
func deliveries(raw string, target *target.Target) []delivery {
	var all []delivery
	spellings := []string{raw}
	if location := target.Location(); location != raw {
		spellings = append(spellings, location)
	}
	for _, sent := range spellings {
		for _, flavour := range pathtest.Flavours() {
			if flavour.Undecoded && !target.Ambiguous {
				continue // the same names, in another alphabet
			}
			all = append(all, delivery{flavour.Name, name(flavour.Read(sent))})
		}
	}
	return all
}

// leak says how a site would deliver something with a price that the gate did
// not ask for, "" if none does. What the gate decides is taken at its word:
// refusals, redirects to the canonical spelling and misconfigured resources
// deliver nothing, what has a price was paid, the rest passes.
func leak(table *pricing.Table, target *target.Target, delivered []delivery) string {
	decision, err := table.Decide(request(), target)
	if err != nil || decision.Status == pricing.Misconfigured {
		return ""
	}
	if decision.Status == pricing.Priced && !target.Canonical {
		return ""
	}
	for _, d := range delivered {
		status, rule := table.Lookup(request(), d.resource)
		switch {
		case status != pricing.Priced:
		case rule != decision.Rule:
			return d.flavour + " reads " + d.resource + ", decided as " + decision.Status.String() + " " + decision.Resource
		case sold[decision.Resource] && sold[album(d.resource)] && decision.Resource != album(d.resource):
			return d.flavour + " reads " + d.resource + ", paid for as " + decision.Resource
		}
	}
	return ""
}

func TestA31NoGeneratedTargetLeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 31))
	var refused, moved, priced, passed int
	tables := sites(t)
	for range 50_000 {
		raw := pathtest.Target(rng)
		target, err := canonicalizer.Parse(raw)
		if err != nil {
			refused++
			continue
		}
		delivered := deliveries(raw, &target)
		for name, table := range tables {
			if found := leak(table, &target, delivered); found != "" {
				t.Errorf("site %s, target %q: %s", name, raw, found)
			}
		}
		switch decision, err := tables["news"].Decide(request(), &target); {
		case err != nil:
			refused++
		case decision.Status == pricing.Priced && !target.Canonical:
			moved++
		case decision.Status == pricing.Priced:
			priced++
		default:
			passed++
		}
	}
	t.Logf("refused %d, to be moved %d, sold %d, passed on %d", refused, moved, priced, passed)
	if refused == 0 || moved == 0 || priced == 0 || passed == 0 {
		t.Error("the generator misses an outcome")
	}
}
