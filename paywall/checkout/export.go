package checkout

import (
	"encoding/json"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// exportEntry is a purchase in the reader's own copy, with whether it was a gift
// in place of the gift's hash.
type exportEntry struct {
	paywall.Unlock
	Gift bool `json:"gift,omitzero"`
}

// walletExport is the ledger's, without hashes.
type walletExport struct {
	paywall.WalletExport
	Purchases []exportEntry `json:"purchases"`
}

// exportWallet hands the reader all that is kept of them, as a file.
func (x *exchange) exportWallet() error {
	ctx := x.r.Context()
	store, who, err := x.reader(ctx)
	if err != nil {
		return err
	}
	all, err := store.WalletExport(ctx, who.wallet.ID)
	if err != nil {
		return err
	}
	export := walletExport{all, make([]exportEntry, 0, len(all.Purchases))}
	for _, u := range all.Purchases {
		export.Purchases = append(export.Purchases, exportEntry{u, u.Gift != paywall.Hash{}})
	}
	body, err := json.MarshalIndent(export, "", "  ")
	if err != nil {
		return err
	}
	x.answerHeaders()
	h := x.w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="wallet.json"`)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.write(http.StatusOK, append(body, '\n'))
	return nil
}
