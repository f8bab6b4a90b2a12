package ledger

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Export writes every record in order, one JSON object a line, up to the last one that
// was durable when it began: the journal's lines as they stand.
func (l *Ledger) Export(ctx context.Context, w io.Writer) error {
	for line, err := range l.engine.Lines(ctx, 0) {
		if err != nil {
			return err
		}
		if err := l.interrupted(ctx); err != nil {
			return err
		}
		if _, err := w.Write(line.Bytes); err != nil {
			return fmt.Errorf("exporting the ledger: %w", err)
		}
	}
	return nil
}

// exportPart is how many entries of a list are in one part of an export.
const exportPart = 200

// WalletExport hands over everything that the ledger holds of a wallet, in parts that
// fit into memory: first all but the lists that grow with its history, then those, in the
// order of the fields, a part of one at a time. It ends with ctx, and with the first error
// of part, which it answers. Each part is read by itself, so nothing is held while the one
// before is on its way to a slow reader. [paywall.ErrNoWallet].
func (l *Ledger) WalletExport(ctx context.Context, id string, part func(*paywall.WalletExport) error) error {
	var w state.Wallet
	var welcome []paywall.Credit // the oldest
	head, err := look(ctx, l, Reads{List: true}, func(v *view) (e *paywall.WalletExport, err error) {
		if _, w, err = v.wallet(id); err != nil {
			return nil, err
		}
		opened, err := v.Record(w.Opened)
		if err != nil {
			return nil, err
		}
		if opened.Paid() > 0 {
			welcome = v.credits([]*journal.Record{opened})
		}
		return exportHead(v, id, &w, opened.Time)
	})
	if err != nil {
		return err
	}
	if err := part(head); err != nil {
		return err
	}
	for _, list := range [...]struct {
		newest Ref
		read   func(v *view, at Ref, e *paywall.WalletExport) (next Ref, err error)
	}{
		{w.Bought, func(v *view, at Ref, e *paywall.WalletExport) (next Ref, err error) {
			e.Purchases, next, err = unlocks(ctx, l, v, &w, at, exportPart)
			return next, err
		}},
		{w.Gave, func(v *view, at Ref, e *paywall.WalletExport) (next Ref, err error) {
			e.Gifts, next, err = gifts(ctx, l, v, &w, at, exportPart)
			return next, err
		}},
		{w.Moved, func(v *view, at Ref, e *paywall.WalletExport) (next Ref, err error) {
			moved, next, err := transfers(ctx, l, v, w.Number, at, exportPart)
			e.Tips = v.tips(&w, moved)
			return next, err
		}},
		{w.Moved, func(v *view, at Ref, e *paywall.WalletExport) (next Ref, err error) {
			moved, next, err := transfers(ctx, l, v, w.Number, at, exportPart)
			e.Credits = v.credits(moved)
			return next, err
		}},
	} {
		for at := list.newest; !at.IsZero(); {
			e, err := look(ctx, l, walletReads(id), func(v *view) (e *paywall.WalletExport, err error) {
				if _, w, err = v.wallet(id); err != nil { // erased meanwhile
					return nil, err
				}
				e = &paywall.WalletExport{}
				at, err = list.read(v, at, e)
				return e, err
			})
			if err != nil {
				return err
			}
			if err := part(e); err != nil {
				return err
			}
		}
	}
	if len(welcome) == 0 {
		return nil
	}
	return part(&paywall.WalletExport{Credits: welcome})
}

// exportHead is all of a wallet but its history.
func exportHead(v *view, id string, w *state.Wallet, opened time.Time) (*paywall.WalletExport, error) {
	e := &paywall.WalletExport{
		ID: id, Currency: v.currency, Balance: v.money(w.Balance), Free: v.money(w.Free), OpenedAt: opened, Settings: v.settings(w),
	}
	live, err := v.devices(w.Number)
	if err != nil {
		return nil, err
	}
	if e.Devices, err = v.publicDevices(live); err != nil {
		return nil, err
	}
	e.Passkeys, err = v.passkeys(w.Number)
	return e, err
}

func (v *view) credits(list []*journal.Record) (credits []paywall.Credit) {
	for _, r := range list {
		if r.Kind != paywall.KindTip {
			credits = append(credits, paywall.Credit{Kind: r.Kind, Amount: v.money(legOf(r, paywall.WalletAccount(r.Wallet))), At: r.Time})
		}
	}
	return credits
}
