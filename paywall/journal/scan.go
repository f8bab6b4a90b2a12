package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/tuppence/tuppence/paywall"
)

// Line is one line while a scan stands on it; Bytes are overwritten by the next.
type Line struct {
	Seq   uint64
	Hash  Hash
	Ptr   Ptr
	Bytes []byte
}

// Record decodes the line, whose hash the scan has checked.
func (l *Line) Record(currency paywall.Currency) (Record, error) {
	return decode(l.Bytes, currency)
}

func (l *Line) mark() Mark { return Mark{Seq: l.Seq, Hash: l.Hash, Ptr: l.Ptr} }

// Mark is a place in the journal behind a record: what the next must follow.
// The zero Mark is the beginning.
type Mark struct {
	Seq  uint64
	Hash Hash
	Ptr  Ptr // of the record itself
}

// maxLine bounds a line, so that a damaged file cannot eat the memory. The
// longest record is a batch of vouchers.
const maxLine = 16 << 20

// scan reads whole lines of one folder in order and checks that each is chained
// to the one before. It stops at the end of the folder, or of its last whole line.
type scan struct {
	dir  string
	prev Mark
	file string // being read
	line int    // of the file, from 1; 0 when it was entered in the middle
	torn []byte // what stood behind the last newline of the last segment read
}

// Scan streams the lines of a journal folder from its first record, whatever
// its state: a torn last line ends it without an error, any damage ends it with
// one. Nothing is kept in memory but a line.
func Scan(dir string) iter.Seq2[*Line, error] {
	return func(yield func(*Line, error) bool) {
		last, err := segments(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		s := scan{dir: dir}
		s.each(last, yield)
	}
}

// each yields all lines behind s.prev up to the end of segment last.
func (s *scan) each(last uint32, yield func(*Line, error) bool) {
	for n := max(s.prev.Ptr.Segment, 1); n <= last; n++ {
		if len(s.torn) > 0 {
			yield(nil, s.damaged(s.prev.Ptr.Offset+s.prev.Ptr.Length, tornClosed))
			return
		}
		if !s.segment(n, yield) {
			return
		}
	}
}

const tornClosed = "its last line is not whole, though the segment is closed"

// segment reports whether the scan goes on.
func (s *scan) segment(n uint32, yield func(*Line, error) bool) bool {
	f, err := openSegment(s.dir, n)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer f.Close()
	s.file, s.line = f.Name(), 0
	var offset uint32
	if n == s.prev.Ptr.Segment {
		offset = s.prev.Ptr.Offset + s.prev.Ptr.Length
		if offset > 0 {
			s.line = -1 << 31 // entered in the middle: line numbers are unknown
		}
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, int64(offset), math.MaxInt64-int64(offset)), 1<<18)
	for {
		line, err := readLine(r)
		if errors.Is(err, io.EOF) {
			s.torn = bytes.Clone(line)
			return true
		}
		if err != nil {
			yield(nil, fmt.Errorf("reading %s: %w", s.file, err))
			return false
		}
		s.line++
		ptr := Ptr{Segment: n, Offset: offset, Length: uint32(len(line))}
		l, err := s.check(line, ptr)
		if err != nil {
			yield(nil, err)
			return false
		}
		offset += uint32(len(line))
		s.prev = Mark{Seq: l.Seq, Hash: l.Hash, Ptr: ptr}
		if !yield(l, nil) {
			return false
		}
	}
}

// readLine gives the next line with its newline, or io.EOF and what is left.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(long) > maxLine {
			return nil, fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		line, err = r.ReadSlice('\n')
		long = append(long, line...)
	}
	return long, err
}

// check holds a line against the one before it.
func (s *scan) check(line []byte, ptr Ptr) (*Line, error) {
	prev, hash, err := chain(line)
	if err != nil {
		return nil, s.damaged(ptr.Offset, err.Error())
	}
	if got := hashOf(line); got != hash {
		return nil, s.damaged(ptr.Offset, fmt.Sprintf("its hash is %s, its bytes give %s", hash, got))
	}
	seq, err := seqOf(line)
	if err != nil {
		return nil, s.damaged(ptr.Offset, err.Error())
	}
	if seq != s.prev.Seq+1 {
		return nil, s.damaged(ptr.Offset, fmt.Sprintf("record %d follows record %d", seq, s.prev.Seq))
	}
	if prev != s.prev.Hash {
		return nil, s.damaged(ptr.Offset, fmt.Sprintf("record %d is chained to %s, the record before it is %s", seq, prev, s.prev.Hash))
	}
	return &Line{Seq: seq, Hash: hash, Ptr: ptr, Bytes: line}, nil
}

// end is where the next line of segment n would begin.
func (s *scan) end(n uint32) uint32 {
	if s.prev.Ptr.Segment != n {
		return 0
	}
	return s.prev.Ptr.Offset + s.prev.Ptr.Length
}

func (s *scan) damaged(offset uint32, found string) error {
	return &Damage{File: s.file, Offset: int64(offset), Line: max(s.line, 0), Found: found}
}
