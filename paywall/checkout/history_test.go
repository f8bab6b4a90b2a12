package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestALongHistoryComesInPages: the page and its JSON have the newest 200
// listPurchases, and lead to those before them.
func TestALongHistoryComesInPages(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(500_000_000)
	var newestFirst []string
	for i := range 2*maxListed + 3 {
		titled := func(o *paywall.Offer) { o.Title = fmt.Sprintf("Article %d.", i) }
		id := s.boughtBehind(wallet, resource(fmt.Sprintf("/articles/%d", i)), titled)
		newestFirst = append([]string{id}, newestFirst...)
	}
	address, got, pages := "/.paywall/wallet", []string{}, 0
	for ; address != ""; pages++ {
		v := decode(t, s.get(address, asJSON, bearer(key)))
		for _, u := range v["unlocks"].([]any) {
			got = append(got, u.(object)["unlock_id"].(string))
		}
		address = ""
		if next, more := v["next"].(string); more {
			address = "/.paywall/wallet?before=" + next
		}
	}
	if pages != 3 || strings.Join(got, " ") != strings.Join(newestFirst, " ") {
		t.Errorf("the JSON has %d purchases on %d pages", len(got), pages)
	}
	older := `href="/.paywall/wallet?before=` + newestFirst[maxListed-1] + `"`
	first := s.get("/.paywall/wallet", cookie(key))
	wantText(t, first, older, "Older purchases", fmt.Sprintf("Article %d.", 2*maxListed+2))
	if n := strings.Count(first.Body.String(), "receipt?unlock="); n != maxListed {
		t.Errorf("the page lists %d purchases", n)
	}
	last := s.get("/.paywall/wallet?before="+newestFirst[2*maxListed-1], cookie(key))
	wantText(t, last, "Article 0.", "Article 2.")
	if strings.Contains(last.Body.String(), "Older purchases") {
		t.Error("the last page leads to older ones")
	}
	wantStatus(t, s.get("/.paywall/wallet?before=nonsense", cookie(key)), http.StatusNotFound)
	wantProblem(t, s.get("/.paywall/wallet?before="+paywall.NewID(), asJSON, bearer(key)), http.StatusNotFound, "not-found")
	// One purchase is found however old it is.
	wantStatus(t, s.get("/.paywall/receipt?unlock="+newestFirst[len(newestFirst)-1], cookie(key)), http.StatusOK)
}

// halfExport is a ledger whose exports break off.
type halfExport struct{ Ledger }

func (l halfExport) WalletExport(ctx context.Context, wallet string, part func(*paywall.WalletExport) error) error {
	return errors.Join(l.Ledger.WalletExport(ctx, wallet, part), errDisk)
}

// TestHalfAnExportIsNotTakenForAll ends the connection where a part cannot be read.
func TestHalfAnExportIsNotTakenForAll(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.bought(key)
	s.through(halfExport{s.ledger})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("the export ends with %v", p)
		}
	}()
	s.get("/.paywall/wallet/export", cookie(key))
	t.Error("half an export is answered as a whole one")
}
