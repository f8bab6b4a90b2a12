package routes

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"pgregory.net/rapid"
)

// TestHostsAreComparedAsCaddyMatchesThem: no request that two patterns match is
// overlooked, and what covers a pattern matches all that it matches.
func TestHostsAreComparedAsCaddyMatchesThem(t *testing.T) {
	label := rapid.SampledFrom([]string{"a", "b", "B", "*", "a*", "bücher"})
	name := rapid.SampledFrom([]string{"a", "b", "B", "a*", "xn--bcher-kva", "c"})
	join := func(of *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(of, 1, 3).Draw(t, "labels"), ".")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		x, y, host := join(label).Draw(t, "x"), join(label).Draw(t, "y"), join(name).Draw(t, "host")
		inX, inY := matched(t, x, host), matched(t, y, host)
		a, b := normalizeHost(x), normalizeHost(y)
		if inX && inY && !overlap(a, b) {
			t.Errorf("%s matches %s and %s, which do not overlap", host, x, y)
		}
		if covers(a, b) && inY && !inX {
			t.Errorf("%s covers %s, which alone matches %s", x, y, host)
		}
		if sets := (hostSets{{a}}); sets.matches(strings.ToLower(host)) != inX {
			t.Errorf("%s is matched by %s: %v", host, x, inX)
		}
	})
}

func matched(t *rapid.T, pattern, host string) bool {
	m := caddyhttp.MatchHost{pattern}
	if err := m.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Host: host}
	return m.Match(r.WithContext(context.WithValue(t.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer())))
}

// TestWhoTakesTheHostsOfAGate: a more specific block takes its hosts away, any
// other that overlaps stands in the way.
func TestWhoTakesTheHostsOfAGate(t *testing.T) {
	t.Setenv("TUPPENCE_TEST_HOST", "a.example")
	for _, tc := range []struct {
		gate  hostSets
		hosts []string
		want  relation
	}{
		{nil, nil, whole},
		{nil, []string{"a.example"}, narrower},
		{nil, []string{"*.example"}, narrower},
		{nil, []string{"{http.request.host}"}, whole},
		{hostSets{{"a.example"}}, nil, whole},
		{hostSets{{"a.example"}}, []string{"b.example"}, apart},
		{hostSets{{"a.example"}}, []string{"b.example", "A.Example"}, whole},
		{hostSets{{"a.example"}}, []string{"*.example"}, whole},
		{hostSets{{"a.example"}}, []string{"*"}, apart},
		{hostSets{{"a.example"}}, []string{"*.*"}, whole},
		{hostSets{{"a.example"}}, []string{"a.example:80"}, apart},
		{hostSets{{"a.example"}}, []string{"{env.TUPPENCE_TEST_HOST}"}, whole},
		{hostSets{{"b.example"}}, []string{"{env.TUPPENCE_TEST_HOST}"}, apart},
		{hostSets{{"{env.TUPPENCE_TEST_HOST}"}}, []string{"a.example"}, whole},
		{hostSets{{"{vars.host}"}}, []string{"a.example"}, whole},
		{hostSets{{"a.example", "b.example"}}, []string{"b.example"}, shared},
		{hostSets{{"*.example"}}, []string{"a.example"}, narrower},
		{hostSets{{"*.example"}}, []string{"*.example"}, whole},
		{hostSets{{"*.example"}}, []string{"a.*"}, shared},
		{hostSets{{"*.example"}}, []string{"*.*.example"}, apart},
		{hostSets{{"*.example"}, {"a.example"}}, []string{"b.example"}, apart},
		{hostSets{{"*.example"}, {"a.example"}}, []string{"a.example"}, whole},
		{hostSets{{"a.example"}, {"*.example"}}, []string{"a.example"}, whole},
		{hostSets{{"bücher.example"}}, []string{"xn--bcher-kva.example"}, whole},
	} {
		var gate hostSets
		for _, set := range tc.gate {
			gate = append(gate, normalizeHosts(set))
		}
		var hosts []string
		if tc.hosts != nil {
			hosts = normalizeHosts(tc.hosts)
		}
		if got := gate.relate(hosts); got != tc.want {
			t.Errorf("%v before %v: %d, want %d", tc.hosts, tc.gate, got, tc.want)
		}
	}
}
