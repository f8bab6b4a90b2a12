package topup

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Placed is what became of one movement of a statement.
type Placed struct {
	Movement paywall.Movement
	Booked   paywall.Booked
	Err      error // why it could not be booked; nil if it was
}

// Place books the movements of a bank's statement, with ids in clear; each names its way
// in Way. The same statement again books nothing. The time of a movement is its booking
// date: the same in all statements.
//
// A refund that names an intent, and no payment, is a cash-out that a person sent: the
// open part of that intent with the same amount is done by it. Without one, a payment of
// that intent was given back; without such a payment, it stands in suspense.
//
// When the ledger is away, Place answers what it placed so far, and the error.
func (s *Service) Place(ctx context.Context, movements []paywall.Movement) ([]Placed, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	placed := make([]Placed, 0, len(movements))
	for _, m := range movements {
		if _, err := s.way(m.Way); err != nil {
			placed = append(placed, Placed{Movement: m, Err: err})
			continue
		}
		booked, err := s.place(ctx, l, m)
		if ctx.Err() != nil || errors.Is(err, paywall.ErrUnavailable) {
			return placed, err
		}
		placed = append(placed, Placed{m, booked, err})
	}
	return placed, nil
}

func (s *Service) place(ctx context.Context, l Ledger, m paywall.Movement) (paywall.Booked, error) {
	if m.Kind != paywall.MovedRefund || m.Payment != "" {
		return s.book(ctx, l, m.Way, m)
	}
	part, err := s.partOf(ctx, l, m)
	if err != nil {
		return paywall.Booked{}, err
	}
	known := m
	known.Payment, known.CashOut = part.Payment, part.ID
	if part.ID == "" {
		known.Payment = m.ID // of no payment: only a refund that was booked before has this id
	}
	booked, err := s.book(ctx, l, m.Way, known)
	if errors.Is(err, paywall.ErrConflict) { // by an earlier import, for another part
		return paywall.Booked{Placed: true, Replayed: true}, nil
	}
	if !isNotFound(err) {
		return booked, err
	}
	if known.Payment, err = s.paymentOf(ctx, l, m); err != nil {
		return paywall.Booked{}, err
	}
	if known.Payment == "" {
		return s.bookUnexplained(ctx, l, m)
	}
	return s.book(ctx, l, m.Way, known)
}

// paymentOf finds the payment of an intent that a person gave back, "" if there is none:
// the last of that amount, or else the last one. This reads the journal; it is rare.
func (s *Service) paymentOf(ctx context.Context, l Ledger, m paywall.Movement) (string, error) {
	in, err := s.find(ctx, l, m.Intent)
	if err != nil {
		return "", ignoring(err, errNoIntent)
	}
	var last, fitting string
	for moved, err := range l.Movements(ctx, in.Begun) {
		if err != nil {
			return "", err
		}
		if moved.Kind != paywall.MovedPayment || moved.Way != m.Way || moved.Intent != in.ID {
			continue
		}
		last = moved.Payment
		if moved.Amount == m.Amount {
			fitting = last
		}
	}
	return s.o.Seals.open(cmp.Or(fitting, last))
}

func ignoring(err, ignored error) error {
	if errors.Is(err, ignored) {
		return nil
	}
	return err
}

// partOf finds the open cash-out that a refund completes; without ID if there is none.
// What left the bank before the part was planned is another's.
func (s *Service) partOf(ctx context.Context, l Ledger, m paywall.Movement) (paywall.CashOutPart, error) {
	in, err := s.find(ctx, l, m.Intent)
	if err != nil {
		return paywall.CashOutPart{}, ignoring(err, errNoIntent)
	}
	for after := ""; ; {
		page, err := l.OpenCashOuts(ctx, after, pageSize)
		if err != nil {
			return paywall.CashOutPart{}, err
		}
		for _, part := range page {
			after = part.ID
			early := m.At.Before(part.At.UTC().Truncate(24 * time.Hour))
			if part.Way == m.Way && part.Intent == in.ID && part.Amount == m.Amount && !early {
				return s.openedPart(part)
			}
		}
		if len(page) < pageSize {
			return paywall.CashOutPart{}, nil
		}
	}
}

// Unclaimed lists money that came and that nobody placed yet, at most limit of it. The
// ids are in clear, but for those whose key is gone.
func (s *Service) Unclaimed(ctx context.Context, limit int) ([]paywall.Unclaimed, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	list, err := l.Unclaimed(ctx, "", limit)
	if err != nil {
		return nil, err
	}
	for i, u := range list {
		if id, err := s.o.Seals.open(u.ID); err == nil {
			list[i].ID = id
		}
	}
	return list, nil
}

// Assign gives unclaimed money to the wallet that began an intent.
func (s *Service) Assign(ctx context.Context, way, id, intent string) (paywall.Booked, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return paywall.Booked{}, err
	}
	in, err := s.find(ctx, l, intent)
	if err != nil {
		return paywall.Booked{}, err
	}
	var booked paywall.Booked
	err = s.eachName(id, func(name string) (err error) {
		booked, err = l.Assign(ctx, way, name, in.ID)
		return err
	})
	return booked, err
}

// SendBack records that a person sent unclaimed money back.
func (s *Service) SendBack(ctx context.Context, way, id string) error {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return err
	}
	return s.eachName(id, func(name string) error { return l.SendBack(ctx, way, name) })
}

// eachName calls do with the names that a ledger may know an id by, until it is found.
func (s *Service) eachName(id string, do func(name string) error) error {
	if _, err := s.o.Seals.open(id); err == nil || errors.Is(err, errForgotten) {
		return do(id)
	}
	for _, year := range s.o.Seals.years() {
		name, err := s.o.Seals.seal(id, year)
		if err != nil {
			return err
		}
		if err := do(name); !isNotFound(err) {
			return err
		}
	}
	return do(id)
}
