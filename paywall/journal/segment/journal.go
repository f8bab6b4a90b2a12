package segment

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// Options of a journal. Dir and Currency are required.
type Options struct {
	Dir          string
	Currency     paywall.Currency // the ledger's; another one than the journal was begun with is refused
	SegmentBytes int64            // a segment that has grown this long is closed; 0: 64 MiB
	Disk         Disk             // nil: the real one
	Now          func() time.Time // time of the first record; nil: [time.Now]

	verifyBytes int64 // how much Open reads at most beside the last segment; tests make it small
}

const defaultSegmentBytes = 64 << 20

// Journal is open for appending. Stage, Discard and Commit belong to one
// goroutine; everything else is safe for concurrent use.
type Journal struct {
	o      Options
	lock   *os.File
	ledger string

	// The writer's own.
	file   File
	size   int64 // of the open segment
	staged []byte
	marks  journal.Mark // after the last staged record

	broken  atomic.Pointer[error]
	durable atomic.Pointer[journal.Mark]
	readers sync.Map     // segment number → segmentFile
	cut     int          // bytes of a torn record cut off at open
	trusted journal.Mark // Open verified what lies after it

	compressing sync.Mutex // held by Compress
}

// Head is the last record that is on disk.
func (j *Journal) Head() journal.Mark { return *j.durable.Load() }

// Ledger is the random id that the journal was begun with; no two begin alike.
func (j *Journal) Ledger() string { return j.ledger }

// CutOff says how many bytes of a record that was never acknowledged Open cut off the end.
func (j *Journal) CutOff() int { return j.cut }

// Broken is the failure that closed the journal to appending, if any.
func (j *Journal) Broken() error {
	if p := j.broken.Load(); p != nil {
		return *p
	}
	return nil
}

// Stage gives a record its number, cause and place, and keeps it for the next
// Commit. Records staged together go into one segment, one write and one sync.
func (j *Journal) Stage(r *journal.Record) (journal.Ref, error) {
	if err := j.Broken(); err != nil {
		return journal.Ref{}, err
	}
	if len(j.staged) == 0 {
		j.marks = j.Head()
	}
	r.Seq = j.marks.Seq + 1
	at := j.place()
	start := len(j.staged)
	line, hash := journal.Append(j.staged, r, j.o.Currency, j.marks.Hash)
	if len(line)-start > journal.MaxLine {
		j.staged = line[:start]
		return journal.Ref{}, paywall.Errorf(paywall.CodeTooLarge, "a record of %d bytes is too long for the journal", len(line)-start)
	}
	j.staged = line
	at.length = uint32(len(line) - start)
	j.marks = journal.Mark{Seq: r.Seq, Hash: hash, Ref: at.ref()}
	return j.marks.Ref, nil
}

// place is where the next staged record will stand.
func (j *Journal) place() span {
	segment := spanOf(j.Head().Ref).segment
	switch {
	case j.full():
		return span{segment: segment + 1, offset: uint32(len(j.staged))}
	case j.file == nil:
		return span{segment: 1, offset: uint32(len(j.staged))}
	}
	return span{segment: j.openSegment(), offset: uint32(j.size) + uint32(len(j.staged))}
}

// openSegment is the number of the segment that is open; it is one more than
// the head's when a crash left a new segment empty.
func (j *Journal) openSegment() uint32 {
	segment := spanOf(j.Head().Ref).segment
	if j.size == 0 {
		return segment + 1
	}
	return segment
}

func (j *Journal) full() bool { return j.file != nil && j.size >= j.o.SegmentBytes }

// Discard forgets what was staged.
func (j *Journal) Discard() { j.staged = j.staged[:0] }

// Commit writes what was staged and answers when it is on disk, all of it or,
// as far as any later read or reopening can tell, nothing. After a failure
// nothing is appended any more until the journal is opened again: what the
// kernel still holds of a file whose sync failed is not known.
func (j *Journal) Commit() error {
	if err := j.Broken(); err != nil {
		return err
	}
	if len(j.staged) == 0 {
		return nil
	}
	if err := j.commit(); err != nil {
		err = fmt.Errorf("appending to the journal: %w", err)
		j.broken.Store(&err)
		return err
	}
	mark := j.marks
	j.durable.Store(&mark)
	j.staged = j.staged[:0]
	return nil
}

func (j *Journal) commit() error {
	if j.file == nil || j.full() {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	_, err := j.file.Write(j.staged)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		// The caller is told that nothing happened, so whole lines of this batch must
		// not come back to life when the journal is opened next.
		return errors.Join(err, j.file.Truncate(j.size), j.file.Sync())
	}
	j.size += int64(len(j.staged))
	return nil
}

// rotate closes the full segment and begins the next.
func (j *Journal) rotate() error {
	if j.file != nil {
		err := j.file.Close()
		j.file = nil
		if err != nil {
			return fmt.Errorf("closing a segment: %w", err)
		}
	}
	name := segmentPath(j.o.Dir, spanOf(j.Head().Ref).segment+1)
	f, err := j.o.Disk.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("beginning a segment: %w", err)
	}
	j.file, j.size = f, 0
	if err := j.o.Disk.SyncDir(j.o.Dir); err != nil {
		return fmt.Errorf("syncing the journal's folder: %w", err)
	}
	return nil
}

// Read gives the record at a place, its hash checked.
func (j *Journal) Read(ref journal.Ref) (journal.Record, error) {
	at := spanOf(ref)
	line, err := j.line(at)
	if err != nil {
		return journal.Record{}, err
	}
	r, err := journal.Decode(line, j.o.Currency)
	if err != nil {
		return journal.Record{}, &DamageError{File: segmentPath(j.o.Dir, at.segment), Offset: int64(at.offset), Found: err.Error()}
	}
	return r, nil
}

// HashAt gives the hash that stands in the line at a place.
func (j *Journal) HashAt(ref journal.Ref) (journal.Hash, error) {
	line, err := j.line(spanOf(ref))
	if err != nil {
		return journal.Hash{}, err
	}
	_, hash, err := journal.Hashes(line)
	return hash, err
}

func (j *Journal) line(at span) ([]byte, error) {
	f, err := j.reader(at.segment)
	if err != nil {
		return nil, err
	}
	if at.length > journal.MaxLine {
		return nil, fmt.Errorf("reading the journal: a record of %d bytes cannot be", at.length)
	}
	line := make([]byte, at.length)
	if _, err := f.ReadAt(line, int64(at.offset)); err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	return line, nil
}

func (j *Journal) reader(segment uint32) (segmentFile, error) {
	if f, ok := j.readers.Load(segment); ok {
		return f.(segmentFile), nil
	}
	f, err := openSegment(j.o.Dir, segment)
	if err != nil {
		return nil, err
	}
	if other, loaded := j.readers.LoadOrStore(segment, f); loaded {
		_ = f.Close()
		return other.(segmentFile), nil
	}
	return f, nil
}

// Lines streams what lies after a mark, up to the record that is durable when
// it begins. Every hash and link is checked on the way.
func (j *Journal) Lines(from journal.Mark) iter.Seq2[*journal.Line, error] {
	return j.Until(from, j.Head())
}

// Until streams what lies after one mark up to another.
func (j *Journal) Until(from, end journal.Mark) iter.Seq2[*journal.Line, error] {
	return func(yield func(*journal.Line, error) bool) {
		if from.Seq >= end.Seq {
			return
		}
		s := scan{dir: j.o.Dir, prev: from, at: spanOf(from.Ref)}
		more := true
		s.each(spanOf(end.Ref).segment, func(l *journal.Line, err error) bool {
			if more = err == nil; !more {
				yield(nil, err)
				return false
			}
			if l.Seq == end.Seq && l.Hash != end.Hash {
				more = false
				yield(nil, s.damaged(s.at.offset, fmt.Sprintf("record %d is not the one that was written", l.Seq)))
				return false
			}
			more = yield(l, nil) && l.Seq < end.Seq
			return more
		})
		if more {
			yield(nil, s.damaged(s.at.offset, fmt.Sprintf("the journal ends with record %d, %d were written", s.prev.Seq, end.Seq)))
		}
	}
}

// VerifyClosed checks the segments that Open did not read for their size. It
// takes as long as reading them; yield is called between lines and stops it.
func (j *Journal) VerifyClosed(yield func() bool) error {
	for _, err := range j.Until(journal.Mark{}, j.trusted) {
		if err != nil || !yield() {
			return err
		}
	}
	return nil
}

// Close closes the files. What was staged and not committed is dropped.
func (j *Journal) Close() error {
	closed := errors.New("the journal is closed")
	j.broken.CompareAndSwap(nil, &closed)
	var err error
	if j.file != nil {
		err = j.file.Close()
		j.file = nil
	}
	j.readers.Range(func(_, f any) bool {
		err = errors.Join(err, f.(segmentFile).Close())
		return true
	})
	if j.lock != nil {
		err = errors.Join(err, j.lock.Close())
	}
	return err
}
