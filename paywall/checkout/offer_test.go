package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestOffersTellProgramsWhoGetsAShare(t *testing.T) {
	s := newSite(t)
	raw := s.offer(func(o *paywall.Offer) {
		o.Shares = []paywall.Share{{Creator: "alice", PPM: 700_000}, {Creator: "bob", PPM: 5_000}}
	})
	v := decode(t, s.get("/.paywall/unlock?offer="+raw, asJSON))
	if got := fmt.Sprint(v["shares"]); got != "[map[creator:alice percent:70] map[creator:bob percent:0.5]]" {
		t.Errorf("shares %s", got)
	}
}

func TestExpiredOfferLeadsBackToTheArticle(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	s.advance(paywall.OfferTTL + 2*time.Minute)
	for _, w := range []*httptest.ResponseRecorder{
		s.get("/.paywall/unlock?offer="+raw, cookie(key)),
		s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)),
	} {
		wantStatus(t, w, http.StatusGone)
		wantText(t, w, `href="/articles/tea?ref=front"`, "This offer has run out")
	}
	wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusGone, "offer-expired")
	if s.balance(key) != "5.00" {
		t.Error("an expired offer was honoured")
	}
}

// TestOfferWhoseAccessHasEndedLeadsBackToTheArticle: what was bought for a minute
// is over before its offer is.
func TestOfferWhoseAccessHasEndedLeadsBackToTheArticle(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer(func(o *paywall.Offer) { o.Access = time.Minute })
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusSeeOther)
	for _, later := range []time.Duration{time.Minute - time.Millisecond, time.Millisecond, time.Minute} {
		s.advance(later)
		w := s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key))
		if later == time.Minute-time.Millisecond {
			wantStatus(t, w, http.StatusSeeOther)
			continue
		}
		wantStatus(t, w, http.StatusGone)
		wantText(t, w, `href="/articles/tea?ref=front"`, "This offer has run out")
		wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusGone, "offer-expired")
	}
	if s.balance(key) != "4.80" {
		t.Errorf("balance %s", s.balance(key))
	}
}

func TestG22ForgedOffersAreRefused(t *testing.T) {
	s, other := newSite(t), newSite(t)
	key, _ := s.opened(5_000_000)
	good := s.offer()
	signature := strings.LastIndexByte(good, '.')
	access, _, err := s.signedAccess()
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"none": "", "junk": "hello", "cut": good[:len(good)-4], "unsigned": good[:signature+1],
		"foreign key": other.offer(), "an access token": access, "long": good + strings.Repeat("a", 9000),
		"another site": s.offer(func(o *paywall.Offer) { o.Site, o.Checkout = "https://evil.test", "https://evil.test" }),
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, s.get("/.paywall/unlock?offer="+raw, cookie(key)), http.StatusBadRequest)
			wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusBadRequest)
			wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusBadRequest, "malformed")
		})
	}
	if s.balance(key) != "5.00" {
		t.Error("a forged offer was honoured")
	}
}

func (s *site) signedAccess() (string, time.Time, error) {
	x := &exchange{c: s.c, request: request{origin: testOrigin, now: s.now()}}
	return issue(x, &paywall.Unlock{ID: paywall.NewID(), Site: testOrigin, Resource: "/articles/tea"})
}

func TestRefundedOfferIsNotSoldAgain(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	id := decode(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)))["unlock_id"].(string)
	wantStatus(t, s.call("/.paywall/refund", object{"unlock_id": id}, bearer(key)), http.StatusOK)
	// Who goes back to the page is told there, and not by a button that opens nothing.
	for _, w := range []*httptest.ResponseRecorder{s.get("/.paywall/unlock?offer="+raw, cookie(key)), s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key))} {
		wantStatus(t, w, http.StatusGone)
		wantText(t, w, `href="/articles/tea?ref=front"`)
	}
	wantProblem(t, s.get("/.paywall/unlock?offer="+raw, asJSON, bearer(key)), http.StatusGone, "offer-expired")
	wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusGone, "offer-expired")
	if s.balance(key) != "5.00" {
		t.Errorf("balance %s", s.balance(key))
	}
}

// TestAnOfferForSomethingElseIsNotShown: one that a press would be refused for, although
// more is shown than the first one took.
func TestAnOfferForSomethingElseIsNotShown(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := paywall.NewID()
	first := func(o *paywall.Offer) { o.ID = id }
	s.bought(key, first)
	raw := s.offer(first, resource("/articles/other"), price(900_000))
	for _, w := range []*httptest.ResponseRecorder{
		s.get("/.paywall/unlock?offer="+raw, cookie(key)), s.post("/.paywall/unlock", []string{"offer", raw, "shown", "0.20"}, cookie(key)),
	} {
		wantStatus(t, w, http.StatusConflict)
		wantText(t, w, "This offer was already used", `href="/articles/other"`)
	}
	wantProblem(t, s.get("/.paywall/unlock?offer="+raw, asJSON, bearer(key)), http.StatusConflict, "offer-changed")
	if s.balance(key) != "4.80" {
		t.Errorf("balance %s", s.balance(key))
	}
}

// TestAnExpiredOfferLeadsToWhatIsOwned: its page may stand in a tab for longer than the
// offer holds, while the article is bought in another.
func TestAnExpiredOfferLeadsToWhatIsOwned(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	other, _ := s.opened(5_000_000)
	raw := s.offer()
	s.bought(key)
	s.advance(time.Hour)
	w := s.get("/.paywall/unlock?offer="+raw, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if c := cookieNamed(w, accessCookie); c == nil || w.Header().Get("Location") != "/articles/tea?ref=front" {
		t.Errorf("answer %v", w.Header())
	}
	for _, changes := range [][]change{nil, {cookie(other)}, {asJSON, bearer(key)}} {
		wantStatus(t, s.get("/.paywall/unlock?offer="+raw, changes...), http.StatusGone)
	}
	wrong := s.post("/.paywall/topup/voucher", []string{"offer", raw, "code", "x"}, cookie(key))
	wantStatus(t, wrong, http.StatusUnprocessableEntity)
	wantText(t, wrong, "This voucher code is not valid")
	if strings.Contains(wrong.Body.String(), `method="post" action="/.paywall/unlock"`) {
		t.Error("what is owned is sold")
	}
}
