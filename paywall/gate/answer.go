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

// writeOffer answers with the way to pay: people are led there, programs are told, and
// whatever stands between gets what it can show.
func (g *Gate) writeOffer(w http.ResponseWriter, r *http.Request, t *ticket, found *page, q *signedOffer) error {
	who := clientOf(r)
	if prefetching(r) {
		who = program
	}
	switch who {
	case browser:
		return g.write(w, http.StatusSeeOther, nil, "Location", q.unlock, openerHeader, found.opener)
	case script:
		q.page.Do(func() { q.html = t.handOver(found, q, false) })
		return g.write(w, http.StatusPaymentRequired, q.html,
			append([]string{"Link", payment(q), openerHeader, found.opener}, refusalHeaders...)...)
	case preview:
		return g.write(w, http.StatusOK, t.handOver(found, q, true),
			append([]string{"X-Robots-Tag", "noindex", openerHeader, found.opener}, refusalHeaders...)...)
	}
	q.worded.Do(func() { q.word(t) })
	if r.Header["Hx-Request"] != nil {
		return g.write(w, http.StatusPaymentRequired, q.problem, "Content-Type", problemJSON, "Link", q.link, openerHeader, found.opener, "Hx-Redirect", q.unlock)
	}
	return g.write(w, http.StatusPaymentRequired, q.problem, "Content-Type", problemJSON, "Link", q.link, openerHeader, found.opener)
}

func payment(q *signedOffer) string { return "<" + q.unlock + `>; rel="payment"` }

// word puts an offer into words for a program. Whoever shares it has the same
// rule and resource.
func (q *signedOffer) word(t *ticket) {
	price := t.rule.Price.String()
	q.link = payment(q)
	q.problem = encode(problem{
		Type:     "urn:paywall:" + string(paywall.CodePaymentRequired),
		Title:    http.StatusText(http.StatusPaymentRequired),
		Status:   http.StatusPaymentRequired,
		Detail:   "This costs " + price + " " + string(t.rule.Price.Currency) + ". POST the offer to /.paywall/unlock to buy it.",
		Resource: t.resource, Price: price, Currency: string(t.rule.Price.Currency),
		Offer: q.unlock[len(unlockPath):], Unlock: q.unlock,
	})
}

// redirect leads to the canonical spelling. Only what can be asked again safely
// is: a form sent twice might do things twice.
func (g *Gate) redirect(w http.ResponseWriter, r *http.Request, location string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		const reason = "the address is not spelled canonically"
		if path, _, _ := strings.Cut(location, "?"); !gift(path) {
			noteSpelling(g, r, path, reason)
		}
		return g.refuse(w, r, paywall.CodeMalformed, reason)
	}
	return g.write(w, http.StatusPermanentRedirect, nil, "Location", location, openerHeader, openerPolicy)
}

// refuse answers a request that goes nowhere. The error is always nil.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, code paywall.Code, detail string, header ...string) error {
	status := code.HTTPStatus()
	return g.reply(w, r, problem{Type: "urn:paywall:" + string(code), Title: http.StatusText(status), Status: status, Detail: detail}, header...)
}

// refuseToken answers somebody whose access token does not open the resource
// (RFC 6750, 3.1).
func (g *Gate) refuseToken(w http.ResponseWriter, r *http.Request, cause error) error {
	status, kind := http.StatusUnauthorized, "invalid_token"
	if errors.Is(cause, errOtherScope) {
		status, kind = http.StatusForbidden, "insufficient_scope"
	}
	return g.reply(w, r, problem{
		Type: "urn:paywall:" + strings.ReplaceAll(kind, "_", "-"), Title: http.StatusText(status), Status: status,
		Detail: cause.Error() + "; ask again without it for an offer",
	}, "Www-Authenticate", `Bearer error="`+kind+`"`)
}

// reply writes a problem, for people as a page. The error is always nil: a
// reader who has gone does not need it.
func (g *Gate) reply(w http.ResponseWriter, r *http.Request, p problem, header ...string) error {
	header = append(header, openerHeader, openerPolicy)
	if !navigation(r) {
		return g.write(w, p.Status, encode(p), append(header, "Content-Type", problemJSON)...)
	}
	var body bytes.Buffer
	_ = refusalPage.Execute(&body, refusalFor(p)) // strings into a buffer: cannot fail
	return g.write(w, p.Status, body.Bytes(), append(header, refusalHeaders...)...)
}

// encode writes a problem as JSON.
func encode(p problem) []byte {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // it is never HTML: nosniff
	_ = e.Encode(p)        // strings and an int always encode
	return body.Bytes()
}

const (
	problemJSON  = "application/problem+json"
	openerHeader = "Cross-Origin-Opener-Policy"
)

// write makes an answer of our own; header is names and values in turn. The error is
// always nil, as reply's. What a handler in front of the gate set about the page is
// not about this answer: a cache that believed it would keep the offer in the
// article's place.
func (g *Gate) write(w http.ResponseWriter, status int, body []byte, header ...string) error {
	all := append(make([]string, 0, 24), header...)
	all = append(all, "Cache-Control", "no-store", "Content-Length", strconv.Itoa(len(body)))
	if body != nil {
		all = append(all, "X-Content-Type-Options", "nosniff")
	}
	if status == http.StatusServiceUnavailable {
		all = append(all, "Retry-After", "5") // seconds, as at the checkout
	}
	begin(w.Header(), all)
	g.keep(w, &ownHeaders{cors: true})
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}

// begin sets the headers of an answer of our own; header is names and values in turn.
func begin(h http.Header, header []string) {
	vary, opener := merge(h["Vary"], varyOn), keptOpener(h)
	for name := range h {
		if !ofTheConnection(name) && !isCORS(name) {
			delete(h, name)
		}
	}
	values := make([]string, 1, 1+len(header)/2) // one allocation for all
	values[0] = vary
	h["Vary"] = values[0:1:1]
	for i := 0; i < len(header); i += 2 {
		name, value := header[i], header[i+1]
		if name == openerHeader && opener != openerPolicy {
			value = opener
		}
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
}

// keep makes the headers of an answer hold as they are now, whatever the site block
// does to them on their way.
func (g *Gate) keep(w http.ResponseWriter, o *ownHeaders) {
	if g.settleLast(w, o) {
		o.header = w.Header().Clone()
	}
}
