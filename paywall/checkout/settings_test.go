package checkout

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

func TestAmountsAreReadAsTheyAreTyped(t *testing.T) {
	for _, test := range []struct {
		tag, currency, typed, want string
	}{
		{"en", "EUR", "3", "3.00"}, {"en", "EUR", "3.00", "3.00"}, {"en", "EUR", "3,00", "3.00"}, {"de", "EUR", "3,5", "3.50"},
		{"de", "EUR", "3.00", "3.00"}, {"fr", "EUR", "\u202f0,30\u00a0", "0.30"}, {"ar", "EUR", "٣٫٥٠", "3.50"}, {"ar", "EUR", "۳", "3.00"},
		{"en", "EUR", "", "0.00"}, {"en", "EUR", "0", "0.00"}, {"en", "EUR", "0,00", "0.00"},
		{"en", "JPY", "300", "300"}, {"en", "KWD", "1.250", "1.250"}, {"de", "KWD", "1,250", "1.250"},
		{"en", "EUR", "1,000", "refused"}, {"de", "EUR", "1.000", "refused"}, {"en", "EUR", "1,000.00", "refused"}, {"de", "EUR", "1.000,00", "refused"},
		{"en", "KWD", "1,250", "refused"}, {"de", "KWD", "1.250", "refused"}, {"en", "JPY", "3.0", "refused"}, {"en", "EUR", "0.005", "refused"},
		{"en", "EUR", "-3", "refused"}, {"en", "EUR", "+3", "refused"}, {"en", "EUR", "€3", "refused"}, {"en", "EUR", "3 €", "refused"}, {"en", "EUR", "1e2", "refused"},
		{"en", "EUR", "3.", "refused"}, {"en", "EUR", ".5", "refused"}, {"en", "EUR", "3.0.0", "refused"}, {"en", "EUR", "3 000", "refused"}, {"en", "EUR", "three", "refused"},
		{"en", "EUR", "1000001", "refused"}, {"en", "EUR", strings.Repeat("9", 40), "refused"},
	} {
		x := &exchange{
			c:        &Checkout{o: Options{Currency: paywall.Currency(test.currency)}},
			language: catalogueOf(t, test.tag), request: request{fields: map[string]string{"budget": test.typed}},
		}
		got := "refused"
		m, err := readAmount(x, "budget")
		if err == nil {
			got = m.String()
		}
		if got != test.want {
			t.Errorf("%s, %s: %q is %s, want %s", test.tag, test.currency, test.typed, got, test.want)
		}
		if again := x.text().Field(m); err == nil {
			if x.fields["budget"] = again; again == "" != m.IsZero() {
				t.Errorf("%s stands in the field as %q", m, again)
			}
			if back, err := readAmount(x, "budget"); err != nil || back != m {
				t.Errorf("%s: the field's %q is read as %s, %v", test.tag, again, back, err)
			}
		}
	}
}

func TestReaderSetsLimitsInTheirLanguage(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.bought(key)
	german := header("Accept-Language", "de")
	w := s.post("/.paywall/wallet/settings", []string{"budget", "3,00", "per_article", "0,30", "per_week", "2"}, cookie(key), german)
	wantStatus(t, w, http.StatusSeeOther)
	if got := w.Header().Get("Location"); got != "/.paywall/wallet?notice=saved" {
		t.Fatalf("sent to %q", got)
	}
	page := s.get(w.Header().Get("Location"), cookie(key), german)
	wantText(t, page, "gespeichert", `name="budget" inputmode="decimal" maxlength="12" autocomplete="off" value="3,00"`, `value="0,30"`, `value="2,00"`,
		"Heute 0,20\u00a0€ von 3,00\u00a0€", "0,00\u00a0€ von 2,00\u00a0€")
	wallet := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key)))
	settings, spending := wallet["settings"].(object), wallet["spending"].(object)
	wantMembers(t, settings, "budget", "per_article", "per_week", "forget")
	wantMembers(t, spending, "today", "week", "month")
	if settings["budget"] != "3.00" || settings["per_article"] != "0.30" || settings["per_week"] != "2.00" || settings["forget"] != false ||
		spending["today"] != "0.20" || spending["month"] != "0.20" || spending["week"] != "0.00" {
		t.Errorf("settings %v, spending %v", settings, spending)
	}
	// The other form leaves these alone, and empty fields take them away.
	wantStatus(t, s.post("/.paywall/wallet/settings", []string{"forget", "true"}, cookie(key)), http.StatusSeeOther)
	wantText(t, s.get("/.paywall/wallet", cookie(key)), `value="3.00"`, "Titles are not kept", `name="forget" value="false"`)
	wantStatus(t, s.post("/.paywall/wallet/settings", []string{"budget", "", "per_article", "", "per_week", " "}, cookie(key)), http.StatusSeeOther)
	wantText(t, s.get("/.paywall/wallet", cookie(key)), `autocomplete="off" value=""`, "Titles are not kept")
}

// TestForgettingAsksFirstAndLeavesNoTitles: neither page, receipt nor export says what
// was bought, and the reader is told so before.
func TestForgettingAsksFirstAndLeavesNoTitles(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	before := s.get("/.paywall/wallet", cookie(key))
	wantText(t, before, "The last tea shop", "<details><summary>Stop remembering what I buy</summary>", "disappear for good", "Forget my purchases")
	w := s.post("/.paywall/wallet/settings", []string{"forget", "true"}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	page := s.get(w.Header().Get("Location"), cookie(key))
	wantText(t, page, "listed nowhere any more", "A purchase", `name="unlock_id" value="`+id+`"`) // it can be undone
	for name, w := range map[string]*httptest.ResponseRecorder{
		"wallet": page, "receipt": s.get("/.paywall/receipt?unlock="+id, cookie(key)), "export": s.get("/.paywall/wallet/export", cookie(key)),
		"wallet in JSON": s.get("/.paywall/wallet", asJSON, bearer(key)), "receipt in JSON": s.get("/.paywall/receipt?unlock="+id, asJSON, bearer(key)),
	} {
		wantStatus(t, w, http.StatusOK)
		for _, trace := range []string{"tea", "/articles/"} {
			if strings.Contains(w.Body.String(), trace) {
				t.Errorf("%s: %q is remembered: %s", name, trace, w.Body)
			}
		}
		if name != "wallet" && !strings.Contains(w.Body.String(), "0.20") {
			t.Errorf("%s: the sum is gone: %s", name, w.Body)
		}
	}
	w = s.post("/.paywall/refund", []string{"unlock_id", id}, cookie(key))
	if c := cookieNamed(w, accessCookie); c == nil || c.MaxAge >= 0 || c.Path != "/articles/tea" {
		t.Errorf("undone, the article stays open: %v", c)
	}
	if page := s.get(w.Header().Get("Location"), cookie(key)).Body.String(); strings.Contains(page, "/articles/") {
		t.Error("the way back tells what was bought")
	}
}

func TestLimitsThatMakeNoSenseAreShownAgain(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	before, _, _ := s.counts()
	for name, test := range map[string]struct {
		fields []string
		texts  []string
	}{
		"no amount":            {[]string{"budget", "<much>"}, []string{"The daily limit is not an amount", `value="&lt;much&gt;"`, `aria-describedby="budget-hint" aria-invalid="true"`}},
		"negative":             {[]string{"budget", "-1"}, []string{"The daily limit is not an amount"}},
		"article only":         {[]string{"budget", "1", "per_article", "0.3", "per_week", ""}, []string{"at least as much per week", `value="0.3"`, `value="1"`}},
		"more than the week's": {[]string{"per_article", "3", "per_week", "2"}, []string{"at least as much per week"}},
		"week is no amount":    {[]string{"per_article", "3", "per_week", "x"}, []string{"at least as much per week", `aria-describedby="auto-hint" aria-invalid="true"`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.post("/.paywall/wallet/settings", test.fields, cookie(key))
			wantStatus(t, w, http.StatusBadRequest)
			wantText(t, w, append(test.texts, `role="alert"`, "<details open><summary>Set limits")...)
			body := object{}
			for i := 0; i < len(test.fields); i += 2 {
				body[test.fields[i]] = test.fields[i+1]
			}
			wantProblem(t, s.call("/.paywall/wallet/settings", body, bearer(key)), http.StatusBadRequest, "malformed")
		})
	}
	wantProblem(t, s.call("/.paywall/wallet/settings", object{"forget": "maybe"}, bearer(key)), http.StatusBadRequest, "malformed")
	wantProblem(t, s.call("/.paywall/wallet/settings", object{"budget": "3,00"}, bearer(key)), http.StatusBadRequest, "malformed")
	wantProblem(t, s.call("/.paywall/wallet/settings", object{"budget": "3"}, bearer(paywall.NewWalletKey())), http.StatusUnauthorized, "no-such-wallet")
	if after, _, _ := s.counts(); after != before {
		t.Errorf("%d changes", after-before)
	}
}

func TestProgramsSetWhatTheyRead(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	want := object{"budget": "3.00", "per_article": "0.30", "per_week": "3.00", "forget": true}
	w := s.call("/.paywall/wallet/settings", want, bearer(key))
	wantStatus(t, w, http.StatusOK)
	for name, value := range want {
		if got := decode(t, w)[name]; got != value {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
	read := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key)))["settings"]
	wantStatus(t, s.call("/.paywall/wallet/settings", read, bearer(key)), http.StatusOK)
}
