package checkout

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/token"
)

func TestS05UnknownAddressesAreNotFound(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/.paywall/nothing", "/.paywall/unlock/", "/.paywall/unlock/x", "/.paywall/wallet/", "/.paywall//wallet",
		"/.PAYWALL/wallet", "/.paywall/Wallet", "/.paywall/topup/voucher/", "/.paywall/jwks.json/x", "/.paywall/static/",
		"/.paywall/static/paywall.css", "/.paywall/static/../unlock", "/.paywall/static/layout.html", "/.paywall/unlock%2f", "/elsewhere",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			w := s.send(method, path, "", "")
			wantStatus(t, w, http.StatusNotFound)
			wantProblem(t, s.send(method, path, "", "", asJSON), http.StatusNotFound, "not-found")
		}
	}
}

func TestOtherMethodsAreToldWhatIsAllowed(t *testing.T) {
	s := newSite(t)
	for path, allow := range map[string]string{
		"/.paywall/unlock": "GET, HEAD, POST", "/.paywall/wallet": "GET, HEAD, POST", "/.paywall/wallet/erase": "GET, HEAD, POST", "/.paywall/reset": "GET, HEAD, POST",
		"/.paywall/wallet/recover": "POST", "/.paywall/wallet/settings": "POST", "/.paywall/wallet/devices": "POST", "/.paywall/wallet/passkeys/add": "POST", "/.paywall/wallet/passkeys/add/begin": "POST", "/.paywall/wallet/passkeys/remove": "POST", "/.paywall/wallet/passkeys/login": "POST", "/.paywall/wallet/passkeys/login/begin": "POST", "/.paywall/wallet/export": "GET, HEAD", "/.paywall/wallet/code.svg": "GET, HEAD", "/.paywall/receipt": "GET, HEAD", "/.paywall/refund": "POST", "/.paywall/tip": "POST", "/.paywall/gift": "GET, HEAD, POST", "/.paywall/wallet/gift": "POST", "/.paywall/topup/voucher": "POST",
		"/.paywall/topup/card": "POST", "/.paywall/topup/bank": "POST", "/.paywall/topup/intent": "GET, HEAD", "/.paywall/topup/code.svg": "GET, HEAD", "/.paywall/topup/return": "GET, HEAD, POST", "/.paywall/wallet/cash-out": "GET, HEAD, POST",
		"/.paywall/topup": "GET, HEAD", "/.paywall/jwks.json": "GET, HEAD", ours(t).Style().URL(): "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "PURGE"} {
			if strings.Contains(allow, method) {
				continue
			}
			w := s.send(method, path, "", "", asJSON)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

func TestG10G23BodiesThatAreNotOneFormAreRefused(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	const form, js = "application/x-www-form-urlencoded", "application/json"
	raw := s.offer()
	for name, test := range map[string]struct {
		contentType, body string
		status            int
	}{
		"text/plain":        {"text/plain", "offer=" + raw, 415},
		"multipart":         {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"offer\"\r\n\r\n" + raw + "\r\n--x--", 415},
		"no type":           {"", "offer=" + raw, 415},
		"nonsense type":     {"application/", "offer=" + raw, 415},
		"xml":               {"application/xml", "<offer/>", 415},
		"field twice":       {form, "offer=" + raw + "&offer=" + raw, 400},
		"other field twice": {form, "offer=" + raw + "&a=1&a=2", 400},
		"semicolon":         {form, "offer=" + raw + ";offer=x", 400},
		"broken escape":     {form, "offer=%zz", 400},
		"not UTF-8":         {form, "offer=%ff", 400},
		"member twice":      {js, `{"offer":"` + raw + `","offer":"` + raw + `"}`, 400},
		"escaped twice":     {js, `{"offer":"` + raw + `","off\u0065r":"x"}`, 400},
		"array":             {js, `["offer"]`, 400},
		"two objects":       {js, `{"offer":"` + raw + `"}{}`, 400},
		"cut":               {js, `{"offer":"` + raw, 400},
		"number":            {js, `{"offer":1}`, 400},
		"list":              {js, `{"offer":["` + raw + `"]}`, 400},
		"other case":        {js, `{"OFFER":"` + raw + `"}`, 400},
		"null":              {js, `null`, 400},
		"large form":        {form, "offer=" + raw + "&x=" + strings.Repeat("a", maxBody), 413},
		"large JSON":        {js, `{"offer":"` + raw + `","x":"` + strings.Repeat("a", maxBody) + `"}`, 413},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, s.send(http.MethodPost, "/.paywall/unlock", test.contentType, test.body, cookie(key)), test.status)
			w := s.send(http.MethodPost, "/.paywall/unlock", test.contentType, test.body, asJSON, bearer(key))
			wantStatus(t, w, test.status)
			if w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("Content-Type %q", w.Header().Get("Content-Type"))
			}
		})
	}
	gzip := s.send(http.MethodPost, "/.paywall/unlock", form, "offer="+raw, cookie(key), header("Content-Encoding", "gzip"))
	wantStatus(t, gzip, http.StatusUnsupportedMediaType)
	two := s.send(http.MethodPost, "/.paywall/unlock", form, "offer="+raw, cookie(key), func(r *http.Request) { r.Header.Add("Content-Type", js) })
	wantStatus(t, two, http.StatusUnsupportedMediaType)
	wantStatus(t, s.get("/.paywall/unlock?offer="+raw+"&offer="+raw), http.StatusBadRequest)
	if _, debits, _ := s.counts(); debits != 0 {
		t.Errorf("%d debits", debits)
	}
	// Fields nobody asked for do no harm, in either form.
	wantStatus(t, s.send(http.MethodPost, "/.paywall/unlock", js, `{"offer":"`+raw+`","a":{"b":[1]},"c":null}`, asJSON, bearer(key)), http.StatusOK)
	wantStatus(t, s.send(http.MethodPost, "/.paywall/unlock", form+"; charset=utf-8", "offer="+raw+"&a=", cookie(key)), http.StatusSeeOther)
}

func TestE25PublicKeysAreServedToEveryone(t *testing.T) {
	s := newSite(t)
	w := s.get("/.paywall/jwks.json", asJSON)
	wantStatus(t, w, http.StatusOK)
	h := w.Header()
	if h.Get("Cache-Control") != "public, max-age=300" || h.Get("Content-Type") != "application/jwk-set+json" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", h)
	}
	var set struct{ Keys []object }
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 || set.Keys[0]["kty"] != "OKP" || set.Keys[0]["d"] != nil {
		t.Errorf("%v: %s", err, w.Body)
	}
	// The same for everyone, whoever asks from where, and nothing beside it.
	key, _ := s.opened(1_000_000)
	for name, change := range map[string]change{
		"a foreign page": header("Origin", "https://evil.test"), "a reader": cookie(key), "a program": bearer(key),
	} {
		other := s.get("/.paywall/jwks.json", change)
		wantStatus(t, other, http.StatusOK)
		if other.Body.String() != w.Body.String() || other.Header().Get("Access-Control-Allow-Credentials") != "" || len(other.Result().Cookies()) > 0 {
			t.Errorf("%s: %v %s", name, other.Header(), other.Body)
		}
	}
	wantStatus(t, s.post("/.paywall/jwks.json", nil), http.StatusMethodNotAllowed)
	for _, path := range []string{"/.paywall/jwks.json/", "/.paywall/../keys/active.json", "/.paywall/static/../jwks.json", "/.paywall/JWKS.json", "/.paywall/keys"} {
		wantStatus(t, s.get(path), http.StatusNotFound)
	}
}

func TestStaticFilesNeverChange(t *testing.T) {
	s := newSite(t)
	for _, a := range []page.Asset{
		ours(t).Style(), ours(t).BoxStyle(), page.BarStyle, page.Icon, page.PressGuard, page.WalletScript, page.TopUpScript, page.AutoScript, page.PasskeyModule,
	} {
		w := s.get(a.URL())
		wantStatus(t, w, http.StatusOK)
		h := w.Header()
		if h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Content-Type") != a.Media() || h.Get("Vary") != "" {
			t.Errorf("%s: %v", a.URL(), h)
		}
	}
	s.breakWith(paywall.ErrUnavailable)
	wantStatus(t, s.get(ours(t).Style().URL()), http.StatusOK)
	wantStatus(t, s.get("/.paywall/jwks.json"), http.StatusOK)
}

func TestCheckoutThatCannotWorkIsNotMade(t *testing.T) {
	good := newSite(t).c.o
	for name, spoil := range map[string]func(*Options){
		"no ledger":        func(o *Options) { o.Ledger = nil },
		"no ring":          func(o *Options) { o.Ring = nil },
		"no verifier":      func(o *Options) { o.Verifier = nil },
		"no origin":        func(o *Options) { o.Origin = nil },
		"no currency":      func(o *Options) { o.Currency = "" },
		"foreign welcome":  func(o *Options) { o.Welcome = paywall.Money{Micros: 1, Currency: "USD"} },
		"negative welcome": func(o *Options) { o.Welcome = euro(-1) },
		"foreign tips":     func(o *Options) { o.Tips = []paywall.Money{{Micros: 1, Currency: "USD"}} },
		"falling tips":     func(o *Options) { o.Tips = []paywall.Money{euro(2), euro(1)} },
		"five tips":        func(o *Options) { o.Tips = []paywall.Money{euro(1), euro(2), euro(3), euro(4), euro(5)} },
		"negative tips":    func(o *Options) { o.Tips = []paywall.Money{euro(-1)} },
		"gifts for nobody": func(o *Options) { o.GiftLinks = GiftLinks{Limit: 1} },
		"endless gifts":    func(o *Options) { o.GiftLinks = GiftLinks{Readers: 1} },
		"gifts for all":    func(o *Options) { o.GiftLinks = GiftLinks{Limit: 1, Readers: paywall.MaxGiftReaders + 1} },
	} {
		o := good
		spoil(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	c, err := New(Options{
		Ledger: good.Ledger, Ring: good.Ring, Verifier: token.NewVerifier(good.Ring, good.Now), Origin: good.Origin, Currency: "EUR",
	})
	if err != nil || c.o.Now == nil || c.o.Logger == nil || c.o.ClientIP == nil || c.o.Limits == nil {
		t.Errorf("defaults: %+v, %v", c, err)
	}
}

func TestS01LogsHoldNothingOfTheVisitor(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	raw, code := s.offer(), s.voucher(1_000_000)
	id := s.bought(key)
	for range 2 * atOnce(guessing) {
		s.call("/.paywall/topup/voucher", object{"code": paywall.NewVoucherCode()}, bearer(key), from("192.0.2.55:1"))
	}
	s.post("/.paywall/unlock", []string{"offer", raw + "x"}, cookie(key))
	s.post("/.paywall/refund", []string{"unlock_id", "x" + id}, cookie(key))
	s.breakWith(context.DeadlineExceeded)
	s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key))
	s.call("/.paywall/topup/voucher", object{"code": code}, bearer(key), from("192.0.2.56:1"))
	s.breakWith(errDisk)
	wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusInternalServerError, "internal")
	logs := s.logs.String()
	for _, secret := range []string{string(key), wallet.ID, raw, code, id, "192.0.2", key.RecoveryCode(), "/articles/tea"} {
		if strings.Contains(logs, secret) {
			t.Errorf("%q stands in the log:\n%s", secret, logs)
		}
	}
	for _, fact := range []string{"code=unavailable", "status=503", "code=rate-limited", "code=internal", "the disk is on fire"} {
		if !strings.Contains(logs, fact) {
			t.Errorf("the log lacks %q:\n%s", fact, logs)
		}
	}
}
