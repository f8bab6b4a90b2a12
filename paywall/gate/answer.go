package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// unlockPath is where the checkout shows an offer.
const unlockPath = reservedPrefix + "/unlock?offer="

// problem is RFC 9457. The last five members are those of an offer.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Resource string `json:"resource,omitempty"`
	Price    string `json:"price,omitempty"`
	Currency string `json:"currency,omitempty"`
	Offer    string `json:"offer,omitempty"`
	Unlock   string `json:"unlock,omitempty"`
}

// offer answers with the way to pay: people are led there, programs are told.
func offer(w http.ResponseWriter, r *http.Request, t *ticket, q *quote) error {
	if navigation(r) {
		h := begin(w)
		h.Set("Location", q.unlock)
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	q.worded.Do(func() { q.word(t) })
	w.Header().Set("Link", q.link)
	return send(w, http.StatusPaymentRequired, q.problem)
}

// word puts an offer into words for a program. Whoever shares it has the same
// rule and resource.
func (q *quote) word(t *ticket) {
	price := t.rule.Price.String()
	q.link = "<" + q.unlock + `>; rel="payment"`
	q.problem = encode(problem{
		Type:     "urn:paywall:" + string(paywall.CodePaymentRequired),
		Title:    http.StatusText(http.StatusPaymentRequired),
		Status:   http.StatusPaymentRequired,
		Detail:   "This costs " + price + " " + string(t.rule.Price.Currency) + ". POST the offer to /.paywall/unlock to buy it.",
		Resource: t.resource, Price: price, Currency: string(t.rule.Price.Currency),
		Offer: q.unlock[len(unlockPath):], Unlock: q.unlock,
	})
}

// navigation reports whether a browser is about to show the answer. Browsers
// say so; where they do not, whoever asks for HTML is one.
func navigation(r *http.Request) bool {
	if mode := r.Header["Sec-Fetch-Mode"]; len(mode) > 0 {
		return mode[0] == "navigate"
	}
	for _, accept := range r.Header["Accept"] {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// redirect leads to the canonical spelling. Only what can be asked again safely
// is: a form sent twice might do things twice.
func redirect(w http.ResponseWriter, r *http.Request, location string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return refuse(w, r, paywall.CodeMalformed, "the address is not spelled canonically")
	}
	h := begin(w)
	h.Set("Location", location)
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// refuse answers a request that goes nowhere. The error is always nil.
func refuse(w http.ResponseWriter, r *http.Request, code paywall.Code, detail string) error {
	status := code.HTTPStatus()
	return reply(w, r, problem{Type: "urn:paywall:" + string(code), Title: http.StatusText(status), Status: status, Detail: detail})
}

// refuseToken answers somebody whose access token does not open the resource
// (RFC 6750, 3.1).
func refuseToken(w http.ResponseWriter, r *http.Request, cause error) error {
	status, kind := http.StatusUnauthorized, "invalid_token"
	if errors.Is(cause, errOtherScope) {
		status, kind = http.StatusForbidden, "insufficient_scope"
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="`+kind+`"`)
	return reply(w, r, problem{
		Type: "urn:paywall:" + strings.ReplaceAll(kind, "_", "-"), Title: http.StatusText(status), Status: status,
		Detail: cause.Error() + "; ask again without it for an offer",
	})
}

// reply writes a problem, for people as a page. The error is always nil: a
// reader who has gone does not need it.
func reply(w http.ResponseWriter, r *http.Request, p problem) error {
	if !navigation(r) {
		return send(w, p.Status, encode(p))
	}
	var body bytes.Buffer
	writeRefusal(&body, w.Header(), p)
	return write(w, p.Status, body.Bytes())
}

// encode writes a problem as JSON.
func encode(p problem) []byte {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // it is never HTML: nosniff
	_ = e.Encode(p)        // strings and an int always encode
	return body.Bytes()
}

// send writes a problem as JSON to a program.
func send(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/problem+json")
	return write(w, status, body)
}

// write ends an answer of our own, nil always as reply.
func write(w http.ResponseWriter, status int, body []byte) error {
	h := begin(w)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5") // seconds, as at the checkout
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}

// begin prepares the headers of an answer of the gate's own. What a handler in
// front of the gate set about the page is not about this answer: a cache that
// believed it would keep the offer in the article's place.
func begin(w http.ResponseWriter) http.Header {
	h := w.Header()
	scrub(h, true)
	for _, name := range []string{"Etag", "Last-Modified", "Accept-Ranges", "Content-Encoding", "Content-Range"} {
		delete(h, name)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", merge(h["Vary"]))
	return h
}
