package topuptest

import (
	"bytes"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
)

// deliver brings the news to the service: calls or statements, each once.
func (h *house) deliver() {
	h.t.Helper()
	for _, call := range h.calls() {
		if code := h.hook(call); code != http.StatusOK {
			h.t.Fatalf("a call of the provider was answered %d", code)
		}
	}
	h.place()
}

// calls are the provider's since the last time.
func (h *house) calls() []call {
	if h.Hooks == nil {
		return nil
	}
	var calls []call
	for _, r := range h.Hooks() {
		body, err := io.ReadAll(r.Body)
		h.must(err)
		calls = append(calls, call{r, body})
	}
	return calls
}

// place imports what the bank's statement says.
func (h *house) place() {
	h.t.Helper()
	if h.Statement == nil {
		return
	}
	placed, err := h.service.Place(h.t.Context(), h.Statement())
	h.must(err)
	for _, p := range placed {
		h.must(p.Err)
	}
}

// call is a provider's call that can be sent more than once.
type call struct {
	request *http.Request
	body    []byte
}

// hook sends a call and answers its status.
func (h *house) hook(c call) int {
	w := httptest.NewRecorder()
	r := c.request.Clone(h.t.Context())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	_ = h.service.Hook(h.Way.Name(), w, r)
	return w.Code
}

// scatter delivers news doubled, shuffled and by several callers at once; some get lost.
func (h *house) scatter(random *mathrand.Rand) {
	h.t.Helper()
	var calls []call
	for _, c := range h.calls() {
		for range []int{0, 1, 1, 1, 1, 1, 1, 2, 2, 3}[random.IntN(10)] {
			calls = append(calls, c)
		}
	}
	random.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	var callers sync.WaitGroup
	for part := range slices.Chunk(calls, max(1, len(calls)/4+1)) {
		callers.Go(func() {
			for _, c := range part {
				h.hook(c)
			}
		})
	}
	callers.Wait()
	h.place()
}
