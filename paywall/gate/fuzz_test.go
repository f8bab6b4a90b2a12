package gate

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

var errRefusedByServer = errors.New("the server refuses this itself")

// parse reads a request as net/http's server does before it calls a handler.
func parse(raw string) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return nil, err
	}
	if !httpguts.ValidHostHeader(r.Host) || r.ProtoMajor != 1 {
		return nil, errRefusedByServer
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return nil, errRefusedByServer
		}
	}
	return r, nil
}

// try sends a request and answers with its status, 0 if the server would not
// take it, and what leaked, if anything did.
func (s *leakSite) try(raw string) (status int, leaks []string) {
	r, err := parse(s.credentials.Replace(raw))
	if err != nil {
		return 0, nil
	}
	s.faults, s.priced, s.check = nil, false, nil
	s.logs.Reset()
	w := &tape{header: make(http.Header)}
	s.serveTape(w, r)
	leaks = s.faults
	paid := opened(raw)
	for _, name := range w.canaries() {
		if len(paid) == 0 || others[name] && !paid[albumOf(name)] {
			leaks = append(leaks, fmt.Sprintf("%d: %s was given away", w.status, name))
		}
	}
	return w.status, append(leaks, s.judge(w, len(paid) > 0)...)
}

// serveTape lets the gate answer; a site that breaks off is the server's business.
func (s *leakSite) serveTape(w *tape, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
			panic(cause)
		}
	}()
	err := s.gate.ServeHTTP(w, r, siteOnly{s.site})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errSite):
		w.WriteHeader(http.StatusBadGateway)
	default:
		s.faults = append(s.faults, fmt.Sprintf("an error of the gate's own: %v", err))
	}
}

// twice sends a request to a site that knows nothing yet and, when it was asked
// about the page once, again.
func (s *leakSite) twice(t *testing.T, raw string) (status int) {
	t.Helper()
	s.gate.pages.cache.InvalidateAll()
	for range 2 {
		var leaks []string
		if status, leaks = s.try(raw); len(leaks) > 0 {
			t.Errorf("%q:\n%s", raw, strings.Join(leaks, "\n"))
		}
	}
	return status
}

// FuzzGate looks for a request that gets something out of the gate that was not
// paid for: pages, parts of pages, their validators, or a credential that
// reaches the site. tricks bends the request by the grammar, which changes it in
// more than one place at a time.
func FuzzGate(f *testing.F) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 300 {
		f.Add(strangeRequest(rng), rng.Uint64N(2)*rng.Uint64(), uint8(rng.UintN(4)))
	}
	sites := leakSites(f)
	f.Fuzz(func(t *testing.T, raw string, tricks uint64, site uint8) {
		if tricks != 0 {
			raw = bend(raw, tricks)
		}
		sites[int(site)%len(sites)].twice(t, raw)
	})
}

// TestA31NoGeneratedRequestLeaks is the fuzzer's grammar, run for a moment
// everywhere. It also sees to it that the grammar reaches every answer.
func TestA31NoGeneratedRequestLeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 4))
	sites := leakSites(t)
	answers := map[int]int{}
	for i := range 10_000 {
		answers[sites[i%len(sites)].twice(t, strangeRequest(rng))]++
	}
	t.Logf("answers: %v", answers)
	for _, status := range []int{0, 101, 200, 204, 206, 302, 303, 304, 308, 400, 401, 402, 403, 404, 405, 412, 416, 500} {
		if answers[status] == 0 {
			t.Errorf("no answer is %d", status)
		}
	}
}
