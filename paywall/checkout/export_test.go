package checkout

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestReaderTakesTheirDataAlong: everything, as amounts that no program rounds,
// and nothing in it that would open anything.
func TestReaderTakesTheirDataAlong(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	id := s.bought(key)
	_, link := s.present(key, "/articles/given")
	gift, _ := link.Hash()
	for name, changes := range map[string][]change{"browser": {cookie(key)}, "program": {asJSON, bearer(key)}} {
		t.Run(name, func(t *testing.T) {
			w := s.get("/.paywall/wallet/export", changes...)
			wantStatus(t, w, http.StatusOK)
			for header, want := range map[string]string{
				"Content-Type": "application/json", "Content-Disposition": `attachment; filename="wallet.json"`,
				"Cache-Control": "private, no-store", "Vary": "Cookie, Authorization", "X-Content-Type-Options": "nosniff",
				"Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s: %q", header, got)
				}
			}
			v := decode(t, w)
			wantMembers(t, v, "wallet_id", "currency", "balance", "free_credit", "opened_at", "settings", "devices", "passkeys", "purchases", "gifts", "tips", "credits", "top_ups", "cash_outs")
			purchases := v["purchases"].([]any)
			if v["wallet_id"] != wallet.ID || v["balance"] != "4.80" || len(purchases) != 2 {
				t.Fatalf("export %v", v)
			}
			first, second := purchases[0].(object), purchases[1].(object)
			if second["unlock_id"] != id || second["paid"] != "0.20" || second["title"] != "The last tea shop" || second["gift"] != nil || first["gift"] != true {
				t.Errorf("purchases %v", purchases)
			}
			hash, _ := key.Hashes()
			for _, secret := range []string{string(key), key.RecoveryCode()} {
				if strings.Contains(w.Body.String(), secret) {
					t.Errorf("%q opens the wallet", secret)
				}
			}
			for _, h := range []paywall.Hash{hash.Key, hash.Code, gift} {
				if strings.Contains(w.Body.String(), base64.RawURLEncoding.EncodeToString(h[:])) || strings.Contains(w.Body.String(), hex.EncodeToString(h[:])) {
					t.Error("a hash is in the export")
				}
			}
		})
	}
	wantText(t, s.get("/.paywall/wallet", cookie(key)), `href="/.paywall/wallet/export"`)
	wantStatus(t, s.get("/.paywall/wallet/export"), http.StatusUnauthorized)
	wantProblem(t, s.get("/.paywall/wallet/export", asJSON), http.StatusUnauthorized, "no-such-wallet")
	wantStatus(t, s.get("/.paywall/wallet/export", cookie(key), cookie(paywall.NewWalletKey())), http.StatusBadRequest)
	if body := s.send(http.MethodHead, "/.paywall/wallet/export", "", "", cookie(key)).Body; body.Len() > 0 {
		t.Errorf("HEAD answers %s", body)
	}
}
