package segment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// verifyBytes is how much of the journal Open reads before it answers: the last
// segment always, older ones while they fit. 64 MiB take about 50 ms to hash
// (SHA-256 in hardware); of what is older Open checks that it is there and linked.
const verifyBytes = 64 << 20

// Open takes the folder, checks what is in it, and makes it ready to append. A
// record that is not whole at the very end was never acknowledged and is cut
// off; every other damage is a [DamageError]. An empty folder gets its first record.
func Open(o Options) (*Journal, error) {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	if o.verifyBytes <= 0 {
		o.verifyBytes = verifyBytes
	}
	if o.Disk == nil {
		o.Disk = OS{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the journal's folder: %w", err)
	}
	l, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{o: o, lock: l}
	j.durable.Store(&journal.Mark{})
	if err := j.open(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *Journal) open() error {
	last, err := segments(j.o.Dir)
	if err != nil {
		return err
	}
	if last > 0 {
		if err := j.load(last); err != nil {
			return err
		}
	}
	if j.Head().Seq == 0 {
		return j.begin()
	}
	return j.checkCurrency()
}

// load verifies the end of the journal and opens its last segment.
func (j *Journal) load(last uint32) error {
	trusted, err := j.link(last)
	if err != nil {
		return err
	}
	j.trusted = trusted
	next := spanOf(trusted.Ref).segment + 1 // the segments after the mark are read from their first byte
	s := scan{dir: j.o.Dir, prev: trusted, at: span{segment: next}}
	s.each(last, func(_ *journal.Line, e error) bool {
		err = e
		return e == nil
	})
	if err != nil {
		return err
	}
	j.durable.Store(&s.prev)
	j.size = int64(s.end(last))
	return j.openLast(last, &s)
}

// openLast opens the last segment and cuts a torn record off its end.
func (j *Journal) openLast(last uint32, s *scan) error {
	f, err := j.o.Disk.OpenFile(segmentPath(j.o.Dir, last), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening a journal segment: %w", err)
	}
	j.file = f
	if len(s.torn) == 0 {
		return nil
	}
	if err := s.checkTorn(uint32(j.size)); err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(j.size), f.Sync()); err != nil {
		return fmt.Errorf("cutting off a torn record: %w", err)
	}
	j.cut = len(s.torn)
	return nil
}

// checkTorn tells a torn write, which is the beginning of a line, from a whole
// line whose newline alone is wrong: that was acknowledged, and then damaged.
// at is where it begins.
func (s *scan) checkTorn(at uint32) error {
	if len(s.torn) == 0 {
		return nil
	}
	line := append(s.torn[:len(s.torn)-1:len(s.torn)-1], '\n')
	if _, err := journal.Check(s.prev, line); err == nil {
		return s.damaged(at, "the newline that ends its last record is damaged")
	}
	return nil
}

// link finds the mark after which Open reads everything, and checks that the
// closed segments before it are chained to one another at their ends.
func (j *Journal) link(last uint32) (journal.Mark, error) {
	first, total := last, int64(0)
	for n := last; n > 0; n-- {
		size, err := segmentSize(j.o.Dir, n)
		if err != nil {
			return journal.Mark{}, err
		}
		if total += size; total > j.o.verifyBytes && n < last {
			break
		}
		first = n
	}
	var end journal.Mark
	for n := uint32(1); n < first; n++ {
		var err error
		if end, err = linkSegment(j.o.Dir, n, end); err != nil {
			return journal.Mark{}, err
		}
	}
	return end, nil
}

// linkSegment checks that a closed segment's first record follows the mark, and gives its last.
func linkSegment(dir string, n uint32, prev journal.Mark) (journal.Mark, error) {
	s := scan{dir: dir, prev: prev, at: span{segment: n}}
	var err error
	s.segment(n, func(_ *journal.Line, e error) bool {
		err = e
		return false
	})
	if err != nil {
		return journal.Mark{}, err
	}
	return segmentEnd(dir, n)
}

// segmentEnd is the mark of a closed segment's last record.
func segmentEnd(dir string, n uint32) (journal.Mark, error) {
	f, err := openSegment(dir, n)
	if err != nil {
		return journal.Mark{}, err
	}
	defer f.Close()
	return lastLine(f, n)
}

// lastLine reads a closed segment's last line, from the end of the file.
func lastLine(f segmentFile, n uint32) (journal.Mark, error) {
	size, err := f.Size()
	if err != nil {
		return journal.Mark{}, err
	}
	damaged := &DamageError{File: f.Name(), Offset: size, Found: tornClosed}
	for length := int64(4096); ; length *= 8 {
		length = min(length, size)
		tail := make([]byte, length)
		if _, err := f.ReadAt(tail, size-length); err != nil {
			return journal.Mark{}, fmt.Errorf("reading %s: %w", f.Name(), err)
		}
		start := lastStart(tail)
		if start == 0 && length < size && length < journal.MaxLine {
			continue
		}
		line, _, err := journal.ReadLine(tail[start:])
		if err != nil {
			return journal.Mark{}, damaged
		}
		offset := size - int64(len(line.Bytes))
		line.Ref = span{segment: n, offset: uint32(offset), length: uint32(len(line.Bytes))}.ref()
		return line.Mark(), nil
	}
}

// lastStart is where the last whole line of a text begins.
func lastStart(text []byte) int {
	for i := len(text) - 2; i >= 0; i-- {
		if text[i] == '\n' {
			return i + 1
		}
	}
	return 0
}

// begin writes the first record.
func (j *Journal) begin() error {
	first := journal.Record{
		Transfer: paywall.Transfer{Time: j.o.Now(), Kind: paywall.KindGenesis},
		Currency: j.o.Currency, Ledger: paywall.NewID(),
	}
	j.ledger = first.Ledger
	if _, err := j.Stage(&first); err != nil {
		return err
	}
	return j.Commit()
}

func (j *Journal) checkCurrency() error {
	first, err := Genesis(j.o.Dir)
	if err != nil {
		return err
	}
	if first.Currency != j.o.Currency {
		return fmt.Errorf("opening %s: this journal's currency is %s, the configuration says %s; %w, set it back or use another storage folder",
			filepath.Clean(j.o.Dir), first.Currency, j.o.Currency, ErrCurrency)
	}
	j.ledger = first.Ledger
	return nil
}

// Genesis reads a journal's first record, which says whose it is: Ledger and
// Currency. A folder in which no record was ever whole has the zero journal.Record.
func Genesis(dir string) (journal.Record, error) {
	for line, err := range Scan(dir) {
		if err != nil {
			return journal.Record{}, err
		}
		first, err := line.Record("")
		if err != nil || first.Kind != paywall.KindGenesis {
			return journal.Record{}, &DamageError{File: segmentPath(dir, 1), Line: 1, Found: "the first record does not say the ledger's currency"}
		}
		return first, nil
	}
	return journal.Record{}, nil
}
