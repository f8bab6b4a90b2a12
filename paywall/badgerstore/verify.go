package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

var keysOnly = badger.IteratorOptions{PrefetchValues: false}

// Verify implements [paywall.Store]. It works on a snapshot while purchases go
// on: Badger says in the same transaction how far the journal is applied to it.
func (s *Store) Verify(ctx context.Context) (paywall.Report, error) {
	if err := s.enter(); err != nil {
		return paywall.Report{}, err
	}
	defer s.gate.RUnlock()
	s.cut.Lock()
	v := view{txn: s.db.NewTransaction(false)}
	s.cut.Unlock()
	defer v.txn.Discard()
	end, err := v.applied()
	if err != nil {
		return paywall.Report{}, err
	}
	report := paywall.Report{Seq: end.Seq, Head: end.Hash.String(), Problems: []string{}}
	if failed := s.failed.Load(); failed != nil {
		report.Problems = append(report.Problems, (*failed).Error())
	}
	counts := map[byte]int{}
	parts := int(end.Seq/auditPart) + 1
	for part := range parts {
		a := newAudit(part, parts, s.journal, s.now())
		err := s.audit(ctx, a, end)
		if err == nil {
			err = a.compare(&v, counts)
		}
		report.Transfers = a.records
		report.Problems = append(report.Problems, a.problems...)
		if _, damaged := errors.AsType[*journal.Damage](err); damaged {
			report.Problems = append(report.Problems, err.Error())
			return report, nil
		}
		if err != nil {
			return paywall.Report{}, err
		}
	}
	more, err := surplus(&v, counts, func() error { return s.interrupted(ctx) })
	if err != nil {
		return paywall.Report{}, err
	}
	report.Problems = append(report.Problems, more...)
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
		a.add(&r, line.Ptr)
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

// VerifyDir verifies the ledger in a stopped server's data folder. Like a start
// of the server it cuts off a torn record and brings Badger up to date, and like
// a start it refuses a folder that another process has open.
func VerifyDir(ctx context.Context, dir string) (paywall.Report, error) {
	has, err := HasJournal(dir)
	if err == nil && !has {
		return paywall.Report{}, fmt.Errorf("verifying %s: there is no journal in it", dir)
	}
	report := paywall.Report{Problems: []string{}}
	var currency paywall.Currency
	for line, err := range journal.Scan(journalDir(dir)) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return damagedReport(report, err)
		}
		if line.Seq == 1 {
			first, err := line.Record("")
			if err != nil {
				return damagedReport(report, err)
			}
			currency = first.Currency
		}
		report.Transfers, report.Seq, report.Head = line.Seq, line.Seq, line.Hash.String()
	}
	if report.Seq == 0 {
		report.Problems = append(report.Problems, "the journal has no whole record")
		return report, nil
	}
	quiet := slog.New(slog.DiscardHandler)
	s, err := Open(ctx, Options{Dir: dir, Currency: currency, Logger: quiet, Now: time.Now})
	if err != nil {
		return damagedReport(report, err)
	}
	report, err = s.Verify(ctx)
	return report, errors.Join(err, s.Close())
}

// damagedReport turns an error into what is wrong with a ledger, where it is that.
func damagedReport(report paywall.Report, err error) (paywall.Report, error) {
	_, damaged := errors.AsType[*journal.Damage](err)
	_, apart := errors.AsType[*mismatched](err)
	if damaged || apart {
		report.Problems = append(report.Problems, err.Error())
		return report, nil
	}
	return paywall.Report{}, err
}
