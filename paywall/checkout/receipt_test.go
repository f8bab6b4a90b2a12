package checkout

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

func TestReceiptsNameTheSaleAndNobody(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	shared := func(o *paywall.Offer) { o.Shares = []paywall.Share{{Creator: "alice", PPM: 700_000}} }
	id := s.bought(key, shared)
	wantText(t, s.get("/.paywall/wallet", cookie(key)), `href="/.paywall/receipt?unlock=`+id+`"`, "Receipt for \u2068The last tea shop\u2069")
	w := s.get("/.paywall/receipt?unlock="+id, cookie(key))
	wantStatus(t, w, http.StatusOK)
	wantText(t, w, "news.example", "<bdi>The last tea shop</bdi>", "22 November 2026", "€0.20", id, "a wallet has no name")
	for _, other := range []string{"alice", wallet.ID, string(key), key.RecoveryCode(), "€5.00", "€4.80", "Refunded"} {
		if strings.Contains(w.Body.String(), other) {
			t.Errorf("the receipt has %q", other)
		}
	}
	// The switch of languages stays with the receipt.
	wantText(t, w, `action="/.paywall/receipt"`, `name="unlock" value="`+id+`"`)

	wantStatus(t, s.post("/.paywall/refund", []string{"unlock_id", id}, cookie(key)), http.StatusSeeOther)
	wantText(t, s.get("/.paywall/receipt?unlock="+id, cookie(key)), "Refunded on 22 November 2026", "€0.20")

	w = s.get("/.paywall/receipt?unlock="+id, asJSON, bearer(key))
	wantStatus(t, w, http.StatusOK)
	v := decode(t, w)
	wantMembers(t, v, "unlock_id", "site", "resource", "title", "paid", "currency", "at", "refunded_at")
	if v["paid"] != "0.20" || v["currency"] != "EUR" || v["site"] != testOrigin || v["refunded_at"] != "2026-11-22T12:00:00Z" {
		t.Errorf("receipt %v", v)
	}
}

func TestS02S06ReceiptsOfOthersAreNotShown(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	theirs, _ := s.opened(5_000_000)
	id := s.bought(theirs)
	for _, query := range []string{"?unlock=" + id, "?unlock=", "", "?unlock=x"} {
		wantStatus(t, s.get("/.paywall/receipt"+query, cookie(mine)), http.StatusNotFound)
		wantStatus(t, s.get("/.paywall/receipt"+query), http.StatusUnauthorized)
	}
	wantProblem(t, s.get("/.paywall/receipt?unlock="+id, asJSON, bearer(mine)), http.StatusNotFound, "not-found")
}

func TestGiftsHaveNoReceipt(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.present(key, "/articles/tea")
	if page := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Contains(page, "/.paywall/receipt") {
		t.Error("a gift has a receipt")
	}
}

// TestS06NothingTellsWhatOthersOwn: a page is the same whoever else has bought the
// article, and what belongs to others is answered like what is not there.
func TestS06NothingTellsWhatOthersOwn(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	theirs, _ := s.opened(5_000_000)
	raw := s.offer()
	look := func() []string {
		stranger := s.get("/.paywall/unlock?offer=" + raw).Body.String()
		return []string{
			s.get("/.paywall/unlock?offer="+raw, cookie(mine)).Body.String(),
			s.get("/.paywall/unlock?offer="+raw, asJSON, bearer(mine)).Body.String(),
			strings.ReplaceAll(stranger, hidden(t, stranger, "new_wallet"), ""),
		}
	}
	before := look()
	id := s.bought(theirs)
	if after := look(); !slices.Equal(before, after) {
		t.Errorf("a purchase of somebody else's changed a page:\n%s\n%s", before, after)
	}
	for _, path := range []string{"/.paywall/refund", "/.paywall/wallet/gift"} {
		there := s.call(path, object{"unlock_id": id, "key": string(paywall.NewGiftKey())}, bearer(mine))
		nowhere := s.call(path, object{"unlock_id": paywall.NewID(), "key": string(paywall.NewGiftKey())}, bearer(mine))
		if there.Code != nowhere.Code || there.Body.String() != nowhere.Body.String() {
			t.Errorf("%s tells: %d %s, %d %s", path, there.Code, there.Body, nowhere.Code, nowhere.Body)
		}
	}
}
