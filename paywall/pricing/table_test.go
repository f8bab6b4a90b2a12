package pricing_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
)

func lookup(t *testing.T, table *pricing.Table, path string) (pricing.Status, string) {
	t.Helper()
	status, rule := table.Lookup(request(), path)
	if rule == nil {
		return status, ""
	}
	return status, rule.Source
}

func TestFirstRuleThatMatchesDecides(t *testing.T) {
	table := newTable(t, pricing.Paths{"/articles/*", "/magazine/*", "/lost/*"},
		pricing.Rule{Match: pricing.Paths{"/articles/welcome", "/articles/free/*"}, Free: true, Source: "1"},
		pricing.Rule{Match: pricing.Paths{"/articles/free/not"}, Price: euro(50), Source: "2"},
		pricing.Rule{Match: pricing.Paths{"/magazine/*"}, Price: euro(50), Source: "3"},
		pricing.Rule{Match: pricing.Paths{"/articles/*"}, Price: euro(20), Source: "4"},
	)
	for _, tc := range []struct {
		path   string
		status pricing.Status
		rule   string
	}{
		{"/articles/p1", pricing.Priced, "4"},
		{"/Articles/P1", pricing.Priced, "4"},
		{"/articles/p1/", pricing.Priced, "4"},
		{"/articles/welcome", pricing.Free, "1"},
		{"/articles/welcome/", pricing.Free, "1"},
		{"/articles/WELCOME", pricing.Free, "1"},
		{"/articles/welcome2", pricing.Priced, "4"},
		{"/articles/free/not", pricing.Free, "1"},
		{"/magazine/p1", pricing.Priced, "3"},
		{"/articles", pricing.Unpriced, ""}, // A27: the index is outside, as with Caddy's matcher
		{"/articles/", pricing.Unpriced, ""},
		{"/", pricing.Unpriced, ""},
		{"/lost/p1", pricing.Misconfigured, ""},
	} {
		if status, rule := lookup(t, table, tc.path); status != tc.status || rule != tc.rule {
			t.Errorf("%s: %v by rule %q", tc.path, status, rule)
		}
	}
}

func TestTableRefusesWhatMakesNoSense(t *testing.T) {
	price := pricing.Rule{Price: euro(20)}
	share := func(creator string, ppm int64) paywall.Share { return paywall.Share{Creator: creator, PPM: ppm} }
	on := func(patterns ...string) pricing.Rule {
		return pricing.Rule{Match: pricing.Paths(patterns), Price: euro(10), Source: "Caddyfile:12"}
	}
	for _, tc := range []struct {
		says  string
		match pricing.Matcher
		rules []pricing.Rule
	}{
		{"nothing has a price", nil, nil},
		{"nothing has a price", nil, []pricing.Rule{{Free: true}}},
		{"not above zero", nil, []pricing.Rule{{Price: paywall.Money{Currency: "EUR"}}}},
		{"not above zero", nil, []pricing.Rule{{Price: euro(-1)}}},
		{"no currency", nil, []pricing.Rule{{Price: paywall.Money{Micros: 1}}}},
		{"USD beside prices in EUR", nil, []pricing.Rule{on("/a"), {Price: paywall.Money{Micros: 1, Currency: "USD"}}}},
		{"more than 100%", nil, []pricing.Rule{{Price: euro(1), Shares: []paywall.Share{share("a", 600_000), share("b", 400_001)}}}},
		{"share of a is given twice", nil, []pricing.Rule{{Price: euro(1), Shares: []paywall.Share{share("a", 1), share("a", 1)}}}},
		{"share of a is not above zero", nil, []pricing.Rule{{Price: euro(1), Shares: []paywall.Share{share("a", 0)}}}},
		{"belongs to nobody", nil, []pricing.Rule{{Price: euro(1), Shares: []paywall.Share{share("", 1)}}}},
		{"negative", nil, []pricing.Rule{{Price: euro(1), Access: -time.Hour}}},
		{"free rule has no price", nil, []pricing.Rule{{Free: true, Price: euro(1)}, price}},
		{"free rule has no price", nil, []pricing.Rule{{Free: true, Per: []string{"/a/*"}}, price}},
		{"never applies", nil, []pricing.Rule{price, on("/a")}},
		{"never applies", nil, []pricing.Rule{{Free: true}, price}},
		{"never applies", nil, []pricing.Rule{on("/x", "*"), price}},
		{"never applies", nil, []pricing.Rule{on("/*"), price}},
		{"path /a has a rule already, at Caddyfile:12", nil, []pricing.Rule{on("/b", "/a"), on("/A")}},
		{"write a path that ends in /*", nil, []pricing.Rule{{Price: euro(1), Per: []string{"/albums"}}}},
		{"write a path that ends in /*", nil, []pricing.Rule{{Price: euro(1), Per: []string{"/albums*"}}}},
		{"write a path that ends in /*", nil, []pricing.Rule{{Price: euro(1), Per: []string{"/*/x/*"}}}},
		{"write a path that ends in /*", nil, []pricing.Rule{{Price: euro(1), Per: []string{"albums/*"}}}},
		{"never matches", nil, []pricing.Rule{{Price: euro(1), Per: []string{"/a//b/*"}}}},
		{"never matches", nil, []pricing.Rule{on("articles/*")}},
		{"never matches", nil, []pricing.Rule{on("/a//b")}},
		{"never matches", nil, []pricing.Rule{on("/a/../b")}},
		{"syntax error in pattern, at Caddyfile:12", nil, []pricing.Rule{on("/a/[b")}},
		{"without patterns", nil, []pricing.Rule{on()}},
		{"never matches", pricing.Paths{"x"}, []pricing.Rule{price}},
	} {
		if _, err := pricing.NewTable(tc.match, tc.rules); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("want %q, got %v", tc.says, err)
		}
	}
}

func TestTableAcceptsWhatMakesSense(t *testing.T) {
	whole := []paywall.Share{{Creator: "a", PPM: 600_000}, {Creator: "b", PPM: 400_000}}
	newTable(t, nil,
		pricing.Rule{Match: pricing.Paths{"/a", "/b"}, Price: euro(1), Shares: whole, Per: []string{"/*"}},
		pricing.Rule{Match: pricing.Paths{"/a", "/c"}, Free: true},
		pricing.Rule{Match: header("X-Print"), Price: euro(2)},
		pricing.Rule{Match: header("X-Print"), Price: euro(2)}, // not for us to tell that they are the same
		pricing.Rule{Price: euro(3), Per: []string{"/albums/*", "/music/Dürer/*"}})
}

// header is a matcher that looks at the request.
type header string

func (h header) Match(r *http.Request, _ string) bool { return r.Header.Get(string(h)) != "" }

func TestPatternsAreReadInTheFormOfCanonicalPaths(t *testing.T) {
	table := newTable(t, pricing.Paths{"/Du\u0308rer/*"}, pricing.Rule{Match: pricing.Paths{"/Du\u0308rer/Wald"}, Price: euro(1)})
	if status, _ := lookup(t, table, "/dürer/wald"); status != pricing.Priced {
		t.Error(status)
	}
}

func TestTableKeepsItsOwnRules(t *testing.T) {
	rules := []pricing.Rule{{Match: pricing.Paths{"/a"}, Price: euro(1)}}
	table := newTable(t, nil, rules...)
	rules[0].Free = true
	rules[0].Match.(pricing.Paths)[0] = "/b"
	if status, _ := lookup(t, table, "/a"); status != pricing.Priced {
		t.Error(status)
	}
}
