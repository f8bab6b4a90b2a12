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
	x := &exchange{c: s.c, origin: testOrigin, now: s.now()}
	return x.issue(&paywall.Unlock{ID: paywall.NewID(), Site: testOrigin, Resource: "/articles/tea"})
}

func TestRefundedOfferIsNotSoldAgain(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	id := decode(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)))["unlock_id"].(string)
	wantStatus(t, s.call("/.paywall/refund", object{"unlock_id": id}, bearer(key)), http.StatusOK)
	w := s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key))
	wantStatus(t, w, http.StatusGone)
	wantText(t, w, `href="/articles/tea?ref=front"`)
	if s.balance(key) != "5.00" {
		t.Errorf("balance %s", s.balance(key))
	}
}
