package checkout

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tuppence/tuppence/paywall"
)

func lasts(o *paywall.Offer) { o.Access = 30 * 24 * time.Hour }

// refunded marks a purchase to be undone, in given.
func refunded(o *paywall.Offer) { o.Title = "Undone" }

// given is a gift link of a page that a giver of its own has bought.
func (s *site) given(path string, changes ...func(*paywall.Offer)) paywall.GiftKey {
	s.t.Helper()
	giver, _ := s.opened(5_000_000)
	o := s.quote()
	for _, f := range append(changes, resource(path)) {
		f(o)
	}
	id := s.bought(giver, append(changes, resource(path))...)
	key := s.give(giver, id)
	if o.Title == "Undone" {
		wantStatus(s.t, s.call("/.paywall/refund", object{"unlock_id": id}, bearer(giver)), http.StatusOK)
	}
	return key
}

// give makes a gift link as a program does.
func (s *site) give(giver paywall.WalletKey, unlock string) paywall.GiftKey {
	s.t.Helper()
	w := s.call("/.paywall/wallet/gift", object{"unlock_id": unlock}, bearer(giver))
	wantStatus(s.t, w, http.StatusCreated)
	link, ok := strings.CutPrefix(decode(s.t, w)["link"].(string), testOrigin+"/.paywall/gift?key=")
	if !ok {
		s.t.Fatal(w.Body)
	}
	return paywall.GiftKey(link)
}

func (s *site) timesOpened(key paywall.GiftKey) int {
	s.t.Helper()
	hash, _ := key.Hash()
	g, _ := s.ledger.Gift(s.t.Context(), hash)
	return g.Opened
}

// TestOneClickOpensAGift: the giver's page shows the link; a stranger opens it with
// one button, and lands in the article with a wallet.
func TestOneClickOpensAGift(t *testing.T) {
	s := newSite(t)
	giver, _ := s.opened(5_000_000)
	id := s.bought(giver)
	page := s.get("/.paywall/wallet", cookie(giver))
	wantText(t, page, `aria-label="Give away `+"\u2068The last tea shop\u2069"+`"`)
	form := []string{"unlock_id", id, "key", hidden(t, page.Body.String(), "key")}
	for range 2 { // a double click
		w := s.post("/.paywall/wallet/gift", form, cookie(giver))
		wantStatus(t, w, http.StatusOK)
		wantText(t, w, `>https://news.example/.paywall/gift?key=`+form[3]+`</textarea>`, "2 others can open it", "shown here only", "can no longer be undone")
	}
	link := "/.paywall/gift?key=" + form[3]
	gift := s.get(link)
	wantStatus(t, gift, http.StatusOK)
	wantText(t, gift, "<bdi>The last tea shop</bdi>", "Somebody gives you this article", "Read the article", "You pay nothing")
	open := []string{"key", form[3], "new_wallet", hidden(t, gift.Body.String(), "new_wallet")}
	var reader *http.Cookie
	for range 3 {
		w := s.post("/.paywall/gift", open)
		wantStatus(t, w, http.StatusSeeOther)
		if got := w.Header().Get("Location"); got != "/articles/tea" {
			t.Errorf("Location %q", got)
		}
		access, err := s.check.Access(cookieNamed(w, accessCookie).Value, testOrigin, testOrigin)
		if err != nil || access.Resource != "/articles/tea" {
			t.Errorf("token %+v, %v", access, err)
		}
		reader = cookieNamed(w, walletCookie)
	}
	if _, _, wallets := s.counts(); wallets != 2 || s.timesOpened(paywall.GiftKey(form[3])) != 1 {
		t.Errorf("%d wallets, %d opened", wallets, s.timesOpened(paywall.GiftKey(form[3])))
	}
	// A wallet that a gift opened is one as any other: with the welcome credit.
	key := paywall.WalletKey(reader.Value)
	if s.balance(key) != "0.60" || s.balance(giver) != "4.80" {
		t.Errorf("balances %s and %s", s.balance(key), s.balance(giver))
	}
	theirs := s.get("/.paywall/wallet", cookie(key)).Body.String()
	if strings.Contains(theirs, "/.paywall/wallet/gift") || strings.Contains(theirs, "/.paywall/refund") {
		t.Error("a gift can be given on, or undone")
	}
	// The giver sees what became of it, and has the purchase for good.
	mine := s.get("/.paywall/wallet", cookie(giver))
	wantText(t, mine, "Gift link of 22 November 2026: 1 of 2 used")
	if strings.Contains(mine.Body.String(), "/.paywall/refund") || strings.Contains(mine.Body.String(), form[3]) {
		t.Error("the purchase can be undone, or the link is shown again")
	}
	wantText(t, s.post("/.paywall/refund", []string{"unlock_id", id}, cookie(giver)), "through your gift link")
}

// TestN01LookingUsesNoGiftUp: previews of chats and scanners of mails ask with GET
// and HEAD, as often as they like. The person who comes after them reads.
func TestN01LookingUsesNoGiftUp(t *testing.T) {
	s := newSite(t)
	key := s.given("/articles/tea")
	before, _, _ := s.counts()
	for range 3 * paywall.MaxCookieCandidates {
		for _, agent := range []string{"Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "facebookexternalhit/1.1", "Mozilla/5.0"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w := s.send(method, giftLink(key), "", "", header("User-Agent", agent), header("Sec-Purpose", "prefetch"))
				wantStatus(t, w, http.StatusOK)
				if w.Header().Get("X-Robots-Tag") != "noindex" || cookieNamed(w, walletCookie) != nil || cookieNamed(w, accessCookie) != nil {
					t.Fatalf("headers %v", w.Header())
				}
			}
			wantStatus(t, s.get(giftLink(key), asJSON), http.StatusOK)
		}
	}
	if after, _, _ := s.counts(); after != before || s.timesOpened(key) != 0 {
		t.Errorf("%d changes, %d opened", after-before, s.timesOpened(key))
	}
	wantStatus(t, s.post("/.paywall/gift", []string{"key", string(key)}), http.StatusSeeOther)
}

// TestN06AGiftsSecretStaysBetweenTheTwo: not in a Referer, in no log, and in the
// ledger only as a hash.
func TestN06AGiftsSecretStaysBetweenTheTwo(t *testing.T) {
	s := newSite(t)
	key := s.given("/articles/tea")
	over := s.given("/articles/over", refunded)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"page": s.get(giftLink(key)), "over": s.get(giftLink(over)), "opened": s.post("/.paywall/gift", []string{"key", string(key)}),
		"no cookies": s.post("/.paywall/gift", []string{"key", string(key)}, cookiesOff), "JSON": s.get(giftLink(key), asJSON),
	} {
		if got := w.Header().Get("Referrer-Policy"); got != "strict-origin" {
			t.Errorf("%s: Referrer-Policy %q", name, got)
		}
		if strings.Contains(w.Body.String(), "//") && strings.Contains(w.Body.String(), "http") {
			t.Errorf("%s leads elsewhere: %s", name, w.Body)
		}
	}
	s.breakWith(errDisk)
	if got := s.get(giftLink(key)).Header().Get("Referrer-Policy"); got != "strict-origin" {
		t.Errorf("500: Referrer-Policy %q", got)
	}
	s.post("/.paywall/gift", []string{"key", string(key)})
	s.repair()
	if strings.Contains(s.logs.String(), string(key)) {
		t.Errorf("the key is in the log: %s", s.logs)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(string(key)); err != nil || len(raw) < 16 {
		t.Errorf("a key of %d bytes", len(raw))
	}
	if key == s.given("/articles/tea") {
		t.Error("the same key again")
	}
}

// TestAGiftThatIsOverLeadsToWhereItIsSold, and opens no wallet.
func TestAGiftThatIsOverLeadsToWhereItIsSold(t *testing.T) {
	s := newSite(t)
	usedUp := s.given("/articles/used")
	for range 2 {
		wantStatus(t, s.post("/.paywall/gift", []string{"key", string(usedUp)}), http.StatusSeeOther)
	}
	undone, short := s.given("/articles/undone", refunded), s.given("/articles/short", lasts)
	s.advance(31 * 24 * time.Hour)
	_, _, before := s.counts()
	for key, article := range map[paywall.GiftKey]string{
		usedUp: "/articles/used", undone: "/articles/undone", short: "/articles/short", "": "", "x": "", paywall.NewGiftKey(): "",
	} {
		for _, w := range []*httptest.ResponseRecorder{s.get(giftLink(key)), s.post("/.paywall/gift", []string{"key", string(key)})} {
			wantStatus(t, w, http.StatusGone)
			wantText(t, w, "This gift link opens nothing any more", "open the article itself")
			if link := `<a class="button pay" href="` + article + `">Back to the article`; article != "" {
				wantText(t, w, link)
			} else {
				wantText(t, w, "Go to the front page")
			}
		}
		wantProblem(t, s.get(giftLink(key), asJSON), http.StatusGone, "gift-over")
		wantProblem(t, s.call("/.paywall/gift", object{"key": string(key)}), http.StatusGone, "gift-over")
	}
	if _, _, after := s.counts(); after != before {
		t.Errorf("%d wallets were opened", after-before)
	}
}

// TestWhoOwnsTheArticleUsesNothingUp: the giver, a buyer, and who opened it before,
// also when nothing is left of it.
func TestWhoOwnsTheArticleUsesNothingUp(t *testing.T) {
	s := newSite(t)
	giver, _ := s.opened(5_000_000)
	buyer, _ := s.opened(5_000_000)
	first, _ := s.opened(0)
	key := s.give(giver, s.bought(giver))
	s.bought(buyer)
	form := []string{"key", string(key)}
	wantStatus(t, s.post("/.paywall/gift", form, cookie(first)), http.StatusSeeOther)
	for range 2 {
		for _, who := range []paywall.WalletKey{giver, buyer, first} {
			for _, w := range []*httptest.ResponseRecorder{s.get(giftLink(key), cookie(who)), s.post("/.paywall/gift", form, cookie(who))} {
				wantStatus(t, w, http.StatusSeeOther)
				if cookieNamed(w, accessCookie) == nil || w.Header().Get("Location") != "/articles/tea" {
					t.Errorf("%v", w.Header())
				}
			}
		}
		if got := s.timesOpened(key); got == 2 {
			return
		}
		wantStatus(t, s.post("/.paywall/gift", form), http.StatusSeeOther) // the last one
	}
	t.Errorf("%d opened", s.timesOpened(key))
}

// TestThirtyClicksAtOnceAreOneReader also of the last one that a link has.
func TestThirtyClicksAtOnceAreOneReader(t *testing.T) {
	s := newSite(t, func(o *Options) { o.GiftLinks.Readers = 1 })
	key := s.given("/articles/tea")
	form := []string{"key", string(key), "new_wallet", hidden(t, s.get(giftLink(key)).Body.String(), "new_wallet")}
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			if w := s.post("/.paywall/gift", form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/articles/tea" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		})
	}
	group.Wait()
	if _, _, wallets := s.counts(); wallets != 2 || s.timesOpened(key) != 1 {
		t.Errorf("%d wallets, %d opened", wallets, s.timesOpened(key))
	}
}

// TestWithoutCookiesNoGiftIsUsedUp: one more look, then the page that says why and
// leads back to the link.
func TestWithoutCookiesNoGiftIsUsedUp(t *testing.T) {
	s := newSite(t)
	key := s.given("/articles/tea")
	before, _, _ := s.counts()
	w := s.post("/.paywall/gift", []string{"key", string(key), "new_wallet", string(paywall.NewWalletKey())}, cookiesOff)
	wantStatus(t, w, http.StatusSeeOther)
	if got := w.Header().Get("Location"); got != giftLink(key)+"&notice=again" {
		t.Fatalf("Location %q", got)
	}
	why := s.get(w.Header().Get("Location"))
	wantStatus(t, why, http.StatusBadRequest)
	wantText(t, why, "Your browser keeps no cookies for this site", `href="`+giftLink(key)+`"`)
	wantText(t, s.get(w.Header().Get("Location"), kept(testOrigin)), "press the button once more", "Read the article")
	form := []string{"key", string(key), "form_token", hidden(t, s.get(giftLink(key), quietly).Body.String(), "form_token")}
	if got := s.post("/.paywall/gift", form, quietly, cookiesOff).Header().Get("Location"); got != giftLink(key)+"&notice=again" {
		t.Errorf("a text browser is sent to %q", got)
	}
	if after, _, _ := s.counts(); after != before || s.timesOpened(key) != 0 {
		t.Errorf("%d changes", after-before)
	}
}

func TestProgramsGiveAndOpen(t *testing.T) {
	s := newSite(t)
	giver, _ := s.opened(5_000_000)
	id := s.bought(giver, lasts)
	own := paywall.NewGiftKey()
	for range 2 {
		w := s.call("/.paywall/wallet/gift", object{"unlock_id": id, "key": string(own)}, bearer(giver))
		wantStatus(t, w, http.StatusCreated)
		v := decode(t, w)
		wantMembers(t, v, "unlock_id", "link", "readers")
		if v["unlock_id"] != id || v["link"] != testOrigin+giftLink(own) || v["readers"] != 2.0 {
			t.Errorf("%v", v)
		}
	}
	gift := decode(t, s.get(giftLink(own), asJSON))
	wantMembers(t, gift, "resource", "url", "title", "readers", "opened", "made_at", "expires_at", "already_owned")
	if gift["title"] != "The last tea shop" || gift["opened"] != 0.0 || gift["expires_at"] != "2026-12-22T12:00:00Z" || gift["already_owned"] != false {
		t.Errorf("%v", gift)
	}
	wantProblem(t, s.call("/.paywall/gift", object{"key": string(own)}), http.StatusUnauthorized, "no-such-wallet")
	reader, _ := s.opened(0)
	w := s.call("/.paywall/gift", object{"key": string(own)}, bearer(reader))
	wantStatus(t, w, http.StatusOK)
	v := decode(t, w)
	wantMembers(t, v, "token", "token_type", "unlock_id", "resource", "paid", "currency", "balance", "expires_at", "already_owned")
	if v["paid"] != "0.00" || v["resource"] != "/articles/tea" || v["already_owned"] != false {
		t.Errorf("%v", v)
	}
	if _, err := s.check.Access(v["token"].(string), testOrigin, testOrigin); err != nil {
		t.Error(err)
	}
	wallet := decode(t, s.get("/.paywall/wallet", asJSON, bearer(giver)))
	gifts := wallet["gifts"].([]any)
	if first := gifts[0].(object); len(gifts) != 1 || first["unlock_id"] != id || first["opened"] != 1.0 || first["readers"] != 2.0 {
		t.Errorf("%v", gifts)
	}
	if raw := s.get("/.paywall/wallet", asJSON, bearer(giver)).Body.String(); strings.Contains(raw, string(own)) {
		t.Error("the key is in", raw)
	}
}

// TestTheKeyOfAnotherGiftMakesNone, and nobody is told of an offer there.
func TestTheKeyOfAnotherGiftMakesNone(t *testing.T) {
	s := newSite(t)
	giver, _ := s.opened(5_000_000)
	first := s.give(giver, s.bought(giver))
	second := s.bought(giver, resource("/articles/two"))
	w := s.post("/.paywall/wallet/gift", []string{"unlock_id", second, "key", string(first)}, cookie(giver))
	wantStatus(t, w, http.StatusConflict)
	wantText(t, w, "This was already used for something else", "open the page again")
	wantProblem(t, s.call("/.paywall/wallet/gift", object{"unlock_id": second, "key": string(first)}, bearer(giver)), http.StatusConflict, "conflict")
}

// TestOnlyABuyerGives: what is theirs, on its own site, and so often.
func TestOnlyABuyerGives(t *testing.T) {
	s := newSite(t)
	giver, w := s.opened(5_000_000)
	other, _ := s.opened(5_000_000)
	id := s.bought(giver)
	give := func(unlock string, who paywall.WalletKey) *httptest.ResponseRecorder {
		return s.call("/.paywall/wallet/gift", object{"unlock_id": unlock}, bearer(who))
	}
	for _, unlock := range []string{id, "", "x"} {
		wantProblem(t, give(unlock, other), http.StatusNotFound, "not-found")
	}
	wantProblem(t, s.call("/.paywall/wallet/gift", object{"unlock_id": id}), http.StatusUnauthorized, "no-such-wallet")
	wantProblem(t, s.call("/.paywall/wallet/gift", object{"unlock_id": id, "key": "short"}, bearer(giver)), http.StatusBadRequest, "malformed")
	wantProblem(t, give(s.boughtBehind(w, elsewhere), giver), http.StatusNotFound, "not-found")
	for range 3 {
		wantStatus(t, give(id, giver), http.StatusCreated)
	}
	w4 := give(id, giver)
	wantProblem(t, w4, http.StatusTooManyRequests, "too-many-gifts")
	if got := w4.Header().Get("Retry-After"); got != "734400" { // until 1 December
		t.Errorf("Retry-After %q", got)
	}
	wantText(t, s.post("/.paywall/wallet/gift", []string{"unlock_id", id}, cookie(giver)), "No more gift links this month")

	// Without the option none is made; those that were made open.
	key := s.given("/articles/promised")
	s.c.o.GiftLinks = GiftLinks{}
	wantProblem(t, give(id, giver), http.StatusNotFound, "not-found")
	if page := s.get("/.paywall/wallet", cookie(giver)).Body.String(); strings.Contains(page, "/.paywall/wallet/gift") {
		t.Error("the wallet page offers what is refused")
	}
	wantStatus(t, s.post("/.paywall/gift", []string{"key", string(key)}), http.StatusSeeOther)
}

// TestAGiftOfAnotherSiteOpensNothingHere, and is not used up.
func TestAGiftOfAnotherSiteOpensNothingHere(t *testing.T) {
	s := newSite(t)
	_, giver := s.opened(5_000_000)
	key := paywall.NewGiftKey()
	hash, _ := key.Hash()
	link := paywall.Gift{Key: hash, Unlock: s.boughtBehind(giver, elsewhere), Readers: 2}
	if err := s.ledger.AddGift(t.Context(), giver.ID, link); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*httptest.ResponseRecorder{s.get(giftLink(key)), s.post("/.paywall/gift", []string{"key", string(key)})} {
		wantStatus(t, w, http.StatusGone)
		if strings.Contains(w.Body.String(), "/articles/tea") {
			t.Errorf("leads there: %s", w.Body)
		}
	}
	if got := s.timesOpened(key); got != 0 {
		t.Errorf("%d opened", got)
	}
}

// TestGiftsOpenWithinTheLimitOfNewWallets: no way around it to welcome credit.
func TestGiftsOpenWithinTheLimitOfNewWallets(t *testing.T) {
	s := newSite(t, func(o *Options) { o.GiftLinks.Readers = paywall.MaxGiftReaders })
	key := s.given("/articles/tea")
	for range atOnce(opening) {
		wantStatus(t, s.post("/.paywall/gift", []string{"key", string(key)}), http.StatusSeeOther)
	}
	wantStatus(t, s.post("/.paywall/gift", []string{"key", string(key)}), http.StatusTooManyRequests)
	if got := s.timesOpened(key); got != atOnce(opening) {
		t.Errorf("%d opened", got)
	}
}

// TestTheSwitchOfLanguagesKeepsTheGift.
func TestTheSwitchOfLanguagesKeepsTheGift(t *testing.T) {
	s := newSite(t)
	key := s.given("/articles/tea")
	wantText(t, s.get(giftLink(key)), `action="/.paywall/gift"`, `<input type="hidden" name="key" value="`+string(key)+`">`)
	wantText(t, s.get(giftLink(key)+"&lang=de"), "Jemand schenkt Ihnen diesen Artikel")
	s.breakWith(paywall.ErrUnavailable)
	wantText(t, s.get(giftLink(key)), `<input type="hidden" name="key" value="`+string(key)+`">`)
	s.repair()
	link := s.post("/.paywall/wallet/gift", []string{"unlock_id", "x"})
	if strings.Contains(link.Body.String(), `name="key"`) {
		t.Error(link.Body)
	}
}

// TestN06TheArticleIsNotToldTheGiftsAddress: by a real browser, with the button,
// the links, the files and the switch of languages.
func TestN06TheArticleIsNotToldTheGiftsAddress(t *testing.T) {
	s := newSite(t, onLocalhost)
	var mu sync.Mutex
	var told []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix) && !strings.HasPrefix(r.URL.Path, Prefix+"static/") {
			s.c.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		told = append(told, r.URL.Path+" from "+r.Referer())
		mu.Unlock()
		if r.URL.Path == "/articles/tea" {
			return
		}
		s.c.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	site := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	_, giver := s.opened(5_000_000)
	o := s.quote()
	o.Site, o.Checkout = site, site
	receipt, err := s.ledger.Unlock(t.Context(), paywall.Purchase{Wallet: giver.ID, Offer: *o})
	if err != nil {
		t.Fatal(err)
	}
	key := paywall.NewGiftKey()
	hash, _ := key.Hash()
	if err := s.ledger.AddGift(t.Context(), giver.ID, paywall.Gift{Key: hash, Unlock: receipt.Unlock.ID, Readers: 1}); err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, 400)
	click := func(selector string) {
		t.Helper()
		press(t, ctx, selector)
	}
	open := func() {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(site+giftLink(key))); err != nil {
			t.Fatal(err)
		}
	}
	open()
	click("header .site")
	open()
	click(`button[name="lang"][value="de"]`)
	click(`form[action="/.paywall/gift"] button.pay`)
	mu.Lock()
	defer mu.Unlock()
	if got := eval[string](t, ctx, "location.pathname"); got != "/articles/tea" {
		t.Errorf("the reader is on %s", got)
	}
	if slices.ContainsFunc(told, func(line string) bool { return strings.Contains(line, string(key)) }) ||
		!slices.Contains(told, "/articles/tea from "+site+"/") || !slices.Contains(told, "/ from "+site+"/") {
		t.Errorf("what was told: %q", told)
	}
}

// TestTheCopyButtonCopies what stands above it: a gift link, a recovery code.
func TestTheCopyButtonCopies(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	pages := map[string]*httptest.ResponseRecorder{
		"link": s.post("/.paywall/wallet/gift", []string{"unlock_id", id, "key", string(paywall.NewGiftKey())}, cookie(key)),
		"code": s.get("/.paywall/wallet", cookie(key)),
	}
	url := s.served(pages)
	ctx := chromium(t, 400)
	for page, want := range map[string]string{"link": testOrigin + GiftPath + "?key=", "code": key.RecoveryCode()} {
		if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"+page)); err != nil {
			t.Fatal(err)
		}
		eval[int](t, ctx, `navigator.clipboard.writeText = async (text) => { window.copied = text }; 1`)
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#copy button"))); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.querySelector("#copy [role=status]").textContent === "Copied."`)); err != nil {
			t.Error(err)
		}
		if got := eval[string](t, ctx, "window.copied"); !strings.HasPrefix(got, want) || !strings.Contains(pages[page].Body.String(), ">"+got+"<") {
			t.Errorf("the %s copied is %q", page, got)
		}
	}
}
