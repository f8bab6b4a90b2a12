package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
)

// admin calls the admin routes as Caddy's admin endpoint would.
func admin(t *testing.T, method, target, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	for _, route := range (adminAPI{}).Routes() {
		if route.Pattern != r.URL.Path {
			continue
		}
		err := route.Handler.ServeHTTP(w, r)
		if err == nil {
			return w.Code, w.Body.String()
		}
		apiErr, ok := err.(caddy.APIError)
		if !ok {
			t.Fatalf("%s %s: %T: %v", method, target, err, err)
		}
		return apiErr.HTTPStatus, apiErr.Err.Error()
	}
	t.Fatalf("no route for %s", target)
	return 0, ""
}

func TestAdminSaysWhichRuleAndWhy(t *testing.T) {
	s := newSite(t, "", `@paid path /articles/* /magazine/* /albums/*
	paywall @paid {
		free /articles/welcome
		price /magazine/* 0.50
		price /albums/* 3.00 {
			per /albums/*
			share alice 70%
			access 30d
		}
		price /articles/* 0.20
	}
	reverse_proxy UPSTREAM`, new(articles))
	for path, want := range map[string]wire.Price{
		"/articles/a":         {Status: "priced", Price: "0.20", Resource: "/articles/a"},
		"/articles/welcome":   {Status: "free", Resource: "/articles/welcome"},
		"/Magazine/B/":        {Status: "priced", Price: "0.50", Resource: "/Magazine/B"},
		"/albums/x/2.mp3":     {Status: "priced", Price: "3.00", Resource: "/albums/x"},
		"/about":              {Status: "unpriced"},
		"/articles%2fa":       {Status: "refused"},
		"/articles/a;b":       {Status: "refused"},
		"/articles/../about2": {Status: "refused"}, // a site that does not resolve dots has an article there
	} {
		status, body := admin(t, http.MethodGet, "/paywall/price?url="+url.QueryEscape(s.url+path), "")
		var got wire.Price
		if err := json.Unmarshal([]byte(body), &got); status != http.StatusOK || err != nil {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		if got.Status != want.Status || got.Price != want.Price || got.Resource != want.Resource || got.Why == "" {
			t.Errorf("%s: %s", path, body)
		}
	}
	for address, want := range map[string]struct {
		status int
		answer string
	}{
		"http://elsewhere.example/a":             {http.StatusNotFound, "no site with a paywall answers to elsewhere.example"},
		"":                                       {http.StatusBadRequest, "write the whole address"},
		"localhost/articles/a":                   {http.StatusBadRequest, "write the whole address"},
		s.url[len("http://"):] + "/articles/a":   {http.StatusBadRequest, "write the whole address"},
		"/articles/a":                            {http.StatusOK, `"url":"/articles/a","resource":"/articles/a","status":"priced"`},
		"/about":                                 {http.StatusOK, `"url":"/about","status":"unpriced"`},
		s.url + "/.paywall/wallet":               {http.StatusOK, `"status":"reserved","why":"everything under /.paywall/ is the gate's own`},
		s.url + "/.paywall":                      {http.StatusOK, `"status":"reserved"`},
		s.url + "/%2epaywall/unlock?offer=x":     {http.StatusOK, `"status":"reserved"`},
		s.url + "/.paywallet":                    {http.StatusOK, `"status":"unpriced"`},
		s.url + "/articles/.paywall/../../about": {http.StatusOK, `"status":"refused"`},
	} {
		status, body := admin(t, http.MethodGet, "/paywall/price?url="+url.QueryEscape(address), "")
		if status != want.status || !strings.Contains(body, want.answer) {
			t.Errorf("%q: %d %s", address, status, body)
		}
	}
	if err := s.load("paywall /a/* 0.20\n}\nhttp://other.example:" + fmt.Sprint(s.port) + " {\n\tpaywall /a/* 0.20"); err != nil {
		t.Fatal(err)
	}
	if status, body := admin(t, http.MethodGet, "/paywall/price?url=/a/x", ""); status != http.StatusBadRequest || !strings.Contains(body, "write the whole address") {
		t.Errorf("a path for two sites: %d %s", status, body)
	}
}

func TestVouchersAreMadeOnceAndRedeemedOnce(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	status, body := admin(t, http.MethodPost, "/paywall/vouchers", `{"count":3,"amount":"5.00","campaign":"spring"}`)
	var made struct{ Codes []string }
	if err := json.Unmarshal([]byte(body), &made); status != http.StatusCreated || err != nil || len(made.Codes) != 3 {
		t.Fatalf("%d %s", status, body)
	}
	mine, theirs := s.wallet(), s.wallet()
	redeem := func(key, code string) *answer {
		return s.do(http.MethodPost, "/.paywall/topup/voucher", `{"code":"`+code+`"}`,
			"Content-Type", "application/json", "Authorization", "Bearer "+key)
	}
	if a := redeem(mine, strings.ToLower(made.Codes[0])); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"5.00"`) {
		t.Errorf("a good code: %s: %s", a.Status, a.body)
	}
	if a := redeem(theirs, made.Codes[0]); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a code redeemed by another: %s: %s", a.Status, a.body)
	}
	s.wantBalance(mine, "5.00")
	s.wantBalance(theirs, "0.00")
	s.verify()
}

// TestBadVoucherOrdersAreRefused is row K10.
func TestBadVoucherOrdersAreRefused(t *testing.T) {
	newSite(t, "", articlesFor20, new(articles))
	for _, order := range []string{
		``, `null`, `[]`, `{"count":0,"amount":"5.00"}`, `{"count":-1,"amount":"5.00"}`, `{"count":100001,"amount":"5.00"}`,
		`{"count":1,"amount":"0"}`, `{"count":1,"amount":"-5.00"}`, `{"count":1,"amount":5.00}`, `{"count":1,"amount":"1e2"}`, `{"count":1,"amount":"99999999999999999999"}`,
		`{"count":100000,"amount":"9000000000000"}`,
		`{"count":1,"amount":"5.00","expires":"2020-01-01T00:00:00Z"}`, `{"count":1,"amount":"5.00","colour":"red"}`,
		`{"count":1,"amount":"5.00"}{"count":1}`, `{"count":1}`,
	} {
		if status, body := admin(t, http.MethodPost, "/paywall/vouchers", order); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", order, status, body)
		}
	}
}

// TestTheLargestOrderIsMadeOrRefusedWhole: as many vouchers as there may be, and so many
// with the longest campaign that they are no record any more.
func TestTheLargestOrderIsMadeOrRefusedWhole(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	status, body := admin(t, http.MethodPost, "/paywall/vouchers", fmt.Sprintf(`{"count":%d,"amount":"5.00"}`, paywall.MaxVouchers))
	var made struct{ Codes []string }
	if err := json.Unmarshal([]byte(body), &made); status != http.StatusCreated || err != nil || len(made.Codes) != paywall.MaxVouchers {
		t.Fatalf("%d, %v, %d codes", status, err, len(made.Codes))
	}
	before := s.verify()
	campaign := strings.Repeat("x", paywall.MaxCampaign)
	status, body = admin(t, http.MethodPost, "/paywall/vouchers", fmt.Sprintf(`{"count":%d,"amount":"5.00","campaign":%q}`, paywall.MaxVouchers, campaign))
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(body, "order fewer at once") {
		t.Errorf("%d: %.200s", status, body)
	}
	if after := s.verify(); after.Seq != before.Seq {
		t.Error("a refused order left a record")
	}
}

func TestExportIsTheLedgerLineByLine(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	s.unlock(s.wallet(), s.offer("/articles/a"))
	_, export := admin(t, http.MethodGet, "/paywall/export?format=ndjson", "")
	lines := strings.Split(strings.TrimSpace(export), "\n")
	prev := ""
	for i, line := range lines {
		var transfer struct {
			Seq              int
			Kind, Cause      string
			Prev, Hash, Time string
			Legs             [][2]string
		}
		if err := json.Unmarshal([]byte(line), &transfer); err != nil {
			t.Fatal(err, line)
		}
		if transfer.Seq != i+1 || transfer.Hash == "" || i > 0 && transfer.Prev != prev {
			t.Errorf("line %d: %s", i+1, line)
		}
		prev = transfer.Hash
	}
	report := s.verify()
	if report.Seq != uint64(len(lines)) || report.Head != prev || report.Transfers != uint64(len(lines)) {
		t.Errorf("report %+v, export of %d lines ends with %s", report, len(lines), prev)
	}
	if status, _ := admin(t, http.MethodGet, "/paywall/export?format=pdf", ""); status != http.StatusBadRequest {
		t.Errorf("an unknown format: %d", status)
	}
}

func TestOldTokensOutliveARotation(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	_, r := s.unlock(s.wallet(), s.offer("/articles/a"))
	status, body := admin(t, http.MethodPost, "/paywall/keys/rotate", "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if a := s.get("/articles/a", "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusOK {
		t.Errorf("a token of before: %s", a.Status)
	}
	var keys struct {
		Keys []map[string]string
	}
	s.get("/.paywall/jwks.json").json(t, &keys)
	if len(keys.Keys) != 2 {
		t.Errorf("%d keys are published", len(keys.Keys))
	}
}

func TestStatsAddUp(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	key := s.wallet()
	s.unlock(key, s.offer("/articles/a"))
	s.unlock(key, s.offer("/articles/b"))
	_, body := admin(t, http.MethodGet, "/paywall/stats", "")
	var stats wire.Stats
	if err := json.Unmarshal([]byte(body), &stats); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%+v", wire.Tally{Count: 2, Amount: "0.40"})
	if fmt.Sprintf("%+v", stats.Sales) != want || stats.Owed != "0.20" || stats.Wallets != 1 || len(stats.Resources) != 2 {
		t.Errorf("%s", body)
	}
}

func TestAdminCallsAnswerTheirMethodOnly(t *testing.T) {
	newSite(t, "", articlesFor20, new(articles))
	for _, call := range [][2]string{
		{http.MethodPost, "/paywall/price"}, {http.MethodDelete, "/paywall/vouchers"}, {http.MethodGet, "/paywall/vouchers/revoke"}, {http.MethodGet, "/paywall/bank"},
		{http.MethodGet, "/paywall/bank/assign"}, {http.MethodPost, "/paywall/bank/cashouts"}, {http.MethodPost, "/paywall/reconcile"}, {http.MethodPost, "/paywall/stats"},
		{http.MethodPost, "/paywall/verify"}, {http.MethodDelete, "/paywall/export"}, {http.MethodGet, "/paywall/keys/rotate"},
		{http.MethodPost, "/paywall/backup"}, {http.MethodGet, "/paywall/compress"},
	} {
		if status, _ := admin(t, call[0], call[1], ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: %d", call[0], call[1], status)
		}
	}
}

func TestAdminWithoutAPaywallIsNotFound(t *testing.T) {
	if err := caddy.Load([]byte(`{"admin":{"disabled":true}}`), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	if status, body := admin(t, http.MethodGet, "/paywall/stats", ""); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
}
