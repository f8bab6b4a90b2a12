package checkout

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// quietly is how lynx and w3m send: without a word on where it comes from.
func quietly(r *http.Request) {
	r.Header.Del("Sec-Fetch-Site")
	r.Header.Del("Origin")
}

// textBrowser is one with the cookies it has been given.
type textBrowser struct {
	*site
	cookies map[string]string
}

func (s *site) textBrowser() *textBrowser { return &textBrowser{s, map[string]string{}} }

func (b *textBrowser) as(r *http.Request) {
	quietly(r)
	r.Header.Del("Cookie")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
}

func (b *textBrowser) took(w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *textBrowser) look(target string) string { return b.took(b.get(target, b.as)).Body.String() }

func (b *textBrowser) press(target string, fields ...string) *httptest.ResponseRecorder {
	return b.took(b.post(target, fields, b.as))
}

// TestG08TextBrowsersWalkTheWholeFlow: every form of every page they see works.
func TestG08TextBrowsersWalkTheWholeFlow(t *testing.T) {
	s := newSite(t)
	b := s.textBrowser()
	raw := s.offer()
	page := b.look("/.paywall/unlock?offer=" + raw)
	if c := b.cookies["__Host-paywall_form"]; len(c) != 26 || len(b.cookies) != 1 {
		t.Fatalf("cookies %v", b.cookies)
	}
	form := []string{"offer", raw, "new_wallet", hidden(t, page, "new_wallet"), "form_token", hidden(t, page, "form_token")}
	wantStatus(t, b.press("/.paywall/unlock", form...), http.StatusSeeOther)
	key := paywall.WalletKey(b.cookies[walletCookie])
	if s.balance(key) != "0.40" {
		t.Fatal("balance", s.balance(key))
	}
	// Back to the page that the browser still has, and the same button again.
	wantStatus(t, b.press("/.paywall/unlock", form...), http.StatusSeeOther)
	if _, debits, wallets := s.counts(); debits != 1 || wallets != 1 {
		t.Fatalf("%d debits, %d wallets", debits, wallets)
	}

	wallet := b.look("/.paywall/wallet")
	token := hidden(t, wallet, "form_token")
	if token == form[5] {
		t.Error("the wallet's token is the stranger's")
	}
	wantStatus(t, b.press("/.paywall/refund", "unlock_id", hidden(t, wallet, "unlock_id"), "form_token", token), http.StatusSeeOther)
	wrong := b.press("/.paywall/topup/voucher", "code", "x", "form_token", token)
	wantStatus(t, wrong, http.StatusUnprocessableEntity)
	wantStatus(t, b.press("/.paywall/topup/voucher", "code", s.voucher(5_000_000), "form_token", hidden(t, wrong.Body.String(), "form_token")), http.StatusSeeOther)
	if s.balance(key) != "5.60" {
		t.Fatal("balance", s.balance(key))
	}

	second := s.textBrowser()
	token = hidden(t, second.look("/.paywall/wallet"), "form_token")
	missed := second.press("/.paywall/wallet/recover", "code", "x", "form_token", token)
	wantStatus(t, missed, http.StatusUnauthorized)
	wantStatus(t, second.press("/.paywall/wallet/recover", "code", key.RecoveryCode(), "form_token", hidden(t, missed.Body.String(), "form_token")), http.StatusSeeOther)
	gone := second.press("/.paywall/reset", "form_token", hidden(t, second.look("/.paywall/reset"), "form_token"))
	wantStatus(t, gone, http.StatusOK)
	if second.cookies[walletCookie] != "" {
		t.Error("the wallet's cookie is still there")
	}
	back := second.press("/.paywall/wallet/recover", "code", hidden(t, gone.Body.String(), "code"), "form_token", hidden(t, gone.Body.String(), "form_token"))
	wantStatus(t, back, http.StatusSeeOther)
	token = hidden(t, second.look("/.paywall/wallet"), "form_token")
	wantStatus(t, second.press("/.paywall/wallet/devices", "others", "true", "form_token", token), http.StatusSeeOther)
	wantStatus(t, second.press("/.paywall/wallet/settings", "budget", "3", "form_token", token), http.StatusSeeOther)
	token = hidden(t, second.look("/.paywall/wallet/erase"), "form_token")
	wantStatus(t, second.press("/.paywall/wallet/erase", "form_token", token), http.StatusSeeOther)
}

// TestG08ATopUpThatOpensTheWalletKeepsItsForm: the page after a wrong code is for
// the wallet that the right code goes into.
func TestG08ATopUpThatOpensTheWalletKeepsItsForm(t *testing.T) {
	s := newSite(t, noWelcome)
	b := s.textBrowser()
	raw := s.offer()
	page := b.look("/.paywall/unlock?offer=" + raw)
	wrong := b.press("/.paywall/topup/voucher", "offer", raw, "code", paywall.NewVoucherCode(), "new_wallet", hidden(t, page, "new_wallet"), "form_token", hidden(t, page, "form_token"))
	wantStatus(t, wrong, http.StatusUnprocessableEntity)
	page = wrong.Body.String()
	right := b.press("/.paywall/topup/voucher", "offer", raw, "code", s.voucher(1_000_000), "form_token", hidden(t, page, "form_token"))
	wantStatus(t, right, http.StatusSeeOther)
	if right.Header().Get("Location") != "/articles/tea?ref=front" {
		t.Errorf("leads to %s", right.Header().Get("Location"))
	}
}

// TestG08G11NoTokenButThisBrowsersOwnVouchesForAForm.
func TestG08G11NoTokenButThisBrowsersOwnVouchesForAForm(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	other, _ := s.opened(5_000_000)
	mine := hidden(t, s.get("/.paywall/wallet", quietly, cookie(key)).Body.String(), "form_token")
	theirs := hidden(t, s.get("/.paywall/wallet", quietly, cookie(other)).Body.String(), "form_token")
	strangers := hidden(t, s.get("/.paywall/wallet", quietly).Body.String(), "form_token")
	acts := s.acts()
	before, _, _ := s.counts()
	for path, fields := range acts {
		for name, forged := range map[string][]string{
			"none": nil, "empty": {"form_token", ""}, "of another wallet": {"form_token", theirs}, "of a stranger": {"form_token", strangers},
			"cut": {"form_token", mine[:len(mine)-1]}, "in capitals": {"form_token", strings.ToUpper(mine)}, "twice": {"form_token", mine, "form_token", mine},
			"list": {"form_token[]", mine}, "another key": {"new_wallet", string(other)}, "the key itself": {"form_token", string(key)},
		} {
			form := append(slices.Clone(fields), forged...)
			if w := s.post(path, form, quietly, cookie(key)); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s, token %s: %d %v", path, name, w.Code, w.Result().Cookies())
			}
		}
		// A program has no forms.
		body := object{"form_token": mine}
		for i := 0; i < len(fields); i += 2 {
			body[fields[i]] = fields[i+1]
		}
		wantProblem(t, s.call(path, body, cookie(key)), http.StatusForbidden, "cross-site")
		wantProblem(t, s.post(path, append(fields, "form_token", mine), quietly, cookie(key), header("Accept", "application/json")), http.StatusForbidden, "cross-site")
	}
	if after, _, _ := s.counts(); after != before {
		t.Errorf("%d changes were made", after-before)
	}
}

// TestG09AWrongOriginIsRefusedWhateverTheTokenSays.
func TestG09AWrongOriginIsRefusedWhateverTheTokenSays(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	token := hidden(t, s.get("/.paywall/wallet", quietly, cookie(key)).Body.String(), "form_token")
	acts := s.acts()
	before, _, _ := s.counts()
	for path, fields := range acts {
		for _, foreign := range []change{
			header("Origin", "null"), header("Origin", "https://evil.test"), header("Origin", "http://news.example"), header("Origin", ""),
			header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Site", "same-site"), header("Sec-Fetch-Site", "none"), header("Sec-Fetch-Site", ""),
			header("Sec-Fetch-Mode", "navigate"), header("Sec-Purpose", "prefetch"),
		} {
			w := s.post(path, append(fields, "form_token", token), quietly, cookie(key), foreign)
			wantStatus(t, w, http.StatusForbidden)
		}
	}
	if after, _, _ := s.counts(); after != before {
		t.Errorf("%d changes were made", after-before)
	}
}

// TestG08AStrangersFormNeedsTheCookieOfItsPage: whoever builds a form with a page
// of their own puts nobody else into a wallet of theirs (login CSRF).
func TestG08AStrangersFormNeedsTheCookieOfItsPage(t *testing.T) {
	s := newSite(t)
	evil, rich := s.textBrowser(), paywall.NewWalletKey()
	page := evil.look("/.paywall/wallet")
	planted := evil.cookies["__Host-paywall_form"]
	forms := map[string][]string{
		"/.paywall/wallet":         {"new_wallet", string(rich), "form_token", hidden(t, page, "form_token")},
		"/.paywall/wallet/recover": {"code", rich.RecoveryCode(), "form_token", hidden(t, page, "form_token")},
	}
	plant := func(name string) change {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: planted}) }
	}
	for path, form := range forms {
		victim := s.textBrowser()
		victim.look("/.paywall/wallet")
		for name, w := range map[string]*httptest.ResponseRecorder{
			"own cookie":              s.post(path, form, victim.as),
			"planted beside it":       s.post(path, form, victim.as, plant("__Host-paywall_form")),
			"planted without TLS":     s.post(path, form, quietly, plant("paywall_form")),
			"too many":                s.post(path, form, append([]change{victim.as}, slices.Repeat([]change{plant("__Host-paywall_form")}, paywall.MaxCookieCandidates)...)...),
			"no cookie":               s.post(path, form, quietly, cookiesOff),
			"what all browsers have":  s.post(path, form, quietly, kept(testOrigin)),
			"no cookie and no token":  s.post(path, form[:2], quietly, cookiesOff),
			"own cookie and no token": s.post(path, form[:2], victim.as),
		} {
			if w.Code == http.StatusForbidden && len(w.Result().Cookies()) == 0 {
				continue
			}
			// Where no cookie came back, the reader is sent to a page that says why.
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/.paywall/wallet?notice=again" || cookieNamed(w, walletCookie) != nil {
				t.Errorf("%s, %s: %d %v", path, name, w.Code, w.Header())
			}
		}
	}
	if writes, _, wallets := s.counts(); writes != 0 || wallets != 0 {
		t.Errorf("%d writes, %d wallets", writes, wallets)
	}
}

// TestF15TextBrowserWithoutCookiesIsToldWhy: and where the article is.
func TestF15TextBrowserWithoutCookiesIsToldWhy(t *testing.T) {
	s := newSite(t)
	raw := s.offer()
	page := s.get("/.paywall/unlock?offer="+raw, quietly).Body.String()
	w := s.post("/.paywall/unlock", []string{"offer", raw, "new_wallet", hidden(t, page, "new_wallet"), "form_token", hidden(t, page, "form_token")}, quietly, cookiesOff)
	wantStatus(t, w, http.StatusSeeOther)
	why := s.get(w.Header().Get("Location"), quietly)
	wantStatus(t, why, http.StatusBadRequest)
	wantText(t, why, "Your browser keeps no cookies for this site", `href="/articles/tea?ref=front"`)
}

// TestG08OnlySilentBrowsersAreGivenTokens: every form they see has one, and no
// page for others has, whichever of the headers they send.
func TestG08OnlySilentBrowsersAreGivenTokens(t *testing.T) {
	s := newSite(t)
	for name, w := range s.allPages() {
		if strings.Contains(w.Body.String(), "form_token") {
			t.Errorf("page %q has a token", name)
		}
	}
	for _, name := range []string{"Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Origin"} {
		if page := s.get("/.paywall/wallet", quietly, header(name, "x")); strings.Contains(page.Body.String(), "form_token") || cookieNamed(page, "__Host-paywall_form") != nil {
			t.Errorf("a page for a browser that sends %s has a token", name)
		}
	}
	s = newSite(t)
	s.quiet = true
	seen := 0
	answers := []string{"insufficient", "wrong code", "wrong passkey", "wrong voucher", "wrong limits", "reset done", "opens alone", "asks first", "poor tip", "gift link", "money wrong code"} // to others
	for name, w := range s.allPages() {
		if slices.Contains(answers, name) {
			continue
		}
		body := w.Body.String()
		for i := strings.Index(body, `<form method="post"`); i >= 0; i = strings.Index(body, `<form method="post"`) {
			end := i + strings.Index(body[i:], "</form>")
			if !strings.Contains(body[i:end], `name="form_token" value="`) {
				t.Errorf("page %q has a form without a token: %s", name, body[i:end])
			}
			body = body[end:]
			seen++
		}
		if strings.Contains(w.Body.String(), " hidden>") {
			t.Errorf("page %q has what only a script would show", name)
		}
		if cookieNamed(w, "__Secure-paywall_kept") != nil {
			t.Errorf("page %q brings two cookies for one thing", name)
		}
	}
	if seen < 20 {
		t.Errorf("only %d forms were seen", seen)
	}
}

func TestF01TheCSRFCookieIsThisHostsAlone(t *testing.T) {
	s := newSite(t)
	first := cookieNamed(s.get("/.paywall/wallet", quietly), "__Host-paywall_form")
	if first == nil || first.Path != "/" || first.Domain != "" || !first.Secure || !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || !first.Expires.IsZero() || first.MaxAge != 0 {
		t.Fatalf("%+v", first)
	}
	if second := cookieNamed(s.get("/.paywall/wallet", quietly), "__Host-paywall_form"); second.Value == first.Value {
		t.Error("two browsers were given the same")
	}
	again := s.get("/.paywall/wallet", quietly, func(r *http.Request) { r.AddCookie(first) })
	if len(again.Result().Cookies()) > 0 {
		t.Errorf("a cookie that is there is set again: %v", again.Header())
	}
}

// TestTheBoxSendsTextBrowsersToThePage: an article's page has no token.
func TestTheBoxSendsTextBrowsersToThePage(t *testing.T) {
	s := newSite(t)
	box, err := s.c.Box(httptest.NewRequest(http.MethodGet, testOrigin+"/articles/tea", nil), s.quote(), s.offer(), true)
	if err != nil || strings.Contains(string(box), "<form") || !strings.Contains(string(box), `<a class="paywall-pay" href="/.paywall/unlock?offer=`) {
		t.Errorf("%s %v", box, err)
	}
}
