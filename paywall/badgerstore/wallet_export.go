package badgerstore

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// WalletExport implements [paywall.Store].
func (s *Store) WalletExport(ctx context.Context, wallet string) (paywall.WalletExport, error) {
	return query(ctx, s, s.latest, func(v *view) (e paywall.WalletExport, err error) {
		id, w, err := v.wallet(wallet)
		if err != nil {
			return e, err
		}
		e = paywall.WalletExport{
			ID: id.String(), Currency: s.o.Currency, Balance: s.money(w.balance), Settings: s.settings(w),
			Purchases: []paywall.Unlock{}, Tips: []paywall.TipState{}, Credits: []paywall.Credit{}, Devices: []paywall.Device{},
		}
		if err := s.exportDevices(v, w, &e); err != nil {
			return e, err
		}
		if e.Passkeys, err = s.passkeys(v, w.number); err != nil {
			return e, err
		}
		if e.Gifts, err = s.gifts(v, w); err != nil {
			return e, err
		}
		for at := w.bought; at != (journal.Ptr{}); {
			if err := s.interrupted(ctx); err != nil {
				return e, err
			}
			u, state, err := s.unlockAt(v, at)
			if err != nil {
				return e, err
			}
			e.Purchases = append(e.Purchases, u)
			at = state.prev
		}
		return e, s.exportTransfers(v, w, &e)
	})
}

// exportDevices reads the keys, and when the wallet was opened and with what.
func (s *Store) exportDevices(v *view, w wallet, e *paywall.WalletExport) error {
	opened, err := s.journal.Read(w.opened)
	if err != nil {
		return err
	}
	e.OpenedAt = opened.Time
	s.exportCredit(&opened, e)
	all, err := s.devices(v, w.number)
	for _, d := range all {
		e.Devices = append(e.Devices, d.Device)
	}
	return err
}

func (s *Store) exportTransfers(v *view, w wallet, e *paywall.WalletExport) error {
	welcome := e.Credits
	e.Credits = []paywall.Credit{}
	err := s.transfers(v, w, func(r *journal.Record) error {
		if r.Kind == paywall.KindTip {
			e.Tips = append(e.Tips, s.tipState(r))
		} else {
			s.exportCredit(r, e)
		}
		return nil
	})
	e.Credits = append(e.Credits, welcome...)
	return err
}

func (s *Store) exportCredit(r *journal.Record, e *paywall.WalletExport) {
	if r.Paid() > 0 {
		e.Credits = append(e.Credits, paywall.Credit{Kind: r.Kind, Amount: s.money(r.Paid()), At: r.Time})
	}
}
