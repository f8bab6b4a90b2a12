package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// clicked is what a browser says of a link that the reader clicked on another site.
func clicked(r *http.Request) {
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-User", "?1")
	r.Header.Set("Sec-Fetch-Dest", "document")
}

// easygoing is a wallet with 5.00 that opens articles up to 0.30 without being
// asked, at most 3.00 a week.
func (s *site) easygoing() paywall.WalletKey {
	s.t.Helper()
	key, _ := s.opened(5_000_000)
	wantStatus(s.t, s.post("/.paywall/wallet/settings", []string{"per_article", "0.30", "per_week", "3"}, cookie(key)), http.StatusSeeOther)
	return key
}

func (s *site) opensAlone() *httptest.ResponseRecorder {
	return s.get("/.paywall/unlock?offer="+s.offer(), cookie(s.easygoing()), clicked)
}

func (s *site) asksFirst() *httptest.ResponseRecorder {
	return s.post("/.paywall/unlock", []string{"offer", s.offer(price(400_000)), "auto", "true"}, cookie(s.easygoing()))
}

func (s *site) suggested() *httptest.ResponseRecorder {
	key, _ := s.opened(5_000_000)
	for i := range suggestAfter {
		s.bought(key, resource(fmt.Sprintf("/articles/%d", i)))
	}
	return s.get("/.paywall/wallet", cookie(key))
}

func hasAutoScript(w *httptest.ResponseRecorder) bool {
	return strings.Contains(w.Body.String(), page.AutoScript.URL())
}

// TestPageThatOpensAloneIsTheOrdinaryPage: with the button, for those without
// scripts, and nothing is bought by looking at it.
func TestPageThatOpensAloneIsTheOrdinaryPage(t *testing.T) {
	s := newSite(t)
	key := s.easygoing()
	_, before, _ := s.counts()
	raw := s.offer()
	sent := s.get("/.paywall/unlock?offer="+raw, cookie(key), clicked)
	wantStatus(t, sent, http.StatusOK)
	wantText(t, sent, "Pay €0.20 and read</button>", "opens by itself", `<script src="`+page.AutoScript.URL()+`" defer></script>`)
	if got := sent.Header().Get("Content-Security-Policy"); got != security(true, nil) {
		t.Errorf("its policy is %q", got)
	}
	if _, after, _ := s.counts(); after != before {
		t.Error("looking at it bought something")
	}
	form := append(s.press(raw, cookie(key)), "auto", "true")
	wantStatus(t, s.post("/.paywall/unlock", form, cookie(key)), http.StatusSeeOther)
	sent = s.get("/.paywall/wallet", cookie(key))
	wantText(t, sent, "€4.80", "€0.20 on 22 November 2026</time>&nbsp;· opened without asking", "Undo")
	wantStatus(t, s.get(page.AutoScript.URL()), http.StatusOK)
}

// TestG02PageOpensAloneOnlyWhereTheReaderGoes: not for others, and not when
// another site's page leads there by itself.
func TestG02PageOpensAloneOnlyWhereTheReaderGoes(t *testing.T) {
	s := newSite(t)
	key := s.easygoing()
	asked, _ := s.opened(5_000_000)
	late := s.offer(price(310_000))
	for name, test := range map[string]struct {
		target  string
		changes []change
		want    bool
	}{
		"a link on another site": {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked}, true},
		"a link on this site":    {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked, header("Sec-Fetch-Site", "same-origin"), without("Sec-Fetch-User")}, true},
		"an address":             {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked, header("Sec-Fetch-Site", "none")}, true},
		"rendered ahead":         {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked, header("Sec-Fetch-Site", "same-origin"), header("Sec-Purpose", "prefetch;prerender")}, true},
		"led by another site":    {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked, without("Sec-Fetch-User")}, false},
		"led by a sister site":   {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked, header("Sec-Fetch-Site", "same-site"), without("Sec-Fetch-User")}, false},
		"in a frame":             {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(key), clicked, header("Sec-Fetch-Dest", "iframe")}, false},
		"a browser that says nothing": {"/.paywall/unlock?offer=" + s.offer(), []change{
			cookie(key), clicked, without("Sec-Fetch-Site"), without("Sec-Fetch-Dest"), without("Sec-Fetch-User"),
		}, false},
		"another language":      {"/.paywall/unlock?offer=" + s.offer() + "&lang=de", []change{cookie(key), clicked}, false},
		"once more":             {"/.paywall/unlock?offer=" + s.offer() + "&notice=again", []change{cookie(key), clicked}, false},
		"a dearer article":      {"/.paywall/unlock?offer=" + late, []change{cookie(key), clicked}, false},
		"nobody":                {"/.paywall/unlock?offer=" + s.offer(), []change{clicked}, false},
		"a reader who is asked": {"/.paywall/unlock?offer=" + s.offer(), []change{cookie(asked), clicked}, false},
	} {
		page := s.get(test.target, test.changes...)
		wantStatus(t, page, http.StatusOK)
		if got := hasAutoScript(page); got != test.want {
			t.Errorf("%s: opens alone: %v", name, got)
		}
	}
}

// TestG05G06NobodyElseOpensWithoutAsking: the guard holds for these forms, too.
func TestG05G06NobodyElseOpensWithoutAsking(t *testing.T) {
	s := newSite(t)
	key := s.easygoing()
	form := []string{"offer", s.offer(), "auto", "true"}
	for name, change := range map[string]change{
		"prefetch":       header("Sec-Purpose", "prefetch"),
		"prerender":      header("Sec-Purpose", "prefetch;prerender"),
		"purpose":        header("Purpose", "prefetch"),
		"moz":            header("X-Moz", "prefetch"),
		"another site":   header("Sec-Fetch-Site", "cross-site"),
		"a sister site":  header("Sec-Fetch-Site", "same-site"),
		"another origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.test") },
	} {
		if w := s.post("/.paywall/unlock", form, cookie(key), change); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if got := s.balance(key); got != "5.00" {
		t.Errorf("balance %s", got)
	}
}

// TestWhatMayNotOpenAloneIsAskedFor: the page says why nothing was bought, and
// does not try again.
func TestWhatMayNotOpenAloneIsAskedFor(t *testing.T) {
	s := newSite(t)
	key := s.easygoing()
	w := s.asksFirst()
	wantStatus(t, w, http.StatusPaymentRequired)
	wantText(t, w, `role="alert">You want to be asked before this one opens, so nothing was charged.`, "Pay €0.40 and read</button>")
	if hasAutoScript(w) {
		t.Error("it tries again")
	}
	wantProblem(t, s.call("/.paywall/unlock", object{"offer": s.offer(price(400_000)), "auto": true}, bearer(key)), http.StatusPaymentRequired, "ask-first")
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer(price(400_000)), "auto": false}, bearer(key)), http.StatusOK)
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", s.offer(resource("/articles/x")), "auto", "yes"}, cookie(key)), http.StatusBadRequest)
}

// TestUndoneArticleIsAskedForAgain: after an undo, the same link must not buy.
func TestUndoneArticleIsAskedForAgain(t *testing.T) {
	s := newSite(t)
	key := s.easygoing()
	id := decode(t, s.call("/.paywall/unlock", object{"offer": s.offer(), "auto": true}, bearer(key)))["unlock_id"].(string)
	wantStatus(t, s.post("/.paywall/refund", []string{"unlock_id", id}, cookie(key)), http.StatusSeeOther)
	raw := s.offer()
	page := s.get("/.paywall/unlock?offer="+raw, cookie(key), clicked)
	wantText(t, page, "Pay €0.20 and read</button>")
	if hasAutoScript(page) {
		t.Error("what was undone opens alone")
	}
	wantStatus(t, s.post("/.paywall/unlock", append(s.press(raw, cookie(key)), "auto", "true"), cookie(key)), http.StatusPaymentRequired)
	if other := s.get("/.paywall/unlock?offer="+s.offer(resource("/articles/other")), cookie(key), clicked); !hasAutoScript(other) {
		t.Error("another article does not open alone")
	}
}

// TestI17WeekLimitsParallelOpening: of twenty articles at 0.50 at once, a week's
// 2.00 buy four.
func TestI17WeekLimitsParallelOpening(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(50_000_000)
	wantStatus(t, s.post("/.paywall/wallet/settings", []string{"per_article", "0.50", "per_week", "2"}, cookie(key)), http.StatusSeeOther)
	var opened, asked atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		raw := s.offer(price(500_000), resource(fmt.Sprintf("/articles/%d", i)))
		wg.Go(func() {
			switch w := s.post("/.paywall/unlock", []string{"offer", raw, "auto", "true"}, cookie(key)); w.Code {
			case http.StatusSeeOther:
				opened.Add(1)
			case http.StatusPaymentRequired:
				asked.Add(1)
			default:
				t.Errorf("status %d", w.Code)
			}
		})
	}
	wg.Wait()
	if opened.Load() != 4 || asked.Load() != 16 || s.balance(key) != "48.00" {
		t.Errorf("%d opened, %d asked for, balance %s", opened.Load(), asked.Load(), s.balance(key))
	}
}

// TestWalletPageSuggestsOpeningWithoutAsking: after three purchases that were
// kept, with the price paid most often, and never again once it is set.
func TestWalletPageSuggestsOpeningWithoutAsking(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(50_000_000)
	const offer = "Next time, open articles up to €0.20 without asking, at most €2.00 a week</button>"
	s.bought(key, resource("/albums/x"), price(3_000_000))
	s.bought(key, resource("/1"))
	undone := s.bought(key, resource("/2"))
	s.call("/.paywall/refund", object{"unlock_id": undone}, bearer(key))
	if body := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Contains(body, "without asking, at most") {
		t.Error("it is suggested after two purchases")
	}
	s.bought(key, resource("/3"), price(500_000))
	german := header("Accept-Language", "de")
	wantText(t, s.get("/.paywall/wallet", cookie(key), german), `name="per_article" value="0,20"`, `name="per_week" value="2,00"`, "bis 0,20\u00a0€ ohne Nachfrage")
	page := s.get("/.paywall/wallet", cookie(key))
	wantText(t, page, offer)
	settings := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key)))["settings"].(object)
	if settings["per_week"] != "0.00" {
		t.Fatalf("it was set by showing it: %v", settings)
	}
	form := []string{"per_article", hidden(t, page.Body.String(), "per_article"), "per_week", hidden(t, page.Body.String(), "per_week")}
	wantStatus(t, s.post("/.paywall/wallet/settings", form, cookie(key)), http.StatusSeeOther)
	page = s.get("/.paywall/wallet", cookie(key))
	wantText(t, page, "€0.00 of €2.00")
	if strings.Contains(page.Body.String(), "Next time") {
		t.Error("what is set is suggested")
	}
}

// TestSuggestionIsAnAmountThatCanBeSet, in the form of the reader's language, for
// currencies that a mark could turn into another amount.
func TestSuggestionIsAnAmountThatCanBeSet(t *testing.T) {
	for currency, micros := range map[paywall.Currency]int64{"KWD": 1_250_000, "JPY": 30_000_000, "EUR": 1_000_000} {
		for _, tag := range page.Languages {
			x := &exchange{c: &Checkout{o: Options{Currency: currency}}, language: catalogueOf(t, tag)}
			paid := paywall.Unlock{Paid: paywall.Money{Micros: micros, Currency: currency}}
			got := suggest(x, []paywall.Unlock{paid, paid, paid}, paywall.Settings{})
			x.fields = map[string]string{"per_article": got.Article, "per_week": got.Week}
			set, wrong, err := wantedSettings(x, paywall.Settings{})
			if err != nil || set.Auto != (paywall.Auto{PerArticle: got.PerArticle, PerWeek: got.PerWeek}) || got.PerArticle != paid.Paid {
				t.Errorf("%s, %s: %+v is read as %+v: %s, %v", tag, currency, got, set, wrong, err)
			}
		}
	}
	x := &exchange{c: &Checkout{o: Options{Currency: "EUR"}}, language: catalogueOf(t, "en")}
	dear := paywall.Unlock{Paid: euro(900_000_000_000)}
	if got := suggest(x, []paywall.Unlock{dear, dear, dear}, paywall.Settings{}); got != (suggestion{}) {
		t.Errorf("more than can be set is suggested: %+v", got)
	}
}
