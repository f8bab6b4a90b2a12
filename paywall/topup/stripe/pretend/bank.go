package pretend

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// DefaultKey is the secret key that a bank takes when [Options] name none.
const DefaultKey = "sk_test_pretend"

// Version is the API's that its answers are written in.
const Version = "2026-05-27.dahlia"

// maxObjects bounds a bank's memory: from then on it takes no sessions.
const maxObjects = 200_000

// Options say how a bank behaves. The zero value is a bank whose money is there at once.
type Options struct {
	Key    string           // the secret key that it takes; DefaultKey if empty
	Origin string           // its own, that its pages' URLs begin with; if empty, the one it was asked at
	Live   bool             // livemode of everything
	Now    func() time.Time // of what is written into objects; time.Now if nil

	// BookAfter is how long a charge has no balance transaction yet. 0: it has one at
	// once. Below 0: until Book.
	BookAfter time.Duration
	// ArriveAfter is how long it takes what is paid later. Below 0: until Arrive.
	ArriveAfter time.Duration
	// Retry are the pauses before a webhook is sent again that was not answered with
	// 2xx, one for each further try. Nil: five tries within a minute.
	Retry []time.Duration
	// Received is told each request, before it is answered. It is called by many
	// goroutines at once.
	Received func(Request)
}

// Request is what a bank received.
type Request struct {
	Method string
	URL    string // path and query
	Header http.Header
	Body   string
}

// Bank is a pretend bank. It is an [http.Handler], and all its methods are safe for
// concurrent use. [Bank.Close] ends its goroutines.
type Bank struct {
	options Options
	mux     *http.ServeMux
	post    *post

	mu     sync.Mutex
	byID   map[string]object
	byKind map[string][]object // in the order they were made
	open   map[string]object   // sessions that wait to be paid
	funds  map[string]int64    // what the account holds, by currency
	keys   map[string]*answer  // by idempotency key
	faults map[string]*Fault   // by the endpoint's pattern
	timers map[*time.Timer]struct{}
	closed bool
}

// New makes a bank without anything in it.
func New(options Options) *Bank {
	if options.Key == "" {
		options.Key = DefaultKey
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Retry == nil {
		options.Retry = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}
	}
	b := &Bank{
		options: options,
		mux:     http.NewServeMux(),
		byID:    map[string]object{},
		byKind:  map[string][]object{},
		open:    map[string]object{},
		funds:   map[string]int64{},
		keys:    map[string]*answer{},
		faults:  map[string]*Fault{},
		timers:  map[*time.Timer]struct{}{},
	}
	b.post = newPost(options)
	for _, e := range endpoints {
		b.mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) { b.serveAPI(w, r, e) })
	}
	b.mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) { b.serveAPI(w, r, endpoint{run: unrecognized}) })
	b.mux.HandleFunc("GET /pay/{id}", b.servePage)
	b.mux.HandleFunc("POST /pay/{id}", b.serveButton)
	return b
}

// Close ends what was to happen later. Requests go on being answered.
func (b *Bank) Close() {
	b.mu.Lock()
	b.closed = true
	for timer := range b.timers {
		timer.Stop()
	}
	b.mu.Unlock()
	b.post.close()
}

// ServeHTTP answers the API below /v1/ and the hosted pages below /pay/.
func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mux.ServeHTTP(w, r)
}

// later calls do after d with the lock held, at once if d is 0, and never if it is below
// 0. The lock is held.
func (b *Bank) later(d time.Duration, do func()) {
	switch {
	case d < 0:
	case d == 0:
		do()
	default:
		var timer *time.Timer
		timer = time.AfterFunc(d, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.timers, timer)
			if !b.closed {
				do()
			}
		})
		b.timers[timer] = struct{}{}
	}
}

// add keeps a new object of a kind and gives it an ID, its time and its mode. The lock is held.
func (b *Bank) add(kind, prefix string, o object) object {
	o["object"] = kind
	o["id"] = prefix + rand.Text()
	o["created"] = b.options.Now().Unix()
	if kind != "balance_transaction" && kind != "refund" {
		o["livemode"] = b.options.Live
	}
	b.byID[o.text("id")] = o
	b.byKind[kind] = append(b.byKind[kind], o)
	return o
}

// find gives the object of a kind with an ID. The lock is held.
func (b *Bank) find(kind, id string) (object, error) {
	o := b.byID[id]
	if o.text("object") != kind {
		name := kind[strings.LastIndex(kind, ".")+1:]
		return nil, &apiError{status: http.StatusNotFound, Type: "invalid_request_error", Code: "resource_missing", Param: "id", Message: "No such " + name + ": '" + id + "'"}
	}
	return o, nil
}

// Edit changes an object by hand, such as a session's amount_total, and tells nobody.
// Numbers are int64, and metadata is a map[string]string.
func (b *Bank) Edit(id string, change func(map[string]any)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.byID[id]
	if !ok {
		return unknown(id)
	}
	change(o)
	return nil
}

// IDs are those of all objects of a kind, such as "refund" or "checkout.session", in the
// order they were made.
func (b *Bank) IDs(kind string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for _, o := range b.byKind[kind] {
		ids = append(ids, o.text("id"))
	}
	return ids
}
