package badgerstore

import (
	"context"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// exportPart is how many entries of a list are in one part of an export.
const exportPart = 200

// WalletExport implements [paywall.Store]. Each part is read by itself, so nothing
// is held while the one before is on its way to a slow reader.
func (s *Store) WalletExport(ctx context.Context, id string, part func(*paywall.WalletExport) error) error {
	var w wallet
	var welcome []paywall.Credit // the oldest
	head, err := query(ctx, s, s.latest, func(v *view) (e *paywall.WalletExport, err error) {
		if _, w, err = v.wallet(id); err != nil {
			return nil, err
		}
		opened, err := s.journal.Read(w.opened)
		if err != nil {
			return nil, err
		}
		if opened.Paid() > 0 {
			welcome = s.credits([]journal.Record{opened})
		}
		return s.exportHead(v, id, w, opened.Time)
	})
	if err != nil {
		return err
	}
	if err := part(head); err != nil {
		return err
	}
	for _, list := range [...]struct {
		newest journal.Ref
		read   func(v *view, at journal.Ref, e *paywall.WalletExport) (next journal.Ref, err error)
	}{
		{w.bought, func(v *view, at journal.Ref, e *paywall.WalletExport) (next journal.Ref, err error) {
			e.Purchases, _, next, err = s.unlocks(ctx, v, w, at, exportPart)
			return next, err
		}},
		{w.gave, func(v *view, at journal.Ref, e *paywall.WalletExport) (next journal.Ref, err error) {
			e.Gifts, next, err = s.gifts(ctx, v, w, at, exportPart)
			return next, err
		}},
		{w.moved, func(v *view, at journal.Ref, e *paywall.WalletExport) (next journal.Ref, err error) {
			moved, next, err := s.transfers(ctx, v, w.number, at, exportPart)
			e.Tips = s.tips(w, moved)
			return next, err
		}},
		{w.moved, func(v *view, at journal.Ref, e *paywall.WalletExport) (next journal.Ref, err error) {
			moved, next, err := s.transfers(ctx, v, w.number, at, exportPart)
			e.Credits = s.credits(moved)
			return next, err
		}},
	} {
		for at := list.newest; !at.IsZero(); {
			e, err := query(ctx, s, s.latest, func(v *view) (e *paywall.WalletExport, err error) {
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
func (s *Store) exportHead(v *view, id string, w wallet, opened time.Time) (*paywall.WalletExport, error) {
	e := &paywall.WalletExport{
		ID: id, Currency: s.o.Currency, Balance: s.money(w.balance), Free: s.money(w.free), OpenedAt: opened, Settings: s.settings(w),
		Devices: []paywall.Device{},
	}
	devices, err := s.devices(v, w.number)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		e.Devices = append(e.Devices, d.Device)
	}
	e.Passkeys, err = s.passkeys(v, w.number)
	return e, err
}

func (s *Store) credits(list []journal.Record) (credits []paywall.Credit) {
	for i := range list {
		if r := &list[i]; r.Kind != paywall.KindTip {
			credits = append(credits, paywall.Credit{Kind: r.Kind, Amount: s.money(r.Paid()), At: r.Time})
		}
	}
	return credits
}
