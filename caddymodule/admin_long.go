package caddymodule

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
)

// ndjson is what whoever asks for progress accepts.
const ndjson = "application/x-ndjson"

// longCall tells whoever asks for it how far a call is, in lines before its answer. To
// others it answers as any call does.
type longCall struct {
	w     http.ResponseWriter
	lines bool
	began bool
}

func newLongCall(w http.ResponseWriter, r *http.Request) *longCall {
	return &longCall{w: w, lines: strings.Contains(r.Header.Get("Accept"), ndjson)}
}

// progress tells how much is done. A total of 0 is not known.
func (c *longCall) progress(done, total int) {
	if c.lines {
		c.line(wire.Line{Done: done, Total: total})
	}
}

// line sends one line at once. A client that left misses it.
func (c *longCall) line(l wire.Line) {
	if !c.began {
		c.began = true
		c.w.Header().Set("Content-Type", ndjson)
		c.w.Header().Set("Cache-Control", "no-store")
	}
	_ = json.NewEncoder(c.w).Encode(l)
	_ = http.NewResponseController(c.w).Flush()
}

// end answers. An error keeps its status if nothing was sent before.
func (c *longCall) end(status int, v any, err error) error {
	switch {
	case err != nil && !c.began:
		return err
	case err != nil:
		c.line(wire.Line{Error: err.Error()})
		return nil
	case !c.lines:
		return writeJSON(c.w, status, v)
	}
	result, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.line(wire.Line{Result: result})
	return nil
}

// readOrder reads the body of a call, which is one JSON object of known fields.
func readOrder(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return paywall.Errorf(paywall.CodeMalformed, "reading the order: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return paywall.Errorf(paywall.CodeMalformed, "the order is followed by something else")
	}
	return nil
}
