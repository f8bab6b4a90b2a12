package pricing_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/pathtest"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
)

// asks matches a query that has a parameter, with a value if there is one, as
// Caddy's matcher does: never what Go cannot parse.
type asks struct {
	key, value string
	not        bool
}

func (m asks) Match(r *http.Request, _ string) bool {
	values, err := url.ParseQuery(r.URL.RawQuery)
	given, found := values[m.key]
	return m.not != (err == nil && found && (m.value == "" || slices.Contains(given, m.value)))
}

func (m asks) QueryKeys() ([]string, bool) { return []string{m.key}, true }

// both matches what two matchers do.
type both [2]pricing.QueryMatcher

func (m both) Match(r *http.Request, path string) bool {
	return m[0].Match(r, path) && m[1].Match(r, path)
}

func (m both) QueryKeys() ([]string, bool) {
	one, _ := m[0].QueryKeys()
	two, _ := m[1].QueryKeys()
	return append(one, two...), true
}

// querySites are price tables that look at the query.
func querySites(tb testing.TB) []*pricing.Table {
	tb.Helper()
	price := pricing.Rule{Price: euro(20)}
	return []*pricing.Table{
		newTable(tb, asks{key: "p"}, price),
		newTable(tb, pricing.Paths{"/"}, pricing.Rule{Match: asks{key: "p", not: true}, Free: true}, price),
		newTable(tb, asks{key: "p", value: "7"}, price),
		newTable(tb, asks{key: "p"}, pricing.Rule{Match: asks{key: "p", value: "8"}, Price: euro(500)}, price),
		newTable(tb, both{asks{key: "p"}, asks{key: "preview", not: true}}, price),
		newTable(tb, asks{key: "P"}, price),
		newTable(tb, asks{key: "post_id"}, price),
	}
}

// foundQueries are the queries that sites find in one, spelled out, each with a
// flavour that does. Where case does not matter, they are spelled in capitals too.
func foundQueries(query string) map[string]string {
	found := map[string]string{}
	for _, flavour := range pathtest.QueryFlavours() {
		values := flavour.Read(query)
		found[values.Encode()] = flavour.Name
		if flavour.FoldsNames {
			upper := url.Values{}
			for name, given := range values {
				upper[strings.ToUpper(name)] = given
			}
			found[upper.Encode()] = flavour.Name
		}
	}
	return found
}

// queryLeaks says for each table how a site would deliver something that the gate
// did not ask for, or at another price.
func queryLeaks(tables []*pricing.Table, query string) (leaks []string) {
	target, err := canonicalizer.Parse("/?" + query)
	if err != nil {
		return nil
	}
	found := foundQueries(query)
	for site, table := range tables {
		decision, err := table.Decide(asking(query), &target)
		if err != nil {
			continue
		}
		for read, flavour := range found {
			if status, rule := table.Lookup(asking(read), target.Path); status == pricing.Priced && rule != decision.Rule {
				leaks = append(leaks, fmt.Sprintf("table %d: %s reads %s, decided as %s", site, flavour, read, decision.Status))
			}
		}
	}
	return leaks
}

func asking(query string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/", RawQuery: query}}
}

func TestNoGeneratedQueryLeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 3))
	tables := querySites(t)
	outcomes := map[string]int{}
	for i := range 50_000 {
		query := pathtest.Query(rng)
		for _, leak := range queryLeaks(tables[i%len(tables):][:1], query) {
			t.Errorf("%q: %s", query, leak)
		}
		outcomes[decideQuery(tables[0], "/?"+query)]++
	}
	t.Logf("%v", outcomes)
	for _, outcome := range []string{"refused", "priced", "unpriced"} {
		if outcomes[outcome] < 1000 {
			t.Errorf("the generator misses an outcome: %v", outcomes)
		}
	}
}

func decideQuery(table *pricing.Table, raw string) string {
	target, err := canonicalizer.Parse(raw)
	if err != nil {
		return "malformed"
	}
	decision, err := table.Decide(asking(target.Query()), &target)
	if err != nil {
		return "refused"
	}
	return decision.Status.String()
}

// FuzzQuery looks for a query that a site reads as something which the gate did
// not ask for.
func FuzzQuery(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 300 {
		f.Add(pathtest.Query(rng))
	}
	for _, query := range []string{"p=7;", "p=7%", "p=7&%", "p[]=7", "P=7", "%2570=7", "p.=7", "p=7&p=8", "??p=7", "+p=7", "p%00=7"} {
		f.Add(query)
	}
	tables := querySites(f)
	f.Fuzz(func(t *testing.T, query string) {
		for _, leak := range queryLeaks(tables, query) {
			t.Fatalf("%q: %s", query, leak)
		}
	})
}

func TestQueriesThatAllReadAlikeAreDecidedAlike(t *testing.T) {
	table := querySites(t)[0]
	for query, want := range map[string]string{
		"p=7": "priced", "p=7&utm_source=x": "priced", "p=7&q=50%": "priced", "q=50%&p=7": "priced", "p=7&a=1;b=2": "priced", "a[]=1&p=7": "priced",
		"utm_source=x": "unpriced", "q=50%": "unpriced", "a=1;b=2": "unpriced", "a[]=1": "unpriced", "": "unpriced", "q=ü&r=%C3%BC": "unpriced", "%zz": "unpriced",
		"p=7;": "priced", // by its key, whatever the value
		"p=7%": "refused", "p=7&%": "priced", "p[]=7": "refused", ";p=7": "refused", "P=7": "refused", "%2570=7": "refused", "+p=7": "refused",
	} {
		if query == "p=7;" {
			want = "refused" // it is not there for Go
		}
		if got := decideQuery(table, "/?"+query); got != want {
			t.Errorf("?%s: %s, want %s", query, got, want)
		}
	}
}

var _ pricing.QueryMatcher = asks{}

func TestAQueryThatIsReadInTooManyWaysIsRefused(t *testing.T) {
	table := querySites(t)[0]
	if got := decideQuery(table, "/?"+strings.Repeat("p[]=%zz;&", 100)); got != "refused" {
		t.Error(got)
	}
	if got := decideQuery(table, "/?"+strings.Repeat("x=1&", 1500)+"p=7"); got != "refused" {
		t.Errorf("what PHP stops before: %s", got)
	}
	if got := decideQuery(table, "/?"+strings.Repeat("x=1&", 1500)); got != "unpriced" {
		t.Errorf("many that nobody looks for: %s", got)
	}
	var none target.Target
	if readings, err := none.QueryReadings([]string{"p"}); len(readings) != 0 || err != nil {
		t.Error(readings, err)
	}
}

func BenchmarkDecideQuery(b *testing.B) {
	table := querySites(b)[1]
	for _, query := range []string{"p=7&utm_source=x", "q=50%&utm_source=x", "p[]=7&p=8;P=9&%2570=7", strings.Repeat("p=%zz&", 60)} {
		b.Run(query[:min(len(query), 20)], func(b *testing.B) {
			r := asking(query)
			target, err := canonicalizer.Parse("/?" + query)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = table.Decide(r, &target)
			}
		})
	}
}
