package checkout

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
	"github.com/tuppence/tuppence/paywall/topup/stripe"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

const (
	consentCookie = "__Secure-paywall_topup"
	shop          = "https://shop.example/vouchers"
)

// funded is a site whose readers pay by card at a pretend bank, and by transfer.
type funded struct {
	*site
	bank    *pretend.Bank
	service *topup.Service
	origin  string                       // of the pretend bank
	paid    map[paywall.WalletKey]string // the payment of who was topped up
}

func newFunded(t testing.TB, change ...func(*Options)) *funded {
	t.Helper()
	f := &funded{paid: map[paywall.WalletKey]string{}}
	f.site = newSite(t, append([]func(*Options){noWelcome, f.bringsMoney(t)}, change...)...)
	return f
}

// bringsMoney adds the ways to a site.
func (f *funded) bringsMoney(t testing.TB) func(*Options) {
	return func(o *Options) {
		f.bank = pretend.New(pretend.Options{Key: "sk_test_checkout", Now: o.Now, ArriveAfter: -1})
		server := httptest.NewServer(f.bank)
		t.Cleanup(func() { server.Close(); f.bank.Close() })
		f.origin = server.URL
		card, err := stripe.New(stripe.Config{SecretKey: "sk_test_checkout", WebhookSecrets: []string{"whsec_checkout"}, Endpoint: server.URL, Currency: "EUR", Logger: o.Logger, Now: o.Now})
		if err != nil {
			t.Fatal(err)
		}
		transfer, err := bank.New(bank.Config{Name: "Der Faehrmann Verlag GmbH", IBAN: "DE89 3704 0044 0532 0130 00", Currency: "EUR"})
		if err != nil {
			t.Fatal(err)
		}
		seals, err := topup.OpenSeals(t.TempDir(), o.Now)
		if err != nil {
			t.Fatal(err)
		}
		amounts := []paywall.Money{euro(5_000_000), euro(10_000_000), euro(20_000_000)}
		ledger := o.Ledger
		f.service, err = topup.New(topup.Options{
			Ledger: func(ctx context.Context) (topup.Ledger, error) {
				l, err := ledger(ctx)
				if err != nil {
					return nil, err
				}
				return l.(topup.Ledger), nil
			},
			Ways:  []topup.Offered{{Way: transfer, Amounts: amounts}, {Way: card, Amounts: amounts}},
			Seals: seals, Currency: "EUR", Now: o.Now, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		o.TopUps, o.BuyVoucher = f.service, shop
	}
}

// tab is a browser: it keeps cookies, and sends what forms say.
type tab struct {
	f    *funded
	jar  map[string]string
	page *httptest.ResponseRecorder
}

func (f *funded) tab(key paywall.WalletKey) *tab {
	b := &tab{f: f, jar: map[string]string{}}
	if key != "" {
		b.jar[walletCookie] = string(key)
	}
	return b
}

func (b *tab) cookies(r *http.Request) {
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
}

func (b *tab) keep(w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	for _, c := range w.Result().Cookies() {
		if b.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.jar, c.Name)
		}
	}
	b.page = w
	return w
}

func (b *tab) get(target string, changes ...change) *httptest.ResponseRecorder {
	return b.keep(b.f.get(target, append(changes, b.cookies)...))
}

// comesBack is a navigation from the provider's page.
func (b *tab) comesBack(target string) *httptest.ResponseRecorder {
	if b.f.quiet {
		return b.get(target)
	}
	return b.get(target, header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "navigate"), header("Sec-Fetch-Dest", "document"))
}

// press sends the form of the page with that action, with the first of its buttons.
func (b *tab) press(action string) *httptest.ResponseRecorder {
	b.f.t.Helper()
	return b.send(action, b.form(action, 0))
}

func (b *tab) send(action string, fields []string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.keep(b.f.f(action, form.Encode(), b.cookies))
}

func (f *funded) f(action, body string, changes ...change) *httptest.ResponseRecorder {
	return f.site.send(http.MethodPost, action, "application/x-www-form-urlencoded", body, changes...)
}

var (
	inputs  = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	buttons = regexp.MustCompile(`<button[^>]* name="([^"]+)" value="([^"]*)"`)
)

// form is what a form says with one of its buttons.
func (b *tab) form(action string, button int) (fields []string) {
	b.f.t.Helper()
	_, form, ok := strings.Cut(b.page.Body.String(), `<form method="post" action="`+action+`">`)
	if !ok {
		b.f.t.Fatalf("no form for %s in\n%s", action, b.page.Body)
	}
	form, _, _ = strings.Cut(form, "</form>")
	for _, m := range inputs.FindAllStringSubmatch(form, -1) {
		fields = append(fields, m[1], m[2])
	}
	if all := buttons.FindAllStringSubmatch(form, -1); len(all) > button {
		fields = append(fields, all[button][1], all[button][2])
	}
	return fields
}

// begun is a reader at the provider's page, sent there from an article's purchase page.
func (b *tab) begun(raw string) (session string) {
	b.f.t.Helper()
	wantStatus(b.f.t, b.get("/.paywall/unlock?offer="+raw), http.StatusOK)
	wantStatus(b.f.t, b.press("/.paywall/topup/card"), http.StatusSeeOther)
	return b.session()
}

// session is that of the provider's page that a reader was sent to.
func (b *tab) session() string {
	b.f.t.Helper()
	id, ok := strings.CutPrefix(b.page.Header().Get("Location"), b.f.origin+"/pay/")
	if !ok {
		b.f.t.Fatalf("sent to %q", b.page.Header().Get("Location"))
	}
	return id
}

// pays does something at the provider's page, and answers where that leads back to.
func (f *funded) pays(session string, action pretend.Action) (target string) {
	f.t.Helper()
	back, err := f.bank.Press(session, action)
	if err != nil {
		f.t.Fatal(err)
	}
	target, ok := strings.CutPrefix(back, testOrigin)
	if !ok && back != "" {
		f.t.Fatalf("leads back to %q", back)
	}
	return target
}

// intents are the top-ups of a wallet that wait.
func (f *funded) intents(key paywall.WalletKey) []paywall.Intent {
	f.t.Helper()
	list, err := f.service.Waiting(context.Background(), f.walletOf(key).ID)
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

func (s *site) walletOf(key paywall.WalletKey) paywall.Wallet {
	s.t.Helper()
	hash, _ := key.Hash()
	w, err := s.ledger.Wallet(context.Background(), hash)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

func (b *tab) key() paywall.WalletKey { return paywall.WalletKey(b.jar[walletCookie]) }

// arrives books a transfer, as the bank's statement says it.
func (f *funded) arrives(intent string, micros int64) {
	f.t.Helper()
	_, err := f.service.Place(context.Background(), []paywall.Movement{{
		Way: paywall.AccountBank, Kind: paywall.MovedPayment, ID: "entry" + paywall.NewID(), Intent: intent, Amount: euro(micros), At: f.now(),
	}})
	if err != nil {
		f.t.Fatal(err)
	}
}

// topped is a wallet with money by card.
func (f *funded) topped() paywall.WalletKey {
	f.t.Helper()
	key, _ := f.opened(0)
	b := f.tab(key)
	b.get("/.paywall/topup")
	wantStatus(f.t, b.press("/.paywall/topup/card"), http.StatusSeeOther)
	wantStatus(f.t, b.comesBack(f.pays(b.session(), pretend.Pay)), http.StatusOK)
	if got := f.balance(key); got != "5.00" {
		f.t.Fatalf("balance %s", got)
	}
	payments := f.bank.IDs("payment_intent")
	f.paid[key] = payments[len(payments)-1]
	return key
}

// disputed takes a wallet's payment back.
func (f *funded) disputed(key paywall.WalletKey) {
	f.t.Helper()
	if _, err := f.bank.Dispute(f.paid[key], 500, "needs_response"); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.service.Reconcile(context.Background(), f.now().Add(-24*time.Hour), func(int) {}); err != nil {
		f.t.Fatal(err)
	}
	if f.walletOf(key).Owed.IsZero() {
		f.t.Fatal("nothing is owed")
	}
}

// moneyPages is every page about money in and out, some in several states.
func (f *funded) moneyPages() map[string]*httptest.ResponseRecorder {
	raw := f.offer()
	key, owing, rich := f.topped(), f.topped(), f.topped()
	empty, _ := f.opened(0)
	b := f.tab(empty)
	pages := map[string]*httptest.ResponseRecorder{
		"add":          b.get("/.paywall/unlock?offer=" + raw),
		"add to open":  b.get("/.paywall/unlock?offer=" + f.offer(func(o *paywall.Offer) { o.Words = 0 })),
		"ways":         b.get("/.paywall/topup?offer=" + raw),
		"wrong code":   f.post("/.paywall/topup/voucher", []string{"code", "x", "offer", raw}, b.cookies),
		"ways at once": f.get("/.paywall/topup"),
		"nobody":       f.get("/.paywall/wallet"),
	}
	b.get("/.paywall/topup")
	b.press("/.paywall/topup/bank")
	transfer := b.page.Header().Get("Location")
	pages["transfer"], pages["transfer elsewhere"] = b.get(transfer), f.get(transfer)
	session := b.begun(raw)
	back := f.pays(session, pretend.Cancel)
	pages["canceled"] = b.comesBack(back)
	back = strings.TrimSuffix(back, "&canceled=1")
	pages["waiting"] = b.comesBack(back)
	pages["on its way"] = b.get("/.paywall/wallet")
	f.pays(session, pretend.Pay)
	f.advance(2 * time.Second)
	pages["paid"], pages["paid elsewhere"] = b.comesBack(back), f.get(back)
	later := f.tab(rich)
	session = later.begun(f.offer(price(7_000_000)))
	pages["pending"] = later.comesBack(f.pays(session, pretend.PayLaterFails))
	if err := f.bank.Arrive(session); err != nil {
		f.t.Fatal(err)
	}
	f.advance(2 * time.Second)
	pages["failed"] = later.get("/.paywall/topup/return?intent=" + hidden(f.t, later.page.Body.String(), "intent"))
	f.call("/.paywall/unlock", object{"offer": f.offer(price(4_000_000), resource("/articles/kept"))}, bearer(owing))
	f.disputed(owing)
	in := f.tab(owing)
	pages["owing wallet"], pages["owing"], pages["owing ways"] = in.get("/.paywall/wallet"), in.get("/.paywall/unlock?offer="+raw), in.get("/.paywall/topup")
	pages["owing cannot withdraw"] = in.get("/.paywall/wallet/cash-out")
	f.call("/.paywall/topup/voucher", object{"code": f.voucher(7_000_000)}, bearer(key))
	f.call("/.paywall/unlock", object{"offer": f.offer(price(3_000_000), resource("/articles/kept"))}, bearer(key))
	b = f.tab(key)
	pages["withdraw"] = b.get("/.paywall/wallet/cash-out")
	form := append(b.form("/.paywall/wallet/cash-out", 0), "closes", "true")
	pages["acknowledged"] = b.get(b.send("/.paywall/wallet/cash-out", form).Header().Get("Location"))
	pages["closed wallet"], pages["closed"], pages["closed ways"] = b.get("/.paywall/wallet"), b.get("/.paywall/unlock?offer="+raw), b.get("/.paywall/topup")
	pages["nothing to withdraw"] = b.get("/.paywall/wallet/cash-out")
	for range 3 {
		f.call("/.paywall/topup/card", object{"amount": "5.00"}, bearer(empty))
	}
	pages["too many"] = f.tab(empty).send("/.paywall/topup/card", []string{"amount", "5.00"})
	f.bank.Break("POST /v1/checkout/sessions", pretend.Fault{Kind: pretend.Fail})
	last := f.tab("")
	last.get("/.paywall/topup")
	pages["unpaid"] = f.post("/.paywall/topup/card", last.form("/.paywall/topup/card", 0), last.cookies, from("192.0.2.77:1"))
	named := map[string]*httptest.ResponseRecorder{}
	for name, w := range pages {
		named["money "+name] = w
	}
	return named
}
