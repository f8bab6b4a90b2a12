package segment

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/tuppence/tuppence/paywall/journal"
)

// scan reads whole lines of one folder in order and checks that each is chained
// to the one before. It stops at the end of the folder, or of its last whole line.
type scan struct {
	dir  string
	prev journal.Mark
	at   span   // of the record read last; the next line begins where it ends
	file string // being read
	line int    // of the file, from 1; 0 when it was entered in the middle
	torn []byte // what stood after the last newline of the last segment read
}

// Scan streams the lines of a journal folder from its first record, whatever
// its state: a torn last line ends it without an error, any damage ends it with
// one. Nothing is kept in memory but a line.
func Scan(dir string) iter.Seq2[*journal.Line, error] {
	return func(yield func(*journal.Line, error) bool) {
		last, err := segments(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		s := scan{dir: dir}
		s.each(last, yield)
	}
}

// each yields all lines after s.at up to the end of segment last.
func (s *scan) each(last uint32, yield func(*journal.Line, error) bool) {
	for n := max(s.at.segment, 1); n <= last; n++ {
		if len(s.torn) > 0 {
			yield(nil, s.damaged(s.at.end(), tornClosed))
			return
		}
		if !s.segment(n, yield) {
			return
		}
	}
}

const tornClosed = "its last line is not whole, though the segment is closed"

// segment reports whether the scan goes on.
func (s *scan) segment(n uint32, yield func(*journal.Line, error) bool) bool {
	f, err := openSegment(s.dir, n)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer f.Close()
	s.file, s.line = f.Name(), 0
	offset := s.end(n)
	if offset > 0 {
		s.line = -1 << 31 // entered in the middle: line numbers are unknown
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
		l, err := journal.Check(s.prev, line)
		if err != nil {
			yield(nil, s.damaged(offset, err.Error()))
			return false
		}
		s.at = span{segment: n, offset: offset, length: uint32(len(line))}
		offset = s.at.end()
		l.Ref = s.at.ref()
		s.prev = l.Mark()
		if !yield(&l, nil) {
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
		if len(long) > journal.MaxLine {
			return nil, fmt.Errorf("a line is longer than %d bytes", journal.MaxLine)
		}
		line, err = r.ReadSlice('\n')
		long = append(long, line...)
	}
	return long, err
}

// end is where the next line of segment n would begin.
func (s *scan) end(n uint32) uint32 {
	if s.at.segment != n {
		return 0
	}
	return s.at.end()
}

func (s *scan) damaged(offset uint32, found string) error {
	return &DamageError{File: s.file, Offset: int64(offset), Line: max(s.line, 0), Found: found}
}
