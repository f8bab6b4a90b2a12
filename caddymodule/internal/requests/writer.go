package requests

import (
	"net/http"
	"reflect"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Caddy's header directive stands before the gate, and changes headers when an answer
// goes out if it deletes, or is told to wait ("defer", ">"): its writer has the last
// word. Beneath all of them stands the one with which the server times a write.

// Below answers where the writer that times a write keeps the server's own, for a
// writer with something around it that may change headers. Nil: nothing does, and an
// ordinary request costs a look at one or two types.
func Below(w http.ResponseWriter) *http.ResponseWriter {
	if untouched(w) {
		return nil
	}
	var found *http.ResponseWriter
	for w != nil {
		switch inner := w.(type) {
		case *caddyhttp.IdleTimeoutWriter:
			found = &inner.ResponseWriter
		default:
			if wrapper := wrapperOf(w); wrapper != nil {
				found = &wrapper.ResponseWriter
			}
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return found
		}
		w = inner.Unwrap()
	}
	return found
}

// recorder is the type of the writer that sees to the access log. It leaves headers alone.
var recorder = reflect.TypeOf(caddyhttp.NewResponseRecorder(nil, nil, nil))

// untouched reports whether nothing but the server's own writers stand there.
func untouched(w http.ResponseWriter) bool {
	if _, ok := w.(*caddyhttp.IdleTimeoutWriter); ok {
		return true
	}
	inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
	if !ok {
		return true // net/http's
	}
	return reflect.TypeOf(w) == recorder && untouched(inner.Unwrap())
}

// wrapperOf finds what Caddy's writers embed. It is there without the timeouts too
// (write_idle_timeout 0).
func wrapperOf(w http.ResponseWriter) *caddyhttp.ResponseWriterWrapper {
	v := reflect.ValueOf(w)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	field := v.Elem().FieldByName("ResponseWriterWrapper")
	if !field.IsValid() || !field.CanInterface() {
		return nil
	}
	wrapper, _ := field.Interface().(*caddyhttp.ResponseWriterWrapper)
	return wrapper
}
