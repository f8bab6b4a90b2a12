package topup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Ledger is where a service books. Every id of a provider that leads to a wallet goes in
// and comes out sealed, see [Seals].
type Ledger interface {
	BeginTopUp(ctx context.Context, in paywall.Intent) (paywall.Intent, error)
	MoveIntent(ctx context.Context, id string, to paywall.IntentState, object string) (paywall.Intent, error)
	Intent(ctx context.Context, id string) (paywall.Intent, error)
	Waiting(ctx context.Context, wallet string) ([]paywall.Intent, error)
	OpenIntents(ctx context.Context, after string, limit int) ([]paywall.Intent, error)
	Book(ctx context.Context, m paywall.Movement) (paywall.Booked, error)
	BookedAt(ctx context.Context, way string, kind paywall.MovementKind, id string) (time.Time, error)
	CashOutOffer(ctx context.Context, wallet string) (paywall.CashOut, error)
	CashOut(ctx context.Context, wallet, id string, closes bool) (paywall.CashOut, error)
	MoveCashOut(ctx context.Context, part string, to paywall.CashOutState) (paywall.CashOutPart, error)
	CashOuts(ctx context.Context, wallet string) ([]paywall.CashOutPart, error)
	OpenCashOuts(ctx context.Context, after string, limit int) ([]paywall.CashOutPart, error)
	Unclaimed(ctx context.Context, after string, limit int) ([]paywall.Unclaimed, error)
	Assign(ctx context.Context, way, id, intent string) (paywall.Booked, error)
	SendBack(ctx context.Context, way, id string) error
	Movements(ctx context.Context, since time.Time) iter.Seq2[paywall.Movement, error]
	Began(ctx context.Context, way string) (time.Time, error)
}

// Options of a service.
type Options struct {
	Ledger   func(context.Context) (Ledger, error) // asked for each call: it may be away for a while
	Ways     []Offered
	Seals    *Seals
	Memory   *Memory // of the service before, on the same ledger; nil: there was none
	Currency paywall.Currency
	Logger   *slog.Logger
	Now      func() time.Time

	LimitFactor int // by which one network may begin more top-ups; default: 1
}

// Offered is a way and the amounts that readers choose from, smallest first.
type Offered struct {
	Way
	Amounts []paywall.Money
}

// Service begins top-ups, learns what became of them, and has the ledger book it. It
// keeps nothing that has to survive a restart. It is safe for concurrent use.
type Service struct {
	*Memory
	o    Options
	ways map[string]*openWay
}

// openWay is a way and what is counted about it.
type openWay struct {
	Offered
	*breaker
}

// asks reports whether the way has a provider that answers, rather than a person who
// imports statements.
func (w *openWay) asks() bool { return len(w.Origins()) > 0 }

// New makes a service. Ways with the same name, or without amounts, are refused.
func New(o Options) (*Service, error) {
	o.LimitFactor = max(o.LimitFactor, 1)
	s := &Service{Memory: cmp.Or(o.Memory, NewMemory()), o: o, ways: map[string]*openWay{}}
	for _, way := range o.Ways {
		name := way.Name()
		if s.ways[name] != nil {
			return nil, fmt.Errorf("there are two ways with the name %q: leave one out", name)
		}
		if len(way.Amounts) == 0 {
			return nil, fmt.Errorf("the way %q has no amounts: write some, such as amounts 5 10 20", name)
		}
		for _, amount := range way.Amounts {
			if amount.Micros <= 0 || amount.Currency != o.Currency {
				return nil, fmt.Errorf("%s %s cannot be paid by %q: amounts are above zero and in %s", amount, amount.Currency, name, o.Currency)
			}
		}
		s.ways[name] = &openWay{way, s.breaker(name)}
	}
	return s, nil
}

// Choice is a way as readers see it.
type Choice struct {
	Name    string
	Amounts []paywall.Money
	Origins []string // where its pages are, for form-action
}

// Ways are those that readers choose from, in the order of the config.
func (s *Service) Ways() []Choice {
	choices := make([]Choice, 0, len(s.o.Ways))
	for _, way := range s.o.Ways {
		choices = append(choices, Choice{way.Name(), slices.Clone(way.Amounts), slices.Clone(way.Origins())})
	}
	return choices
}

// way finds a way by its name.
func (s *Service) way(name string) (*openWay, error) {
	if w := s.ways[name]; w != nil {
		return w, nil
	}
	return nil, paywall.Errorf(paywall.CodeNotFound, "money does not come in this way here")
}

// find reads the intent with a clear id. It comes as the ledger has it.
func (s *Service) find(ctx context.Context, l Ledger, id string) (paywall.Intent, error) {
	if !intentID(id) {
		return paywall.Intent{}, errNoIntent
	}
	for _, year := range s.o.Seals.years() {
		sealed, err := s.o.Seals.seal(id, year)
		if err != nil {
			return paywall.Intent{}, err
		}
		in, err := l.Intent(ctx, sealed)
		if err == nil || !isNotFound(err) {
			return in, err
		}
	}
	return paywall.Intent{}, errNoIntent
}

var errNoIntent = paywall.Errorf(paywall.CodeNotFound, "no such top-up")

func isNotFound(err error) bool { return err != nil && paywall.ErrorCode(err) == paywall.CodeNotFound }

// opened is an intent with its ids in clear.
func (s *Service) opened(in paywall.Intent) (paywall.Intent, error) {
	var failed [2]error
	in.ID, failed[0] = s.o.Seals.open(in.ID)
	in.Object, failed[1] = s.o.Seals.open(in.Object)
	return in, errors.Join(failed[:]...)
}

// forWay is what a way may know of an intent.
func (s *Service) forWay(in paywall.Intent) (paywall.Intent, error) {
	in, err := s.opened(in)
	in.Wallet = ""
	return in, err
}

const intentLength = 16

// intentID reports whether a text can be an intent's id, so that nothing else is sealed
// and looked up.
func intentID(id string) bool {
	if len(id) != intentLength {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
