package segment

import (
	"fmt"
	"io"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/archive"
)

// Backup writes what stands after the record since (0: everything) up to the
// last record that is durable when it begins. It works while records are
// appended, and checks every hash and link on the way: damage ends it with an
// error, and what was written is then no whole backup. size, if not nil, is told
// the length of the backup in bytes before the first of them; step is called
// after each record and ends the work with its error. A since that is not in the
// journal is [paywall.CodeMalformed].
func (j *Journal) Backup(w io.Writer, since uint64, size func(bytes int64), step func() error) error {
	from, err := j.MarkAt(since)
	if err != nil {
		return err
	}
	end := j.Head()
	m := archive.Manifest{
		Format: archive.Format, Made: j.o.Now().UTC(), Ledger: j.ledger, Currency: j.o.Currency,
		First: from.Seq + 1, Seq: end.Seq, Head: end.Hash.String(), Records: end.Seq - from.Seq,
	}
	if from.Seq > 0 {
		m.Prev = from.Hash.String()
	}
	if m.Members, err = j.parts(from, end); err != nil {
		return err
	}
	if size != nil {
		bytes, err := m.Size()
		if err != nil {
			return err
		}
		size(bytes)
	}
	b := archive.NewWriter(w, m)
	err = j.writeParts(b, from, end, step)
	if err == nil {
		err = b.Close()
	}
	if err != nil {
		return fmt.Errorf("backing up the journal: %w", err)
	}
	return nil
}

// parts lays out the members between two marks.
func (j *Journal) parts(from, end journal.Mark) (parts []archive.Member, err error) {
	parts = []archive.Member{}
	after, last := spanOf(from.Ref), spanOf(end.Ref)
	offset := int64(after.end())
	for n := max(after.segment, 1); n <= last.segment; n++ {
		length := int64(last.end())
		if n < last.segment {
			if length, err = segmentSize(j.o.Dir, n); err != nil {
				return nil, err
			}
		}
		if length > offset {
			parts = append(parts, archive.Part(n, offset, length-offset))
		}
		offset = 0
	}
	return parts, nil
}

// writeParts writes the lines between two marks into the members laid out for them.
func (j *Journal) writeParts(b *archive.Writer, from, end journal.Mark, step func() error) error {
	segment := uint32(0)
	for line, err := range j.Until(from, end) {
		if err != nil {
			return err
		}
		if n := spanOf(line.Ref).segment; n != segment {
			segment = n
			if err := b.Next(); err != nil {
				return err
			}
		}
		if _, err := b.Write(line.Bytes); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
