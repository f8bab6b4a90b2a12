package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

var keysOnly = badger.IteratorOptions{PrefetchValues: false}

// Verify implements [paywall.Store]. It works on a snapshot while purchases go
// on: Badger says in the same transaction how far the journal is applied to it.
func (s *Store) Verify(ctx context.Context) (paywall.Report, error) {
	if err := s.enter(); err != nil {
		return paywall.Report{}, err
	}
	defer s.gate.RUnlock()
	if s.db == nil { // VerifyDir found no Badger that can be used
		return s.prove(ctx, nil, s.journal.Head())
	}
	v, err := s.settled(ctx)
	if err != nil {
		return paywall.Report{}, err
	}
	defer v.txn.Discard()
	end, err := v.applied()
	if err != nil {
		return paywall.Report{}, err
	}
	if err := s.withoutErased(v); err != nil {
		return paywall.Report{}, err
	}
	return s.prove(ctx, v, end)
}

// prove audits the journal up to a mark and compares with Badger's snapshot, if
// there is one.
func (s *Store) prove(ctx context.Context, v *view, end journal.Mark) (paywall.Report, error) {
	report := paywall.Report{Seq: end.Seq, Head: end.Hash.String(), Problems: []string{}}
	if failed := s.failed.Load(); failed != nil {
		report.Problems = append(report.Problems, (*failed).Error())
	}
	counts := map[byte]int{}
	parts := int(end.Seq/auditPart) + 1
	for part := range parts {
		a := newAudit(part, parts, s.journal, s.now())
		err := s.audit(ctx, a, end)
		if err == nil && v != nil {
			err = a.compare(v, counts)
		}
		report.Transfers = a.records
		report.Problems = append(report.Problems, a.problems...)
		if _, damaged := errors.AsType[*segment.Damage](err); damaged {
			report.Problems = append(report.Problems, err.Error())
			return report, nil
		}
		if err != nil {
			return paywall.Report{}, err
		}
	}
	if v != nil {
		more, err := surplus(v, counts, func() error { return s.interrupted(ctx) })
		if err != nil {
			return paywall.Report{}, err
		}
		report.Problems = append(report.Problems, more...)
	}
	report.OK = len(report.Problems) == 0
	return report, nil
}

// audit runs one part over the journal.
func (s *Store) audit(ctx context.Context, a *audit, end journal.Mark) error {
	for line, err := range s.journal.Until(journal.Mark{}, end) {
		if err != nil {
			return err
		}
		if err := s.interrupted(ctx); err != nil {
			return err
		}
		r, err := line.Record(s.o.Currency)
		if err != nil {
			a.records++
			a.problem(nil, "record %d: %v", line.Seq, err)
			continue
		}
		a.add(&r, line.Ref)
	}
	return nil
}

// Export implements [paywall.Store]: the journal's lines as they stand.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	for line, err := range s.journal.Lines(journal.Mark{}) {
		if err != nil {
			return err
		}
		if err := s.interrupted(ctx); err != nil {
			return err
		}
		if _, err := w.Write(line.Bytes); err != nil {
			return fmt.Errorf("exporting the ledger: %w", err)
		}
	}
	return nil
}
