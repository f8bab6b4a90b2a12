package checkout

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// security is the policy of a page: our own style and pictures, forms to this origin and to
// the pages of payment that it leads to, in nobody's frame; no script at all, or files of
// ours that may talk to us.
func security(scripts bool, payPages []string) string {
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; form-action " + strings.Join(append([]string{"'self'"}, payPages...), " ") +
		"; frame-ancestors 'none'; base-uri 'none'"
	if scripts {
		policy += "; script-src 'self'; connect-src 'self'"
	}
	return policy
}

// answerHeaders stand on every answer that depends on the reader.
func (x *exchange) answerHeaders() {
	h := x.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Authorization")
	h.Set("X-Content-Type-Options", "nosniff")
	// An offer stands in the address of the purchase page. Not "no-referrer":
	// that makes browsers send "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
	switch x.r.URL.Path {
	case GiftPath, Prefix + "topup/intent", Prefix + "topup/return": // what even the article must not be told
		h.Set("Referrer-Policy", "strict-origin")
	}
}

func (x *exchange) pageHeaders() {
	x.answerHeaders()
	h := x.w.Header()
	if silent(x.r) {
		h.Set("Cache-Control", "no-store, no-cache") // lynx knows the second, at the end alone
	}
	h.Set("Vary", "Cookie, Authorization, Accept-Language")
	h.Set("Content-Security-Policy", security(false, nil))
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
}

// secured is a view that says what its page's policy has to allow.
type secured interface {
	scripted() bool
	payPages() []string
}

// page answers with a page. It is whole before the first byte is sent.
func (x *exchange) page(status int, name string, data any) error {
	html, err := x.c.o.Look.Page(x.c.o.Logger, name, data)
	if err != nil {
		return err
	}
	x.pageHeaders()
	if s, ok := data.(secured); ok {
		x.w.Header().Set("Content-Security-Policy", security(s.scripted(), s.payPages()))
	}
	x.rememberLanguage()
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.write(status, html)
	return nil
}

func (x *exchange) answer(status int, v any) error {
	return x.writeJSON(status, "application/json", v)
}

func (x *exchange) writeJSON(status int, contentType string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.answerHeaders()
	x.w.Header().Set("Content-Type", contentType)
	x.write(status, append(body, '\n'))
	return nil
}

func (x *exchange) write(status int, body []byte) {
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.w.Write(body) // the client is gone; nothing to do about it
	}
}

// problem is RFC 9457, with the members of an insufficient balance.
type problem struct {
	Type     string           `json:"type"`
	Title    string           `json:"title"`
	Status   int              `json:"status"`
	Detail   string           `json:"detail"`
	Price    *paywall.Money   `json:"price,omitempty"`
	Balance  *paywall.Money   `json:"balance,omitempty"`
	Currency paywall.Currency `json:"currency,omitempty"`
	TopUp    string           `json:"topup,omitempty"`
}

func newProblem(code paywall.Code, err error) problem {
	return problem{
		Type:   "urn:paywall:" + string(code),
		Title:  page.English().T("error." + string(code) + ".title"),
		Status: code.HTTPStatus(),
		Detail: messageOf(code, err),
	}
}

func messageOf(code paywall.Code, err error) string {
	if code == paywall.CodeUnavailable && !isUnpaid(err) {
		return paywall.ErrUnavailable.Message
	}
	return paywall.ErrorMessage(err)
}

// retryUnavailable is when to ask again for a ledger that is closed or full.
const retryUnavailable = 5 * time.Second

// fail answers with an error: a problem for programs, a page that says what to
// do next for people.
func (x *exchange) fail(err error) {
	code := codeOf(err)
	status := code.HTTPStatus()
	x.logFailure(code, status, err)

	if wait := retryAfter(x.now, code, err); wait > 0 {
		seconds := (wait + time.Second - 1) / time.Second
		x.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if code == paywall.CodeNoWallet {
		x.w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110, 15.5.2 wants one
	}
	if x.json {
		err = x.writeJSON(status, "application/problem+json", newProblem(code, err))
	} else {
		err = x.page(status, "error", newErrorView(x, code, err))
	}
	if err != nil {
		x.c.o.Logger.Error("answering with an error", slog.Any("cause", err))
		http.Error(x.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// retryAfter is when the error will be over, 0 if that is not known.
func retryAfter(now time.Time, code paywall.Code, err error) time.Duration {
	l, timed := errors.AsType[later](err)
	switch code {
	case paywall.CodeUnavailable:
		if timed {
			return l.after
		}
		return retryUnavailable
	case paywall.CodeTooManyRefunds, paywall.CodeTooManyGifts:
		return paywall.NextMonth(now).Sub(now)
	}
	return l.after
}

// logFailure tells the operator what is ours to correct. A visitor's mistakes are
// counted without their words: those may be codes and tokens.
func (x *exchange) logFailure(code paywall.Code, status int, err error) {
	attrs := []any{slog.String("code", string(code)), slog.Int("status", status)}
	if status < http.StatusInternalServerError {
		x.c.o.Logger.Debug("refused", attrs...)
		return
	}
	x.c.o.Logger.Error("checkout failed", append(attrs, slog.Any("cause", err))...)
}
