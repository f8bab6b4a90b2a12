package badgerstore

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// WalletExport implements [paywall.Store].
func (s *Store) WalletExport(ctx context.Context, wallet string) (paywall.WalletExport, error) {
	return query(ctx, s, s.settled, func(v *view) (e paywall.WalletExport, err error) {
		id, w, err := v.wallet(wallet)
		if err != nil {
			return e, err
		}
		e = paywall.WalletExport{
			ID: id.String(), Currency: s.o.Currency, Balance: s.money(w.balance), Settings: s.settings(w),
			Purchases: []paywall.Unlock{}, Tips: []paywall.TipState{}, Credits: []paywall.Credit{}, Devices: []paywall.Device{},
		}
		if err := s.exportDevices(v, w.number, &e); err != nil {
			return e, err
		}
		if e.Passkeys, err = s.passkeys(v, w.number); err != nil {
			return e, err
		}
		if e.Gifts, err = s.gifts(v, w.number); err != nil {
			return e, err
		}
		places, err := v.bought(w.number)
		if err != nil {
			return e, err
		}
		for _, at := range places {
			if err := s.interrupted(ctx); err != nil {
				return e, err
			}
			u, err := s.unlockAt(v, at)
			if err != nil {
				return e, err
			}
			e.Purchases = append(e.Purchases, u)
		}
		return e, s.exportTransfers(v, w.number, &e)
	})
}

// exportDevices reads the keys, and with the first of them when the wallet was
// opened and with what. That one may have been dropped since.
func (s *Store) exportDevices(v *view, n number, e *paywall.WalletExport) error {
	all, err := s.devices(v, n)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.added.Kind == paywall.KindOpen {
			e.OpenedAt = d.added.Time
			s.exportCredit(d.added, e)
		}
		if d.opens {
			e.Devices = append(e.Devices, d.Device)
		}
	}
	return nil
}

func (s *Store) exportTransfers(v *view, n number, e *paywall.WalletExport) error {
	list, err := s.transfers(v, n)
	if err != nil {
		return err
	}
	welcome := e.Credits
	e.Credits = []paywall.Credit{}
	for _, r := range list {
		if r.Kind != paywall.KindTip {
			s.exportCredit(&r, e)
			continue
		}
		e.Tips = append(e.Tips, s.tipState(&r))
	}
	e.Credits = append(e.Credits, welcome...)
	return nil
}

func (s *Store) exportCredit(r *journal.Record, e *paywall.WalletExport) {
	if r.Paid() > 0 {
		e.Credits = append(e.Credits, paywall.Credit{Kind: r.Kind, Amount: s.money(r.Paid()), At: r.Time})
	}
}
