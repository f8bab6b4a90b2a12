package checkout

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func underCap(micros int64) func(*paywall.Offer) {
	return func(o *paywall.Offer) { o.Cap = euro(micros) }
}

func refundsLimitedTo(n int) func(*Options) { return func(o *Options) { o.Refunds = n } }

// press is the purchase page's form, as the page has it.
func (s *site) press(raw string, changes ...change) []string {
	s.t.Helper()
	body := s.get("/.paywall/unlock?offer="+raw, changes...).Body.String()
	return []string{"offer", hidden(s.t, body, "offer"), "shown", hidden(s.t, body, "shown")}
}

func TestCapIsShownAndNeverExceeded(t *testing.T) {
	s := newSite(t)
	key, w := s.opened(5_350_000)
	raw := s.offer(underCap(600_000), resource("/articles/1"))
	wantText(t, s.get("/.paywall/unlock?offer="+raw, cookie(key)), "at most €0.60 a month", "So far this month: €0.00", "Pay €0.20 and read")
	wantStatus(t, s.post("/.paywall/unlock", s.press(raw, cookie(key)), cookie(key)), http.StatusSeeOther)

	s.spends(w, 350_000)
	raw = s.offer(underCap(600_000), resource("/articles/2"))
	page := s.get("/.paywall/unlock?offer="+raw, cookie(key))
	wantText(t, page, "Pay €0.05 and read", "<s>€0.20</s>", "This takes you to €0.60", "30 November 2026", "You have €4.80", "€4.75 left")
	v := decode(t, s.get("/.paywall/unlock?offer="+raw, asJSON, bearer(key)))
	if v["charge"] != "0.05" || v["price"] != "0.20" || v["cap"] != "0.60" {
		t.Errorf("answer %v", v)
	}
	v = decode(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)))
	if v["paid"] != "0.05" || v["balance"] != "4.75" {
		t.Errorf("answer %v", v)
	}
	raw = s.offer(underCap(600_000), resource("/articles/3"))
	page = s.get("/.paywall/unlock?offer="+raw, cookie(key))
	wantText(t, page, "Read for free</button>", "Free until the end of 30 November 2026", "you have reached €0.60")
	if body := page.Body.String(); strings.Contains(body, "Pay €") || strings.Contains(body, "Undo within") {
		t.Error("a purchase that takes nothing is shown as one that does")
	}
	wantStatus(t, s.post("/.paywall/unlock", s.press(raw, cookie(key)), cookie(key)), http.StatusSeeOther)
	if s.balance(key) != "4.75" {
		t.Errorf("balance %s", s.balance(key))
	}
}

func TestReaderWithoutMoneyReadsOnAtTheCap(t *testing.T) {
	s := newSite(t)
	key, w := s.opened(600_000)
	s.spends(w, 600_000)
	raw := s.offer(underCap(600_000))
	wantText(t, s.get("/.paywall/unlock?offer="+raw, cookie(key)), "Read for free</button>")
	wantStatus(t, s.post("/.paywall/unlock", s.press(raw, cookie(key)), cookie(key)), http.StatusSeeOther)
}

// TestNothingIsTakenBeyondWhatThePageSaid: the month, and with it what was spent,
// may end between the page and the press.
func TestNothingIsTakenBeyondWhatThePageSaid(t *testing.T) {
	s := newSite(t)
	s.advance(time.Date(2026, 11, 30, 23, 55, 0, 0, time.UTC).Sub(s.now()))
	key, w := s.opened(5_550_000)
	s.spends(w, 550_000)
	raw := s.offer(underCap(600_000))
	form := s.press(raw, cookie(key))
	s.advance(10 * time.Minute)
	page := s.post("/.paywall/unlock", form, cookie(key))
	wantStatus(t, page, http.StatusConflict)
	wantText(t, page, `role="alert"`, "nothing was charged", "Pay €0.20 and read")
	wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw, "shown": "0.05"}, bearer(key)), http.StatusConflict, "offer-changed")
	if got := s.balance(key); got != "5.00" {
		t.Errorf("balance %s", got)
	}
	wantStatus(t, s.post("/.paywall/unlock", s.press(raw, cookie(key)), cookie(key)), http.StatusSeeOther)
	if s.balance(key) != "4.80" {
		t.Errorf("balance %s", s.balance(key))
	}
}

func TestBadShownIsRefused(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	for _, shown := range []string{"x", "-0.20", "0,20", "1e3", "99999999999999999999"} {
		wantProblem(t, s.call("/.paywall/unlock", object{"offer": s.offer(), "shown": shown}, bearer(key)), http.StatusBadRequest, "malformed")
	}
	if _, debits, _ := s.counts(); debits != 0 {
		t.Errorf("%d debits", debits)
	}
}

func TestOverTheReadersBudgetNothingIsSold(t *testing.T) {
	s := newSite(t)
	key, w := s.opened(5_000_000)
	s.budget(w, 100_000)
	raw := s.offer()
	for _, page := range []struct {
		status int
		body   string
	}{
		{http.StatusOK, s.get("/.paywall/unlock?offer="+raw, cookie(key)).Body.String()},
		{http.StatusPaymentRequired, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)).Body.String()},
	} {
		if !strings.Contains(page.body, "more than you want to spend in a day") || !strings.Contains(page.body, `class="button pay" href="/.paywall/wallet"`) ||
			strings.Contains(page.body, `name="shown"`) {
			t.Errorf("%d: %s", page.status, page.body)
		}
	}
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusPaymentRequired)
	p := wantProblem(t, s.call("/.paywall/unlock", object{"offer": raw}, bearer(key)), http.StatusPaymentRequired, "over-budget")
	if _, topUp := p["topup"]; topUp {
		t.Error("more money would not help")
	}
	if s.balance(key) != "5.00" {
		t.Errorf("balance %s", s.balance(key))
	}
}

func TestRefundsAreLimitedByTheMonth(t *testing.T) {
	s := newSite(t, refundsLimitedTo(1))
	key, _ := s.opened(5_000_000)
	first, second := s.bought(key), s.bought(key, resource("/articles/two"))
	wantStatus(t, s.post("/.paywall/refund", []string{"unlock_id", first}, cookie(key)), http.StatusSeeOther)
	page := s.post("/.paywall/refund", []string{"unlock_id", second}, cookie(key))
	wantStatus(t, page, http.StatusTooManyRequests)
	wantText(t, page, "No more purchases can be undone this month", "first day of next month", `href="/.paywall/wallet"`)
	answer := s.call("/.paywall/refund", object{"unlock_id": second}, bearer(key))
	wantProblem(t, answer, http.StatusTooManyRequests, "too-many-refunds")
	if got := answer.Header().Get("Retry-After"); got != "734400" { // 8.5 days to 1 December
		t.Errorf("Retry-After %q", got)
	}
	if s.balance(key) != "4.80" {
		t.Errorf("balance %s", s.balance(key))
	}
}
