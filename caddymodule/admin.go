package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/paywall"
)

func init() {
	caddy.RegisterModule(adminAPI{})
}

// adminAPI serves /paywall/ on Caddy's admin endpoint:
//
//	GET  /paywall/price?url=URL          which rule decides, what it costs, why
//	POST /paywall/vouchers               makes vouchers, shows their codes once
//	GET  /paywall/stats                  paid in, given, sales, refunds, tips, gifts, what is owed
//	GET  /paywall/verify                 proves the ledger
//	GET  /paywall/export?format=ndjson   every transfer, in order; csv and beancount, too
//	GET  /paywall/backup?since=0         a consistent copy of the ledger
//	POST /paywall/compress               compresses the journal's closed segments
//	POST /paywall/keys/rotate            a new signing key
//
// It holds nothing: admin routes are replaced before apps are provisioned and
// are not rolled back, so the live app is looked up for each request.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.paywall", New: func() caddy.Module { return new(adminAPI) }}
}

// adminCall answers one call on the live app. What it returns is sent as JSON.
type adminCall func(app *App, w http.ResponseWriter, r *http.Request) error

// Routes returns the admin routes of the paywall.
func (adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		adminRoute(http.MethodGet, "/paywall/price", adminPrice),
		adminRoute(http.MethodPost, "/paywall/vouchers", adminVouchers),
		adminRoute(http.MethodGet, "/paywall/stats", adminStats),
		adminRoute(http.MethodGet, "/paywall/verify", adminVerify),
		adminRoute(http.MethodGet, "/paywall/export", adminExport),
		adminRoute(http.MethodGet, "/paywall/backup", adminBackup),
		adminRoute(http.MethodPost, "/paywall/compress", adminCompress),
		adminRoute(http.MethodPost, "/paywall/keys/rotate", adminRotate),
	}
}

func adminRoute(method, pattern string, call adminCall) caddy.AdminRoute {
	handler := func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != method {
			w.Header().Set("Allow", method)
			return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed: %s", r.Method)}
		}
		app, err := liveApp()
		for tries := 0; err != nil && tries < 50; tries++ {
			// The admin endpoint is up before the config that it serves.
			time.Sleep(20 * time.Millisecond)
			app, err = liveApp()
		}
		if err != nil {
			return err
		}
		if err := call(app, w, r); err != nil {
			return apiError(err)
		}
		return nil
	}
	return caddy.AdminRoute{Pattern: pattern, Handler: caddy.AdminHandlerFunc(handler)}
}

// liveApp is the app of the config that is running.
func liveApp() (*App, error) {
	value, err := caddy.ActiveContext().AppIfConfigured("paywall")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("no paywall is configured")}
	}
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	app, ok := value.(*App)
	if !ok {
		return nil, fmt.Errorf("the app paywall is a %T", value)
	}
	return app, nil
}

// apiError gives an error of the library its status.
func apiError(err error) error {
	if _, ok := errors.AsType[caddy.APIError](err); ok {
		return err
	}
	return caddy.APIError{HTTPStatus: paywall.ErrorCode(err).HTTPStatus(), Err: err}
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that left misses it
	return nil
}

const maxAdminBody = 64 << 10

// voucherOrder is the body of POST /paywall/vouchers.
type voucherOrder struct {
	Count    int       `json:"count"`
	Amount   string    `json:"amount"`
	Expires  time.Time `json:"expires,omitzero"`
	Campaign string    `json:"campaign,omitempty"`
}

func (o *voucherOrder) check(currency paywall.Currency) (paywall.Money, error) {
	amount, err := paywall.ParsePrice(o.Amount, currency)
	switch {
	case err != nil:
		return amount, err
	case o.Count < 1 || o.Count > paywall.MaxVouchers:
		return amount, paywall.Errorf(paywall.CodeMalformed, "count %d is not between 1 and %d", o.Count, paywall.MaxVouchers)
	case !o.Expires.IsZero() && !o.Expires.After(time.Now()):
		return amount, paywall.Errorf(paywall.CodeMalformed, "expires %s is in the past", o.Expires.Format(time.RFC3339))
	case len(o.Campaign) > paywall.MaxCampaign:
		return amount, paywall.Errorf(paywall.CodeMalformed, "campaign is longer than %d bytes", paywall.MaxCampaign)
	}
	return amount, nil
}

func adminVouchers(app *App, w http.ResponseWriter, r *http.Request) error {
	order := voucherOrder{Count: 1}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&order); err != nil {
		return paywall.Errorf(paywall.CodeMalformed, "reading the order: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return paywall.Errorf(paywall.CodeMalformed, "the order is followed by something else")
	}
	amount, err := order.check(app.currency)
	if err != nil {
		return err
	}
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	codes := make([]string, order.Count)
	vouchers := make([]paywall.Voucher, order.Count)
	for i := range codes {
		codes[i] = paywall.NewVoucherCode()
		hash, _ := paywall.HashCode(codes[i]) // a code of our own making
		vouchers[i] = paywall.Voucher{Code: hash, Amount: amount, ExpiresAt: order.Expires, Campaign: order.Campaign}
	}
	err = l.AddVouchers(r.Context(), vouchers)
	if paywall.ErrorCode(err) == paywall.CodeTooLarge {
		return fmt.Errorf("%w; order fewer at once, or choose a shorter campaign", err)
	}
	if err != nil {
		return err
	}
	app.logger.Info("vouchers made", "count", order.Count, "amount", amount.String(), "campaign", order.Campaign)
	return writeJSON(w, http.StatusCreated, struct {
		Codes []string `json:"codes"`
	}{codes})
}

func adminStats(app *App, w http.ResponseWriter, r *http.Request) error {
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	stats, err := l.Stats(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, stats)
}

func adminVerify(app *App, w http.ResponseWriter, r *http.Request) error {
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	report, err := l.Verify(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, report)
}

func adminRotate(app *App, w http.ResponseWriter, r *http.Request) error {
	if err := app.await(r.Context()); err != nil {
		return err
	}
	kid, err := app.vault.RotateKey(time.Now())
	if err != nil {
		return fmt.Errorf("rotating the signing key: %w", err)
	}
	app.logger.Info("signing key rotated", "kid", kid)
	return writeJSON(w, http.StatusOK, struct {
		KeyID string `json:"kid"`
	}{kid})
}

// Interface guards
var _ caddy.AdminRouter = (*adminAPI)(nil)
