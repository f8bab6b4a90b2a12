package badgerstore

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tuppence/tuppence/paywall/journal"
)

// watermark is the commit watermark: a file that names the last record that was
// acknowledged. A journal whose end was cut at a line's end, or that was replaced by
// an older copy, is sound in itself, and after a kill Badger may be older still: only
// this shows that records are missing.
//
// It is written after the journal is synced and is never synced itself. So after
// a kill it is exact, after a power cut it may lag, and ahead of the
// journal it is never. One that cannot be read proves nothing and is written anew.
type watermark struct {
	file   *os.File
	line   []byte
	failed bool
}

func (s *Store) headPath() string { return filepath.Join(s.o.Dir, "head") }

// compareHead refuses a journal that lacks what was acknowledged.
func (s *Store) compareHead() error {
	said, err := readHead(s.headPath())
	if errors.Is(err, errHead) {
		s.log.Warn("the file that names the last record is damaged and written anew", "file", s.headPath())
	} else if err != nil {
		return err
	}
	head := s.journal.Head()
	if said.Seq > head.Seq {
		return mismatch("the journal ends with record %d but record %d was acknowledged: records are missing at the journal's end; put the journal folder back from its newest copy, or, to go on without them, move %s away",
			head.Seq, said.Seq, s.headPath())
	}
	if said.Seq > 0 {
		if hash, err := s.journal.HashAt(said.Ref); err != nil || hash != said.Hash {
			return mismatch("the journal belongs to another time or ledger: its record %d is not the one that was acknowledged here; put the journal folder back from its newest copy, or, if this is the right one, move %s and the badger folder away",
				said.Seq, s.headPath())
		}
	}
	return nil
}

// checkHead is compareHead, and then opens the file for this run.
func (s *Store) checkHead() error {
	if err := s.compareHead(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.headPath(), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the file that names the last record: %w", err)
	}
	s.head.file = f
	if err := errors.Join(s.head.note(s.journal.Head()), f.Truncate(int64(len(s.head.line)))); err != nil {
		return fmt.Errorf("writing which record is the last: %w", err)
	}
	return nil
}

// note writes a mark in place, in one write of fixed length: neither a full disk
// nor a kill can leave half of it.
func (h *watermark) note(m journal.Mark) error {
	h.line = appendHead(h.line[:0], m)
	_, err := h.file.WriteAt(h.line, 0)
	return err
}

// noteHead is note for what the journal holds already: a file that stays behind
// proves less, and is no reason to refuse a purchase.
func (s *Store) noteHead(m journal.Mark) {
	if err := s.head.note(m); err != nil && !s.head.failed {
		s.head.failed = true
		s.log.Warn("noting the last record failed: a journal whose end is cut off may not be noticed", "file", s.headPath(), "error", err)
	}
}

func (h *watermark) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

var errHead = errors.New("it is not as it was written")

// appendHead writes "seq segment offset length hash check\n".
func appendHead(line []byte, m journal.Mark) []byte {
	segment, offset, length := m.Ref.Words()
	line = fmt.Appendf(line, "%020d %010d %010d %010d %s", m.Seq, segment, offset, length, m.Hash)
	return fmt.Appendf(line, " %08x\n", crc32.Checksum(line, castagnoli))
}

// readHead reads the file; the zero Mark if there is none.
func readHead(name string) (m journal.Mark, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	var segment, offset, length uint32
	var hash string
	if _, err := fmt.Sscanf(string(text), "%d %d %d %d %s", &m.Seq, &segment, &offset, &length, &hash); err != nil {
		return journal.Mark{}, errHead
	}
	raw, err := base64.RawURLEncoding.DecodeString(hash)
	if err != nil || len(raw) != len(m.Hash) {
		return journal.Mark{}, errHead
	}
	m.Hash, m.Ref = journal.Hash(raw), journal.RefOf(segment, offset, length)
	if string(appendHead(nil, m)) != string(text) {
		return journal.Mark{}, errHead
	}
	return m, nil
}
