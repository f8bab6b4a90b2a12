package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

var errInspecting = errors.New("the journal is open for reading only")

// Inspect opens a journal that no server has open, reads it through, and changes
// nothing in its folder. What is damaged is a [DamageError]. A record that is not
// whole at the very end stays; [Journal.CutOff] says how many bytes of it there
// are. A folder that another process has open is [ErrInUse], one without a
// journal [fs.ErrNotExist]. Commit answers an error for ever.
func Inspect(dir string) (*Journal, error) {
	last, err := segments(dir)
	if err != nil {
		return nil, err
	}
	if last == 0 {
		return nil, fmt.Errorf("looking for a journal in %s: %w", dir, fs.ErrNotExist)
	}
	l, err := lock(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{o: Options{Dir: dir, Disk: OS{}, Now: time.Now}, lock: l}
	j.broken.Store(&errInspecting)
	if err := j.inspect(last); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *Journal) inspect(last uint32) error {
	s := scan{dir: j.o.Dir}
	var err error
	s.each(last, func(_ *journal.Line, e error) bool {
		err = e
		return e == nil
	})
	if err == nil {
		err = s.checkTorn(s.end(last))
	}
	if err != nil {
		return err
	}
	j.durable.Store(&s.prev)
	j.cut = len(s.torn)
	first, err := Genesis(j.o.Dir)
	j.ledger, j.o.Currency = first.Ledger, first.Currency
	return err
}

// Currency is the one that the ledger is kept in; none if no record is whole.
func (j *Journal) Currency() paywall.Currency { return j.o.Currency }

// MarkAt finds a record by its number; 0 is the beginning. A number after the
// head is [paywall.CodeMalformed]. It reads one segment.
func (j *Journal) MarkAt(seq uint64) (journal.Mark, error) {
	head := j.Head()
	if seq > head.Seq {
		return journal.Mark{}, paywall.Errorf(paywall.CodeMalformed, "there is no record %d: the ledger ends with %d", seq, head.Seq)
	}
	switch seq {
	case 0:
		return journal.Mark{}, nil
	case head.Seq:
		return head, nil
	}
	var before journal.Mark // the last record of the segment before
	last := spanOf(head.Ref).segment
	for n := uint32(1); n < last; n++ {
		end, err := segmentEnd(j.o.Dir, n)
		if err != nil {
			return journal.Mark{}, err
		}
		if end.Seq > seq {
			break
		}
		if before = end; end.Seq == seq {
			return end, nil
		}
	}
	for line, err := range j.Until(before, head) {
		if err != nil {
			return journal.Mark{}, err
		}
		if line.Seq == seq {
			return line.Mark(), nil
		}
	}
	return journal.Mark{}, fmt.Errorf("looking for record %d: the journal has no such record", seq)
}
