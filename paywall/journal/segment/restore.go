package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall/journal/archive"
)

// StageBackup reads a backup, checks every byte of it, and builds in dir, an empty
// folder on base's file system, the journal that it gives: by itself if base is
// nil, which takes a complete backup, else on top of base, which takes an
// incremental one that continues base's chain. Base stays as it is. What comes out
// is on disk but not proved: [Inspect] it. key gets the signing keys. A backup that
// is not whole is [archive.ErrBackup]; after any error the folder's content means nothing.
func StageBackup(r io.Reader, base *Journal, dir string, key func(name string, content io.Reader) error) (archive.Manifest, error) {
	if base != nil {
		if err := base.linkInto(dir); err != nil {
			return archive.Manifest{}, fmt.Errorf("staging a backup: %w", err)
		}
	}
	parts := 0
	m, err := archive.Read(r, func(member archive.Member, _ time.Time, content io.Reader) error {
		if name, ok := member.Key(); ok {
			return key(name, content)
		}
		segment, offset, _ := member.Part()
		if parts++; parts == 1 {
			if err := fits(base, segment == 1 && offset == 0); err != nil {
				return err
			}
		}
		return stagePart(base, dir, segment, offset, content)
	})
	if err != nil {
		return m, err
	}
	if err := fits(base, m.Complete()); err != nil {
		return m, err
	}
	if base != nil {
		err = base.continuedBy(&m)
	}
	return m, errors.Join(err, OS{}.SyncDir(dir))
}

// fits tells early what cannot be restored, before all of it was read.
func fits(base *Journal, complete bool) error {
	switch {
	case complete && base != nil:
		return errors.New("there is a ledger already: a complete backup is restored into an empty folder")
	case !complete && base == nil:
		return errors.New("this is an incremental backup: restore the one that it continues first, then this into the same folder")
	}
	return nil
}

// continuedBy checks that a backup begins in this journal.
func (j *Journal) continuedBy(m *archive.Manifest) error {
	head := j.Head()
	if m.First > head.Seq+1 {
		return fmt.Errorf("the ledger there ends with record %d and the backup begins with %d: restore what lies between first", head.Seq, m.First)
	}
	before, err := j.MarkAt(m.First - 1)
	if err != nil {
		return err
	}
	if before.Hash.String() != m.Prev {
		return fmt.Errorf("the backup continues another ledger: record %d is %s in it and %s here", before.Seq, m.Prev, before.Hash)
	}
	if m.Seq < head.Seq {
		return fmt.Errorf("the ledger there is newer than the backup: it ends with record %d, the backup with %d", head.Seq, m.Seq)
	}
	return nil
}

// linkInto gives a folder all segments of this journal, without copying them.
func (j *Journal) linkInto(dir string) error {
	last, err := segments(j.o.Dir)
	if err != nil {
		return err
	}
	for n := uint32(1); n <= last; n++ {
		f, err := openSegment(j.o.Dir, n)
		if err != nil {
			return err
		}
		name := f.Name()
		_ = f.Close()
		if err := os.Link(name, filepath.Join(dir, filepath.Base(name))); err != nil {
			return err
		}
	}
	return nil
}

// stagePart writes a segment: what base has before the offset, then the content.
// The link that stands in its place is replaced, never written to.
func stagePart(base *Journal, dir string, segment uint32, offset int64, content io.Reader) error {
	if offset > 0 {
		before, err := openSegment(base.o.Dir, segment)
		if err != nil {
			return err
		}
		defer before.Close()
		content = io.MultiReader(io.NewSectionReader(before, 0, offset), content)
	}
	name := segmentPath(dir, segment)
	temporary := name + ".tmp"
	if err := WriteFile(temporary, content); err != nil {
		return err
	}
	if err := os.RemoveAll(compressedPath(dir, segment)); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// WriteFile writes a new file and answers when its content is on disk; its name
// is not yet.
func WriteFile(name string, content io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Advance puts the segments of a staged journal, inspected and on the same file
// system, into this one's folder, whose chain it must continue. Each appears whole
// and in order, so that a crash in between leaves a journal that is sound and
// shorter, and to which the same can be done again. Afterwards both are to be
// closed; this one still reads what it read before.
func (j *Journal) Advance(staged *Journal) error {
	head := j.Head()
	there, err := staged.MarkAt(head.Seq)
	if err != nil {
		return err
	}
	if there != head {
		return fmt.Errorf("the two journals are not one: record %d is %s in one and %s in the other", head.Seq, head.Hash, there.Hash)
	}
	if staged.Head() == head {
		return nil // and a torn record stays for the next start
	}
	for n := spanOf(head.Ref).segment; n <= spanOf(staged.Head().Ref).segment; n++ {
		from, to := segmentPath(staged.o.Dir, n), segmentPath(j.o.Dir, n)
		if sameFile(from, to) {
			continue
		}
		if err := os.Rename(from, to); err != nil {
			return err
		}
		if err := j.o.Disk.SyncDir(j.o.Dir); err != nil {
			return fmt.Errorf("syncing the journal's folder: %w", err)
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
