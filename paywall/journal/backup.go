package journal

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	stdhash "hash"
	"io"
	"slices"
	"strings"
	"time"
)

// Backup writes what stands behind the record since (0: everything) up to the
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
	m := Manifest{
		Format: manifestFormat, Made: j.o.Now().UTC(), Ledger: j.ledger, Currency: j.o.Currency,
		First: from.Seq + 1, Seq: end.Seq, Head: end.Hash.String(), Records: end.Seq - from.Seq,
	}
	if from.Seq > 0 {
		m.Prev = from.Hash.String()
	}
	if m.Members, err = j.parts(from, end); err != nil {
		return err
	}
	if size != nil {
		bytes, err := m.size()
		if err != nil {
			return err
		}
		size(bytes)
	}
	b := newBackup(w, m)
	if err := b.journal(j, from, end, step); err != nil {
		return fmt.Errorf("backing up the journal: %w", err)
	}
	return b.close()
}

// parts lays out the members; their hashes are not known yet.
func (j *Journal) parts(from, end Mark) (parts []Member, err error) {
	parts = []Member{}
	offset := int64(from.Ptr.Offset + from.Ptr.Length)
	for n := max(from.Ptr.Segment, 1); n <= end.Ptr.Segment; n++ {
		length := int64(end.Ptr.Offset + end.Ptr.Length)
		if n < end.Ptr.Segment {
			if length, err = segmentSize(j.o.Dir, n); err != nil {
				return nil, err
			}
		}
		if length > offset {
			parts = append(parts, Member{Name: partMember(n, offset), Bytes: length - offset, SHA256: strings.Repeat("0", 64)})
		}
		offset = 0
	}
	return parts, nil
}

// size is the length of a backup with this manifest.
func (m *Manifest) size() (int64, error) {
	text, err := m.encode()
	total := tarSize(int64(len(text))) + backupEnd
	for _, member := range m.Members {
		total += tarSize(member.Bytes)
	}
	return total, err
}

// backup writes an archive: members in the manifest's order, then close.
type backup struct {
	manifest Manifest
	to       io.Writer
	tar      *tar.Writer
	whole    stdhash.Hash // of every byte so far
	member   stdhash.Hash
	done     int  // members begun
	open     bool // the last of them is not ended
}

func newBackup(w io.Writer, m Manifest) *backup {
	whole := sha256.New()
	return &backup{manifest: m, to: w, tar: tar.NewWriter(io.MultiWriter(w, whole)), whole: whole, member: sha256.New()}
}

// journal writes the lines between two marks into the members laid out for them.
func (b *backup) journal(j *Journal, from, end Mark, step func() error) error {
	segment := uint32(0)
	for line, err := range j.Until(from, end) {
		if err == nil && line.Ptr.Segment != segment {
			segment = line.Ptr.Segment
			if err = b.endMember(); err == nil {
				err = b.next()
			}
		}
		if err == nil {
			err = b.write(line.Bytes)
		}
		if err == nil {
			err = step()
		}
		if err != nil {
			return err
		}
	}
	return b.endMember()
}

// next begins the next member of the manifest.
func (b *backup) next() error {
	if b.done == len(b.manifest.Members) {
		return errors.New("the journal has more segments than it had")
	}
	member := b.manifest.Members[b.done]
	b.done++
	b.open = true
	return b.tar.WriteHeader(tarHeader(member.Name, member.Bytes, b.manifest.Made))
}

func (b *backup) write(p []byte) error {
	b.member.Write(p)
	_, err := b.tar.Write(p)
	return err
}

// endMember notes the hash of the member that was written; tar refuses one of
// another length than was announced.
func (b *backup) endMember() error {
	if !b.open {
		return nil
	}
	b.manifest.Members[b.done-1].SHA256 = hex.EncodeToString(b.member.Sum(nil))
	b.member.Reset()
	b.open = false
	return b.tar.Flush()
}

// close writes the manifest and the end.
func (b *backup) close() error {
	if b.done != len(b.manifest.Members) {
		return fmt.Errorf("backing up the journal: %d of %d members were written", b.done, len(b.manifest.Members))
	}
	text, err := b.manifest.encode()
	if err != nil {
		return err
	}
	if err := b.tar.WriteHeader(tarHeader(manifestName, int64(len(text)), b.manifest.Made)); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if _, err := b.tar.Write(text); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if err := b.tar.Flush(); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	end, err := endOf(b.whole.Sum(nil), b.manifest.Made)
	if err == nil {
		_, err = b.to.Write(end)
	}
	if err != nil {
		return fmt.Errorf("ending the backup: %w", err)
	}
	return nil
}

// CopyBackup copies a backup as it comes and checks every byte of it: only when it
// answers nil is the copy a backup; one that is not whole is [ErrBackup]. Keys, by file name, are put into the
// copy; without any it is the same to the byte. They are secrets: whoever has the
// copy can then make tokens.
func CopyBackup(w io.Writer, r io.Reader, keys map[string][]byte) (Manifest, error) {
	var out *backup
	begin := func(at time.Time) {
		if out == nil {
			out = newBackup(w, Manifest{Made: at, Members: []Member{}})
		}
	}
	m, err := readBackup(r, func(member Member, at time.Time, content io.Reader) error {
		begin(at)
		return out.copy(member, content)
	})
	if err != nil {
		return m, err
	}
	begin(m.Made)
	members := out.manifest.Members
	out.manifest = m
	out.manifest.Members = members
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		member := Member{Name: keysFolder + name, Bytes: int64(len(keys[name])), SHA256: hexSum(keys[name])}
		if _, ok := member.key(); !ok {
			return m, fmt.Errorf("copying a backup: %q cannot be the name of a key's file", name)
		}
		if err := out.copy(member, strings.NewReader(string(keys[name]))); err != nil {
			return m, err
		}
	}
	return out.manifest, out.close()
}

// copy writes one member, whose name and length are known.
func (b *backup) copy(member Member, content io.Reader) error {
	b.manifest.Members = append(b.manifest.Members, member)
	err := b.next()
	if err == nil {
		_, err = io.Copy(io.MultiWriter(b.tar, b.member), content)
	}
	if err == nil {
		err = b.endMember()
	}
	if err != nil {
		return fmt.Errorf("copying a backup: %w", err)
	}
	return nil
}
