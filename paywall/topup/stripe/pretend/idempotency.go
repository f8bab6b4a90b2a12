package pretend

import (
	"bytes"
	"net/http"
	"time"
)

// keptFor is how long an idempotency key is known.
const keptFor = 24 * time.Hour

// once runs a call, or gives the answer that its idempotency key had before: also a 500,
// but not what was refused before anything began. Another call under a key is an error,
// and so is one while the first still runs.
func (b *Bank) once(r *http.Request, c *call, run func() (int, []byte, bool)) (a answer, replayed bool) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost {
		status, body, _ := run()
		return answer{status: status, body: body}, false
	}
	if before := b.begin(key, c); before != nil {
		return *before, before.done
	}
	status, body, saved := run()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !saved {
		delete(b.keys, key)
		return answer{status: status, body: body}, false
	}
	begun := b.keys[key]
	begun.status, begun.body, begun.done = status, body, true
	return *begun, false
}

// begin takes a key for a call. If somebody had it before, it gives what is answered.
func (b *Bank) begin(key string, c *call) *answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.options.Now()
	refuse := func(status int, code, message string) *answer {
		e := &apiError{status: status, Type: "idempotency_error", Code: code, Message: message}
		return &answer{status: status, body: e.body()}
	}
	asked := c.path + "?" + c.form.Encode()
	before, ok := b.keys[key]
	if ok && before.done && now.Sub(before.at) > keptFor {
		ok = false
	}
	switch {
	case len(key) > 255:
		return refuse(http.StatusBadRequest, "", "Idempotency keys are 255 characters long at most.")
	case !ok:
		b.keys[key] = &answer{asked: asked, at: now}
		return nil
	case before.asked != asked:
		return refuse(http.StatusBadRequest, "", "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '"+key+"' if you meant to execute a different request.")
	case !before.done:
		return refuse(http.StatusConflict, "idempotency_key_in_use", "There is currently another in-progress request using this idempotency key. Please try again later.")
	}
	replay := *before
	return &replay
}

// forget gives a key back whose call never answered.
func (b *Bank) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.keys[key]; a != nil && !a.done {
		delete(b.keys, key)
	}
}

// answer is what a call got, and gets again under the same idempotency key.
type answer struct {
	asked  string    // path and parameters
	at     time.Time // when it was first asked
	done   bool
	status int
	body   []byte
}

func (a answer) write(w http.ResponseWriter) {
	w.WriteHeader(a.status)
	_, _ = bytes.NewReader(a.body).WriteTo(w) // who asked may be gone
}
