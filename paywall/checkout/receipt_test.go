package checkout

import (
	"net/http"
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

func TestReceiptsOfOthersAreNotShown(t *testing.T) {
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
	s.store.unlocks[s.bought(key)].Gift = paywall.Hash{1}
	if page := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Contains(page, "/.paywall/receipt") {
		t.Error("a gift has a receipt")
	}
}
