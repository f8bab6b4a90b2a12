package pricing

import (
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/target"
)

// Decision is what a request's target costs.
type Decision struct {
	Status   Status
	Rule     *Rule  // nil if none matched
	Resource string // what is sold: the target's resource, or the one it is a part of
}

// Decide says what a target costs. It refuses with [paywall.CodeMalformed] what
// could be one thing to the gate and another to the site: a target some reading
// of which has a price while the canonical path has none, or another one; and an
// ambiguous target as soon as anything in it has a price.
//
// An unpriced or free answer therefore holds for every reading, and the raw
// target may be passed on as it came.
func (t *Table) Decide(r *http.Request, target *target.Target) (Decision, error) {
	if t.readsQuery {
		return t.decideQueries(r, target)
	}
	return t.decide(r, target)
}

// maxAsked bounds how many combinations of a path's readings and a query's are
// asked about.
const maxAsked = 256

// decideQueries decides about every query that a site may read in the target. The
// matchers see the target's own, whatever the server made of the request.
func (t *Table) decideQueries(r *http.Request, target *target.Target) (Decision, error) {
	readings, err := target.QueryReadings(t.queryKeys)
	if err != nil {
		return Decision{}, err
	}
	if len(readings) == 0 {
		return t.decide(withQuery(r, target.Query()), target)
	}
	if len(readings)*(1+len(target.Readings)) > maxAsked {
		return Decision{}, refusal()
	}
	decision, err := t.decide(withQuery(r, readings[0]), target)
	if err != nil {
		return Decision{}, err
	}
	for _, reading := range readings[1:] {
		other, err := t.decide(withQuery(r, reading), target)
		if err != nil {
			return Decision{}, err
		}
		if (other.Status != decision.Status || other.Rule != decision.Rule) && (other.Status.closed() || decision.Status.closed()) {
			return Decision{}, refusal()
		}
	}
	return decision, nil
}

// withQuery is the request with another query in its URL.
func withQuery(r *http.Request, query string) *http.Request {
	if r.URL == nil || r.URL.RawQuery == query {
		return r
	}
	url := *r.URL
	url.RawQuery = query
	asked := *r
	asked.URL = &url
	return &asked
}

// decide decides about every path that a site may read in the target.
func (t *Table) decide(r *http.Request, target *target.Target) (Decision, error) {
	status, rule := t.Lookup(r, target.Path)
	decision := Decision{Status: status, Rule: rule, Resource: target.Resource}
	if target.Ambiguous && status.closed() {
		return Decision{}, refusal()
	}
	for _, reading := range target.Readings {
		other, by := t.Lookup(r, reading)
		if other.closed() && (target.Ambiguous || other != status || by != rule || target.Canonical && by.regroups(target.Path, reading)) {
			return Decision{}, refusal()
		}
	}
	if status == Priced {
		decision.Resource = rule.resource(t.named(r, rule, target))
	}
	return decision, nil
}

// regroups reports whether a reading, in which segments of the path are gone, is
// part of another resource than the path: to a site that overlooks the script in
// "/albums/index.php/x/1.mp3", "/albums/index.php" would be every album.
func (r *Rule) regroups(path, reading string) bool {
	return r != nil && len(r.Per) > 0 && strings.Count(reading, "/") < strings.Count(path, "/") &&
		!strings.EqualFold(r.resource(reading), r.resource(path))
}

func refusal() error {
	return paywall.Errorf(paywall.CodeMalformed, "this spelling of the address can be read in more than one way")
}

// resource is the resource that a path is a part of: the first member of a group
// that Per names, or itself.
func (r *Rule) resource(resource string) string {
	path, _, _ := strings.Cut(resource, "?")
	for _, pattern := range r.Per {
		above := len(pattern) - len("*")
		if len(path) <= above || !strings.EqualFold(path[:above], pattern[:above]) {
			continue
		}
		if i := strings.IndexByte(path[above:], '/'); i >= 0 {
			return path[:above+i]
		}
		return path
	}
	return resource
}
