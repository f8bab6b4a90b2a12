package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/audit"
)

// Verify recomputes the ledger from its first record and compares, on one moment's state
// while purchases go on. An error means that it could not be done; problems stand in the
// report.
func (l *Ledger) Verify(ctx context.Context) (report paywall.Report, err error) {
	p := Proof{
		Currency: l.info.Currency, Now: l.info.Now(), Failure: l.engine.Info().Failure,
		Lines:       func(after uint64) iter.Seq2[*journal.Line, error] { return l.engine.Lines(ctx, after) },
		Interrupted: func() error { return l.interrupted(ctx) },
	}
	c, ok := l.engine.(Comparer)
	if !ok {
		return paywall.Report{}, errors.New("this engine cannot hold its state against the records")
	}
	err = c.Compare(ctx, func(s State, end journal.Mark) error {
		p.State, p.Record, p.End = s, s.Record, end
		report, err = p.Run()
		return err
	})
	return report, err
}

// Proof is what [Ledger.Verify] goes through, for records that no engine has open.
type Proof struct {
	Lines       func(after uint64) iter.Seq2[*journal.Line, error]
	Record      func(Ref) (*journal.Record, error)
	End         journal.Mark // the last record that counts
	State       State        // that follows from the records; nil: the records alone are audited
	Currency    paywall.Currency
	Now         time.Time
	Failure     error        // why changes ended; nil
	Interrupted func() error // is asked now and then, and ends it
}

// auditPart is how many records are audited at once. The audit holds about 250 bytes for
// each purchase, so a long journal is audited in parts, each with its share of wallets and
// vouchers, in one pass each.
const auditPart = 500_000

// Run audits, and compares.
func (p *Proof) Run() (paywall.Report, error) {
	report := paywall.Report{Seq: p.End.Seq, Head: p.End.Hash.String(), Problems: []string{}}
	if p.Failure != nil {
		report.Problems = append(report.Problems, p.Failure.Error())
	}
	over, err := p.erased()
	if err != nil {
		return paywall.Report{}, err
	}
	counts := map[byte]int{}
	parts := int(p.End.Seq/auditPart) + 1
	for part := range parts {
		a := audit.New(part, parts, p.Record, p.Now)
		err := p.audit(a)
		if err == nil && over != nil {
			err = a.Compare(over.Get, counts)
		}
		report.Transfers = a.Records()
		report.Problems = append(report.Problems, a.Problems()...)
		if errors.Is(err, journal.ErrDamaged) {
			report.Problems = append(report.Problems, err.Error())
			return report, nil
		}
		if err != nil {
			return paywall.Report{}, err
		}
	}
	if over != nil {
		more, err := audit.Surplus(over.keys(p.Interrupted), counts)
		if err != nil {
			return paywall.Report{}, err
		}
		report.Problems = append(report.Problems, more...)
	}
	report.OK = len(report.Problems) == 0
	return report, nil
}

// audit runs one part over the records.
func (p *Proof) audit(a *audit.Audit) error {
	for line, err := range p.Lines(0) {
		if err == nil {
			err = p.Interrupted()
		}
		if err != nil {
			return err
		}
		r, err := line.Record(p.Currency)
		if err != nil {
			a.Unreadable(line.Seq, err)
		} else {
			a.Add(&r, line.Ref)
		}
		if line.Seq == p.End.Seq {
			return nil
		}
	}
	return nil
}

// overlaid is a state, and what is still to be written for erased wallets.
type overlaid struct {
	State
	over map[string][]byte
}

// erased lays over the state what is left to do for erased wallets.
func (p *Proof) erased() (*overlaid, error) {
	if p.State == nil {
		return nil, nil
	}
	v := view{State: p.State, now: milliseconds(p.Now), currency: p.Currency}
	over, err := erased(&v)
	return &overlaid{p.State, over}, err
}

// Get implements [State].
func (o *overlaid) Get(key []byte) ([]byte, error) {
	if value, ok := o.over[string(key)]; ok {
		return value, nil
	}
	return o.State.Get(key)
}

// keys lists all keys.
func (o *overlaid) keys(interrupted func() error) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := EachOver(o.State, o.over, nil, func(key, _ []byte) error {
			if !yield(key, nil) {
				return errEnough
			}
			return interrupted()
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}
