package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/html"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// unlock is a purchase that was made just now.
func (s *site) unlock(key paywall.WalletKey, changes ...func(*paywall.Offer)) *paywall.Unlock {
	s.t.Helper()
	return s.purchase(key, s.bought(key, changes...))
}

// bar is what the gate asks for, for a page that was just bought.
func (s *site) bar(u *paywall.Unlock, changes ...change) string {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, testOrigin+"/articles/tea", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, f := range changes {
		f(r)
	}
	b, err := s.c.Bar(r, u)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func TestBarSaysWhatWasPaidAndUndoesIt(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	u := s.unlock(key)
	s.advance(90 * time.Second)
	bar := s.bar(u)
	doc, err := html.Parse(strings.NewReader(bar))
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(strings.Fields(textOf(doc)), " "); text != "€0.20 paid Undo 29 minutes left Receipt Wallet" {
		t.Errorf("the bar says %q", text)
	}
	for _, want := range []string{
		`role="region" lang="en" dir="ltr" aria-label="What you just bought"`, `<form method="post" action="/.paywall/refund">`,
		`href="/.paywall/receipt?unlock=` + u.ID + `"`, `href="/.paywall/wallet"`, `<link rel="stylesheet" href="` + page.BarStyle.URL() + `">`,
	} {
		if !strings.Contains(bar, want) {
			t.Errorf("no %s in\n%s", want, bar)
		}
	}
	if strings.Contains(bar, "<script") || strings.Contains(bar, "style=") || strings.Contains(bar, "4.80") {
		t.Errorf("it has too much:\n%s", bar)
	}
	w := s.post("/.paywall/refund", []string{"unlock_id", hidden(t, bar, "unlock_id")}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	wantText(t, s.get(w.Header().Get("Location"), cookie(key)), "The purchase is undone and the money is back in your wallet.")
	if got := s.balance(key); got != "5.00" {
		t.Errorf("balance %s", got)
	}
	if unasked := s.bar(&paywall.Unlock{ID: "u", Paid: euro(200_000), Auto: true}); !strings.Contains(unasked, "&#8364;0.20 paid without asking") {
		t.Errorf("opened without asking, it says\n%s", unasked)
	}
}

// TestBarOfBrowsersThatSayNothingLeadsToTheWallet, whose page has the token that
// their forms need.
func TestBarOfBrowsersThatSayNothingLeadsToTheWallet(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	var u *paywall.Unlock
	for i := range suggestAfter {
		u = s.unlock(key, resource(fmt.Sprintf("/articles/%d", i)))
	}
	bar := s.bar(u, without("Sec-Fetch-Site"))
	if strings.Contains(bar, "<form") || !strings.Contains(bar, `<a href="/.paywall/wallet">Undo</a> <span>30 minutes left`) {
		t.Errorf("the bar is\n%s", bar)
	}
}

// TestBarStandsInPagesOfAnyEncoding: it is ASCII, in every language.
func TestBarStandsInPagesOfAnyEncoding(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	u := s.unlock(key)
	for _, tag := range page.Languages {
		c := catalogueOf(t, tag)
		bar := s.bar(u, header("Accept-Language", tag))
		for i := range len(bar) {
			if bar[i] >= 0x80 {
				t.Fatalf("%s: %q", tag, bar)
			}
		}
		doc, _ := html.Parse(strings.NewReader(bar))
		for _, want := range []string{c.T("bar.paid", "Amount", c.Money(u.Paid)), c.T("wallet.undo"), c.T("receipt.title")} {
			if !strings.Contains(textOf(doc), want) {
				t.Errorf("%s: no %q in\n%s", tag, want, bar)
			}
		}
	}
}

// TestBarSuggestsOpeningWithoutAsking after three purchases, and never twice.
func TestBarSuggestsOpeningWithoutAsking(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	var u *paywall.Unlock
	for i := range suggestAfter {
		if u != nil && strings.Contains(s.bar(u), "per_week") {
			t.Errorf("it is suggested after %d purchases", i)
		}
		u = s.unlock(key, resource(fmt.Sprintf("/articles/%d", i)))
	}
	bar := s.bar(u)
	if !strings.Contains(bar, "Next time, open articles up to &#8364;0.20 without asking, at most &#8364;2.00 a week</button>") {
		t.Errorf("nothing is suggested:\n%s", bar)
	}
	form := []string{"per_article", hidden(t, bar, "per_article"), "per_week", hidden(t, bar, "per_week")}
	wantStatus(t, s.post("/.paywall/wallet/settings", form, cookie(key)), http.StatusSeeOther)
	if strings.Contains(s.bar(u), "per_week") {
		t.Error("what is set is suggested")
	}
	s.breakWith(paywall.ErrUnavailable)
	if bar := s.bar(u); strings.Contains(bar, "per_week") || !strings.Contains(bar, "paid") {
		t.Errorf("without a ledger the bar is\n%s", bar)
	}
}

func TestBarStyleTouchesNothingElse(t *testing.T) {
	s := newSite(t)
	w := s.get(page.BarStyle.URL())
	wantStatus(t, w, http.StatusOK)
	for line := range strings.SplitSeq(w.Body.String(), "\n") {
		line = strings.TrimPrefix(line, "@media print { ")
		if selectors, _, rule := strings.Cut(line, "{"); rule {
			for selector := range strings.SplitSeq(selectors, ",") {
				if !strings.HasPrefix(strings.TrimSpace(selector), ".paywall-bar.paywall-bar") {
					t.Errorf("a rule for %s", selector)
				}
			}
		}
	}
	if size := w.Body.Len(); size > 3<<10 {
		t.Errorf("%d bytes", size)
	}
}

// TestPublishersBarIsChecked as their other templates are.
func TestPublishersBarIsChecked(t *testing.T) {
	with := func(source string) page.Options {
		return page.Options{Templates: fstest.MapFS{"bar.html": {Data: []byte(source)}}}
	}
	if _, err := NewLook(with(`{{define "bar"}}{{.Nothing}}{{end}}`)); err == nil || !strings.Contains(err.Error(), "bar.html:1") {
		t.Errorf("a mistake gives %v", err)
	}
	s := newSite(t, lookOf(t, with(`{{define "bar"}}{{.Money .Paid}}!{{end}}`)))
	if got := s.bar(&paywall.Unlock{Paid: euro(200_000)}); got != "&#8364;0.20!" {
		t.Errorf("the bar is %s", got)
	}
	s = newSite(t, lookOf(t, with(`{{define "bar"}}half {{if .ID}}{{slice .ID 9}}{{end}}{{end}}`)))
	if got := s.bar(&paywall.Unlock{ID: "u", Paid: euro(200_000)}); !strings.HasPrefix(got, `<div class="paywall-bar"`) {
		t.Errorf("in the place of one that fails there is %s", got)
	}
}
