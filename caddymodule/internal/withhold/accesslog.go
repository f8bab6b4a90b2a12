package withhold

import (
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/gate"
	"github.com/tuppence/tuppence/paywall/target"
)

// The address of a gift opens an article, so that it must get into no log. Caddy
// copies a request for its access log before any handler sees it, and logs the copy.
// A request for a gift is left out. Any other that holds such an address, which
// visitors may write at will, is logged here instead of there, without the secret.
//
// The address of a payment names it to the provider, who knows the payer. A log with it
// would say who reads, so that requests for one are logged here, without the name.

// AccessLog writes lines as the server does.
type AccessLog struct {
	logger *zap.Logger
	server *caddyhttp.Server // nil: nothing is logged
	canon  *target.Canonicalizer
	gifts  bool
}

// NewAccessLog is for a gate of a server. gifts: the gate serves the pages of gifts.
func NewAccessLog(ctx caddy.Context, server *caddyhttp.Server, canon *target.Canonicalizer, gifts bool) *AccessLog {
	log := &AccessLog{canon: canon, gifts: gifts}
	for _, module := range ctx.Modules() {
		if app, ok := module.(*caddyhttp.App); ok {
			log.logger, log.server = ctx.Logger(app).Named("log.access"), server
			break
		}
	}
	return log
}

// Secret says where a request holds an address that opens an article. The log
// has what the client sent, whatever the config rewrites it to.
type Secret struct {
	asked   bool // in its target, or in the address that it is led to
	gift    bool // which is the gift's page, as our links have it
	payment bool // in the address of a payment, or in that which begins one
	referer bool // in its Referer, where w3m says the page that it was on
}

// Found reports whether the request holds one.
func (s Secret) Found() bool { return s.asked || s.payment || s.referer }

// payments is where the pages of payments are. They answer to no other spelling.
const payments = checkout.Prefix + "topup/"

// Find looks for a secret in a request.
func (l *AccessLog) Find(r *http.Request) (s Secret) {
	raw := requests.OriginalTarget(r)
	if path, _, _ := strings.Cut(raw, "?"); mayBeGift(path) {
		s.asked = gate.Gift(l.canon, raw)
	}
	if s.asked {
		s.gift = l.gifts && strings.HasPrefix(raw, checkout.GiftPath+"?") && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	}
	s.payment = strings.HasPrefix(raw, payments)
	for _, referer := range r.Header["Referer"] {
		s.referer = s.referer || strings.Contains(referer, payments) || l.opensGift(referer)
	}
	return s
}

// opensGift reports whether an address in a Referer is a gift's, however it is spelled.
func (l *AccessLog) opensGift(address string) bool {
	page, _, _ := strings.Cut(address, "?")
	return mayBeGift(page) && redactQuery(address) != address && (strings.Contains(page, checkout.GiftPath) || gate.Gift(l.canon, address))
}

// mayBeGift spares most requests the work of reading their target once more.
func mayBeGift(path string) bool { return strings.Contains(path, ".paywall") || !plain(path) }

func plain(path string) bool {
	return !strings.ContainsAny(path, "%\\;") && isASCII(path) && strings.ToLower(path) == path
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Serve answers a request that holds a secret, and logs it without that; the server
// does not log it.
func (l *AccessLog) Serve(w http.ResponseWriter, r *http.Request, s Secret, answer func(http.ResponseWriter) error) error {
	logged := l.logs(r)
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	begun, shown := time.Now(), s.redact(r)
	body := &countingBody{ReadCloser: r.Body}
	r.Body = body
	recorder := caddyhttp.NewResponseRecorder(w, nil, nil)
	err := answer(recorder)

	status := recorder.Status()
	if err != nil {
		status = http.StatusInternalServerError
		var known caddyhttp.HandlerError
		if errors.As(err, &known) {
			status = known.StatusCode
		}
	}
	if logged && !s.gift {
		l.write(shown, s.redactAnswer(recorder.Header()), recorder.Size(), status, body.read, time.Since(begun), err)
	}
	if err == nil || status < http.StatusInternalServerError {
		return err
	}
	w.WriteHeader(status) // the server would log the error with what it copied
	return nil
}

func (l *AccessLog) write(r *http.Request, sent http.Header, size, status, read int, took time.Duration, err error) {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	var user string
	if repl != nil {
		user, _ = repl.GetString("http.auth.user.id")
	}
	credentials := l.server.Logs.ShouldLogCredentials
	fields := []zapcore.Field{
		zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: credentials}),
		zap.Int("bytes_read", read),
		zap.String("user_id", user),
		zap.Duration("duration", took),
		zap.Int("size", size),
		zap.Int("status", status),
		zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: sent, ShouldLogCredentials: credentials}),
	}
	level := zapcore.InfoLevel
	if status >= http.StatusInternalServerError {
		level = zapcore.ErrorLevel
	}
	if err != nil {
		fields = append(fields, zap.Error(err))
	}
	for _, name := range l.names(r) {
		l.logger.Named(name).Log(level, "handled request", fields...)
	}
}

// redact copies a request as it was sent, but for the secret.
func (s Secret) redact(r *http.Request) *http.Request {
	shown := r.Clone(r.Context())
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		shown.Method, shown.RemoteAddr = original.Method, original.RemoteAddr
	}
	shown.RequestURI = requests.OriginalTarget(r)
	if s.asked || s.payment {
		shown.RequestURI = redactQuery(shown.RequestURI)
	}
	if s.referer {
		for i, referer := range shown.Header["Referer"] {
			shown.Header["Referer"][i] = redactQuery(referer)
		}
	}
	return shown
}

// redactAnswer copies the head of an answer, but for the secret.
func (s Secret) redactAnswer(h http.Header) http.Header {
	sent := h.Clone()
	for i, location := range sent["Location"] {
		own := strings.HasPrefix(location, "/")
		switch {
		case strings.Contains(strings.ToLower(location), checkout.GiftPath), strings.Contains(location, payments): // once more to the same page
			sent["Location"][i] = redactQuery(location)
		case s.payment && !own: // the provider's page, which has the payment's name in its path
			sent["Location"][i] = "REDACTED"
		}
	}
	for i, refresh := range sent["Refresh"] { // which leads to the same page
		sent["Refresh"][i] = redactQuery(refresh)
	}
	return sent
}

// giftName is the name of a gift's page, which the query follows; in an odd spelling
// what is one to others may be part of the path.
var giftName = regexp.MustCompile(`(?i)[^:/\\][/\\]+(g|%67)(i|%69)(f|%66)(t|%74)`)

func redactQuery(address string) string {
	page, _, _ := strings.Cut(address, "?")
	if at := giftName.FindStringIndex(page); at != nil {
		page = page[:at[1]]
	}
	if page == address {
		return address
	}
	return page + "?REDACTED"
}

// logs reports whether the server logs a request, which the config decides by its host.
func (l *AccessLog) logs(r *http.Request) bool {
	if skip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.LogSkipVar).(bool); skip || l.server == nil || l.server.Logs == nil {
		return false
	}
	host, logs := hostname(r), l.server.Logs
	for named := range logs.LoggerNames {
		if certmagic.MatchWildcard(host, named) {
			return true
		}
	}
	for _, skipped := range logs.SkipHosts {
		if certmagic.MatchWildcard(host, skipped) {
			return false
		}
	}
	return !logs.SkipUnmappedHosts
}

// names are those of the loggers that a request is for: the ones that the config
// names for it, else those of its host, else the server's.
func (l *AccessLog) names(r *http.Request) []string {
	if chosen, ok := caddyhttp.GetVar(r.Context(), caddyhttp.AccessLoggerNameVarKey).([]any); ok {
		names := make([]string, len(chosen))
		for i := range chosen {
			names[i], _ = chosen[i].(string)
		}
		return names
	}
	host := strings.ToLower(hostname(r))
	if names, ok := l.server.Logs.LoggerNames[host]; ok {
		return names
	}
	labels := strings.Split(host, ".")
	for i := range labels {
		labels[i] = "*"
		if names, ok := l.server.Logs.LoggerNames[strings.Join(labels, ".")]; ok {
			return names
		}
	}
	return []string{l.server.Logs.DefaultLoggerName}
}

func hostname(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}

// countingBody counts what is read of a request's body.
type countingBody struct {
	io.ReadCloser
	read int
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += n
	return n, err
}
