package topup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// maxMovementID bounds what a way may call a movement, in bytes: sealed, it is a third longer.
const maxMovementID = 150

// errForeign is of money in another currency than the ledger's: it cannot be booked.
var errForeign = errors.New("the ledger has another currency")

// settled is what became of an intent.
type settled struct {
	intent   paywall.Intent // as the ledger has it
	found    Found
	news     []paywall.Movement // of found, those that the ledger lacked
	credited paywall.Money
}

// settle reads an intent from its way and books what the ledger lacks. This is the only
// place where an intent becomes paid, whoever named it. Two at the same time do no harm:
// each movement is booked once.
func (s *Service) settle(ctx context.Context, l Ledger, in paywall.Intent) (settled, error) {
	way, err := s.way(in.Way)
	if err != nil {
		return settled{intent: in}, fmt.Errorf("the way %q is not configured any more: %w", in.Way, err)
	}
	known, err := s.forWay(in)
	if err != nil {
		return settled{intent: in}, err
	}
	found, err := way.Look(ctx, known)
	if err != nil {
		return settled{intent: in}, err
	}
	out, err := s.bookAll(ctx, l, way, in, found)
	if err != nil {
		return out, err
	}
	returned, err := s.refundWarned(ctx, way, known.ID, found)
	if err != nil || !returned {
		return out, err
	}
	if found, err = way.Look(ctx, known); err != nil {
		return out, err
	}
	return s.bookAll(ctx, l, way, out.intent, found)
}

// bookAll books the movements of an intent in order, and moves its state.
func (s *Service) bookAll(ctx context.Context, l Ledger, way *openWay, in paywall.Intent, found Found) (settled, error) {
	out := settled{intent: in, found: found, credited: paywall.Money{Currency: in.Amount.Currency}}
	var failed []error
	paid, came := false, false
	for _, m := range inOrder(found.Movements) {
		booked, err := s.book(ctx, l, way.Name(), m)
		switch {
		case errors.Is(err, errForeign): // said in the log
			continue
		case err != nil:
			failed = append(failed, err)
			continue
		case m.Kind == paywall.MovedPayment:
			came = true
			paid = paid || booked.Placed
			out.credited.Micros += booked.Credited.Micros
		}
		if !booked.Replayed {
			out.news = append(out.news, m)
		}
	}
	to := reached(found.State, paid, came)
	if to == in.State {
		return out, errors.Join(failed...)
	}
	moved, err := l.MoveIntent(ctx, in.ID, to, in.Object)
	if err != nil {
		return out, errors.Join(append(failed, err)...)
	}
	out.intent = moved
	if way.asks() && moved.State.Final() && !in.State.Final() {
		way.count(moved.State == paywall.IntentPaid, s.o.Now())
	}
	return out, errors.Join(failed...)
}

// reached is how far an intent is whose way says state. What came may stand in unclaimed,
// such as for a wallet that was closed meanwhile; then nobody is waited for.
func reached(state paywall.IntentState, paid, came bool) paywall.IntentState {
	switch {
	case paid:
		return paywall.IntentPaid
	case state == paywall.IntentPaid && came:
		return paywall.IntentFailed
	case state == paywall.IntentPaid:
		return paywall.IntentPending // its movement is not there yet
	}
	return state
}

// inOrder sorts movements so that each finds what it builds on.
func inOrder(movements []paywall.Movement) []paywall.Movement {
	rank := map[paywall.MovementKind]int{
		paywall.MovedFee: 1, paywall.MovedRefund: 2, paywall.MovedDispute: 2, paywall.MovedPayout: 2,
		paywall.MovedRefundFailed: 3, paywall.MovedDisputeWon: 3, paywall.MovedDisputeLost: 3, paywall.MovedPayoutFailed: 3,
		paywall.MovedOther: 4,
	}
	sorted := slices.Clone(movements)
	slices.SortStableFunc(sorted, func(a, b paywall.Movement) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), a.At.Compare(b.At))
	})
	return sorted
}

// book has the ledger book one movement, under the ids that the ledger knows it by.
func (s *Service) book(ctx context.Context, l Ledger, way string, m paywall.Movement) (paywall.Booked, error) {
	m.Way = way
	if err := s.check(m); err != nil {
		s.o.Logger.Error("a way named a movement that cannot be booked", "way", way, "kind", m.Kind, "id", m.ID, "error", err)
		return paywall.Booked{}, err
	}
	if m.CashOut == warnedKey+m.Payment {
		m.CashOut = "" // nobody's cash-out: we refunded it after a warning
	}
	if m.Kind == paywall.MovedPayment && m.Payment == "" {
		m.Payment = m.ID
	}
	if m.Payment == "" {
		m.Intent = ""
		return l.Book(ctx, m)
	}
	in, err := s.paidFor(ctx, l, m)
	if err != nil {
		return paywall.Booked{}, err
	}
	m.Intent = in.ID
	booked, err := s.bookSealed(ctx, l, m)
	if isNotFound(err) && m.CashOut != "" { // another installation's, or older than a backup
		m.CashOut = ""
		booked, err = s.bookSealed(ctx, l, m)
	}
	if isNotFound(err) && m.Intent == "" || neverTaken(err) {
		return s.bookUnexplained(ctx, l, m)
	}
	if err != nil {
		return booked, fmt.Errorf("booking a %s of %s: %w", m.Kind, way, err)
	}
	return booked, nil
}

// check refuses what no ledger could book.
func (s *Service) check(m paywall.Movement) error {
	switch {
	case m.ID == "" || len(m.ID) > maxMovementID || len(m.Payment) > maxMovementID:
		return fmt.Errorf("its id is empty or longer than %d bytes", maxMovementID)
	case m.Amount.Currency != s.o.Currency || m.Fee.Micros != 0 && m.Fee.Currency != s.o.Currency:
		return fmt.Errorf("%s in %s: %w", m.Amount, m.Amount.Currency, errForeign)
	case m.Amount.Micros <= 0 && m.Kind != paywall.MovedOther || m.Fee.Micros < 0:
		return fmt.Errorf("its amount is %s", m.Amount)
	}
	return nil
}

// paidFor is the intent that a movement belongs to, as the ledger has it. It is empty if
// the movement names none, none of ours, or one of another way.
func (s *Service) paidFor(ctx context.Context, l Ledger, m paywall.Movement) (paywall.Intent, error) {
	if m.Intent == "" {
		return paywall.Intent{}, nil
	}
	in, err := s.find(ctx, l, m.Intent)
	switch {
	case errors.Is(err, errNoIntent):
		return paywall.Intent{}, nil
	case err != nil:
		return paywall.Intent{}, err
	case in.Way != m.Way:
		s.o.Logger.Error("money came for a top-up of another way; it stands in unclaimed", "way", m.Way, "id", m.ID)
		return paywall.Intent{}, nil
	}
	return in, nil
}

// bookSealed seals a movement with the key of the year that its payment belongs to, and
// books it. m.Intent is sealed already.
func (s *Service) bookSealed(ctx context.Context, l Ledger, m paywall.Movement) (paywall.Booked, error) {
	if m.Kind == paywall.MovedPayment && m.Intent == "" {
		s.strangers.Lock()
		defer s.strangers.Unlock()
	}
	years, err := s.yearsOf(ctx, l, m)
	if err != nil {
		return paywall.Booked{}, err
	}
	booked, err := paywall.Booked{}, error(errNoIntent)
	for _, year := range years {
		sealed := m
		var failed [2]error
		sealed.ID, failed[0] = s.o.Seals.seal(m.ID, year)
		sealed.Payment, failed[1] = s.o.Seals.seal(m.Payment, year)
		if err := errors.Join(failed[:]...); err != nil {
			return paywall.Booked{}, err
		}
		if booked, err = l.Book(ctx, sealed); !isNotFound(err) {
			break
		}
	}
	return booked, err
}

// yearsOf are the years whose keys may have sealed what a movement belongs to, in the order
// that they are tried in. A payment has the year of its intent, or that of its day if no
// intent is known, unless it was booked under another: banks date the same transfer
// differently. One that was booked long before its day is another: some banks count anew
// each year.
func (s *Service) yearsOf(ctx context.Context, l Ledger, m paywall.Movement) ([]int, error) {
	years := s.o.Seals.years()
	year := m.At.UTC().Year()
	if m.Intent != "" {
		var err error
		if year, err = sealedIn(m.Intent); err != nil {
			return nil, err
		}
	}
	if m.Kind != paywall.MovedPayment {
		if m.Intent != "" {
			years = []int{year}
		}
		return years, nil
	}
	for _, other := range years {
		id, err := s.o.Seals.seal(m.ID, other)
		if err != nil {
			return nil, err
		}
		booked, err := l.BookedAt(ctx, m.Way, m.Kind, id)
		if err != nil {
			return nil, err
		}
		if other != year && booked.After(m.At.Add(-bookedLate)) {
			return []int{other}, nil
		}
		if other == year && !booked.IsZero() {
			return []int{year}, nil
		}
	}
	if m.Intent == "" && m.At.Before(s.o.Seals.reach()) {
		return nil, fmt.Errorf("a payment of %s may have been booked under a key that is gone: %w", m.At.Format("January 2006"), errForgotten)
	}
	return []int{year}, nil
}
