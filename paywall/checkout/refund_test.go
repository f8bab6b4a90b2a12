package checkout

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// strict is a ledger that finds purchases final, and undoes none.
type strict struct {
	Ledger
	final, refusal *paywall.Error
	undone         int
}

func (s strict) Quote(ctx context.Context, wallet string, o paywall.Offer) (paywall.Quote, error) {
	q, err := s.Ledger.Quote(ctx, wallet, o)
	if q.Undone = s.undone; s.final != nil {
		q.Final = s.final
	}
	return q, err
}

func (s strict) Refund(context.Context, string, string, int) (paywall.Receipt, error) {
	return paywall.Receipt{}, s.refusal
}

func (s strict) Settings(ctx context.Context, wallet string) (paywall.Settings, paywall.Spending, error) {
	settings, spent, err := s.Ledger.Settings(ctx, wallet)
	spent.Undone = s.undone
	return settings, spent, err
}

func (s *site) strictly(with strict) {
	with.Ledger = s.ledger
	s.through(with)
}

// TestWhatCannotBeUndoneIsSaidBefore the purchase, with the reason.
func TestWhatCannotBeUndoneIsSaidBefore(t *testing.T) {
	for name, tc := range map[string]struct {
		with strict
		want string
	}{
		"undone before":    {strict{final: paywall.ErrRefundOnce}, "You undid this article before"},
		"the cap":          {strict{final: paywall.ErrRefundCapped}, "nothing that you buy on this site this month can be undone"},
		"too many a month": {strict{undone: 5}, "You have undone as many purchases as a month allows"},
		"nothing":          {strict{undone: 4}, "Undo within 30 minutes"},
	} {
		s := newSite(t)
		key, _ := s.opened(1_000_000)
		s.strictly(tc.with)
		target := "/.paywall/unlock?offer=" + s.offer()
		page := s.get(target, cookie(key))
		wantText(t, page, tc.want)
		if possible := name == "nothing"; strings.Contains(page.Body.String(), "Undo within") != possible {
			t.Errorf("%s: the page promises an undo, or does not", name)
		} else if got := decode(t, s.get(target, asJSON, bearer(key)))["refundable"]; got != possible {
			t.Errorf("%s: refundable is %v", name, got)
		}
	}
}

// TestARefusedUndoSaysWhy in words: to people in their language, to programs with
// one type and the reason as its detail.
func TestARefusedUndoSaysWhy(t *testing.T) {
	for want, tc := range map[string]struct {
		refusal *paywall.Error
		german  string
		detail  string
	}{
		"The time for it is over":              {paywall.ErrRefundClosed, "Die Frist ist vorbei", "time for a refund is over"},
		"You undid this article once before":   {paywall.ErrRefundOnce, "schon einmal rückgängig gemacht", "undone before"},
		"the most that a month costs":          {paywall.ErrRefundCapped, "was ein Monat auf dieser Website höchstens kostet", "the most that a month costs"},
		"Others have read the article through": {paywall.ErrRefundGiven, "Andere haben den Artikel", "gift link"},
	} {
		s := newSite(t)
		key, _ := s.opened(1_000_000)
		s.strictly(strict{refusal: tc.refusal})
		page := s.post("/.paywall/refund", []string{"unlock_id", "x"}, cookie(key))
		wantStatus(t, page, http.StatusConflict)
		wantText(t, page, "can no longer be undone", want)
		wantText(t, s.post("/.paywall/refund", []string{"unlock_id", "x"}, cookie(key), header("Accept-Language", "de")), tc.german)
		problem := wantProblem(t, s.call("/.paywall/refund", object{"unlock_id": "x"}, bearer(key)), http.StatusConflict, "refund-closed")
		if detail, _ := problem["detail"].(string); !strings.Contains(detail, tc.detail) {
			t.Errorf("the detail is %q", detail)
		}
	}
}

// TestAMonthsUndosAreFive unless the options say otherwise, and once they are used
// up nothing says that there are more.
func TestAMonthsUndosAreFive(t *testing.T) {
	s := newSite(t)
	if s.c.o.Refunds != 5 {
		t.Errorf("%d purchases can be undone in a month", s.c.o.Refunds)
	}
	key, _ := s.opened(1_000_000)
	u := s.unlock(key)
	for _, undone := range []int{4, 5} {
		s.strictly(strict{undone: undone})
		possible := undone < 5
		if got := strings.Contains(s.get("/.paywall/wallet", cookie(key)).Body.String(), "left to undo"); got != possible {
			t.Errorf("after %d undos, that the wallet page offers one is %v", undone, got)
		}
		if got := strings.Contains(s.bar(u), "Undo"); got != possible {
			t.Errorf("after %d undos, that the bar offers one is %v", undone, got)
		}
		entry := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key)))["unlocks"].([]any)[0].(object)
		if got := entry["refundable_until"] != entry["at"]; got != possible {
			t.Errorf("after %d undos the purchase is %v", undone, entry)
		}
	}
}
