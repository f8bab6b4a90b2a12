package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// FaultKind is a way to be broken.
type FaultKind int

// The kinds of fault. Fail, FailAfter and CutAfter leave an answer with the call's
// idempotency key, as Stripe does; after the others the key is free.
const (
	Refuse    FaultKind = iota + 1 // answers Status and Code
	Fail                           // answers 500 and does nothing
	FailAfter                      // does it and answers 500
	Hang                           // answers nothing until the client goes away; until then its idempotency key is in use
	CutBefore                      // closes the connection and does nothing
	CutAfter                       // does it and closes the connection
	HTML                           // answers 200 with a page
	Huge                           // answers 200 with 64 MB
)

// Fault is what is wrong with an endpoint.
type Fault struct {
	Kind   FaultKind
	Times  int    // that it happens; 0: each time
	Status int    // of Refuse, such as 429
	Code   string // of Refuse, such as "lock_timeout"
}

// Break breaks an endpoint, named by its pattern such as "GET /v1/checkout/sessions/{id}".
// It replaces the fault that the endpoint had. A pattern that is no endpoint's panics.
func (b *Bank) Break(pattern string, fault Fault) {
	if !slices.ContainsFunc(endpoints, func(e endpoint) bool { return e.pattern == pattern }) {
		panic(fmt.Sprintf("pretend: there is no endpoint %q", pattern))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[pattern] = &fault
}

// Mend takes all faults away.
func (b *Bank) Mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.faults)
}

// fault gives what is wrong with an endpoint this time, nil if nothing is.
func (b *Bank) fault(pattern string) *Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	fault := b.faults[pattern]
	if fault != nil && fault.Times > 0 {
		if fault.Times--; fault.Times == 0 {
			delete(b.faults, pattern)
		}
	}
	return fault
}

// instead answers a call wrongly without running it, and reports whether it did.
func (f *Fault) instead(w http.ResponseWriter, r *http.Request, b *Bank, c *call) bool {
	switch f.Kind {
	case Refuse:
		kind := "invalid_request_error"
		if f.Status >= http.StatusInternalServerError {
			kind = "api_error"
		}
		e := &apiError{status: f.Status, Type: kind, Code: f.Code, Message: "The pretend bank was told to refuse this."}
		answer{status: f.Status, body: e.body()}.write(w)
	case Hang:
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			if before := b.begin(key, c); before != nil {
				before.write(w)
				return true
			}
			defer b.forget(key)
		}
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case CutBefore:
		panic(http.ErrAbortHandler)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!doctype html><title>Maintenance</title><p>We will be back soon.")
	case Huge:
		_, _ = fmt.Fprint(w, `{"id":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range 64 {
			if _, err := fmt.Fprint(w, chunk); err != nil {
				return true
			}
		}
		_, _ = fmt.Fprint(w, `"}`)
	case Fail, FailAfter, CutAfter:
		return false
	}
	return true
}
