package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
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
//	GET  /paywall/vouchers               which were made together, how many are redeemed
//	POST /paywall/vouchers/revoke        ends those that nobody redeemed
//	POST /paywall/bank                   books a bank's statement
//	GET  /paywall/bank/unclaimed         money that nobody placed yet
//	POST /paywall/bank/assign            gives it to whoever began a top-up
//	POST /paywall/bank/return            a person sent it back
//	GET  /paywall/bank/cashouts          money that a person has to send back
//	POST /paywall/bank/sent              a person did
//	GET  /paywall/reconcile?since=DAY    providers' movements against the journal
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

// adminCalls are those at one path, by method.
type adminCalls map[string]adminCall

// Routes returns the admin routes of the paywall.
func (adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		adminRoute("/paywall/price", adminCalls{http.MethodGet: adminPrice}),
		adminRoute("/paywall/vouchers", adminCalls{http.MethodPost: adminVouchers, http.MethodGet: adminBatches}),
		adminRoute("/paywall/vouchers/revoke", adminCalls{http.MethodPost: adminRevoke}),
		adminRoute("/paywall/bank", adminCalls{http.MethodPost: adminBank}),
		adminRoute("/paywall/bank/unclaimed", adminCalls{http.MethodGet: adminUnclaimed}),
		adminRoute("/paywall/bank/assign", adminCalls{http.MethodPost: adminAssign}),
		adminRoute("/paywall/bank/return", adminCalls{http.MethodPost: adminReturn}),
		adminRoute("/paywall/bank/cashouts", adminCalls{http.MethodGet: adminCashOuts}),
		adminRoute("/paywall/bank/sent", adminCalls{http.MethodPost: adminSent}),
		adminRoute("/paywall/reconcile", adminCalls{http.MethodGet: adminReconcile}),
		adminRoute("/paywall/stats", adminCalls{http.MethodGet: adminStats}),
		adminRoute("/paywall/verify", adminCalls{http.MethodGet: adminVerify}),
		adminRoute("/paywall/export", adminCalls{http.MethodGet: adminExport}),
		adminRoute("/paywall/backup", adminCalls{http.MethodGet: adminBackup}),
		adminRoute("/paywall/compress", adminCalls{http.MethodPost: adminCompress}),
		adminRoute("/paywall/keys/rotate", adminCalls{http.MethodPost: adminRotate}),
	}
}

func adminRoute(pattern string, calls adminCalls) caddy.AdminRoute {
	allowed := strings.Join(slices.Sorted(maps.Keys(calls)), ", ")
	handler := func(w http.ResponseWriter, r *http.Request) error {
		call := calls[r.Method]
		if call == nil {
			w.Header().Set("Allow", allowed)
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

// Interface guards
var _ caddy.AdminRouter = (*adminAPI)(nil)
