package segment

import (
	"crypto/sha256"
	"errors"
	"fmt"
	stdhash "hash"
	"io"
	"math"
	"os"

	"github.com/tuppence/tuppence/paywall/journal"
)

// Compressed says what [Journal.Compress] did. Sizes are in bytes.
type Compressed struct {
	Segments int   `json:"segments"` // that were compressed by this call
	Before   int64 `json:"bytes_before"`
	After    int64 `json:"bytes_after"`
}

// Compress puts a compressed file in the place of each closed segment. It works
// while records are read and appended, and places of records stay what they are.
// A plain segment is removed only when its compressed file is on disk under its
// name and was read back to the same bytes, so a crash at any moment, or an
// error, leaves every segment whole in one form at least; the next call goes on
// from there. A damaged segment is not compressed but reported. step is called
// after each segment with how many of how many are done; its error ends the work.
func (j *Journal) Compress(step func(done, of int) error) (Compressed, error) {
	j.compressing.Lock()
	defer j.compressing.Unlock()
	var total Compressed
	var end journal.Mark
	closed := int(spanOf(j.Head().Ref).segment) - 1
	for i := range max(closed, 0) {
		n := uint32(i + 1)
		prev := end
		var err error
		if end, err = segmentEnd(j.o.Dir, n); err != nil {
			return total, err
		}
		if err := j.compress(n, prev, &total); err != nil {
			return total, fmt.Errorf("compressing the journal: %w", err)
		}
		if err := step(i+1, closed); err != nil {
			return total, err
		}
	}
	return total, nil
}

// compress does one segment, which follows the record at a mark.
func (j *Journal) compress(n uint32, prev journal.Mark, total *Compressed) error {
	plain := segmentPath(j.o.Dir, n)
	info, err := os.Stat(plain)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it is compressed
	}
	if err != nil {
		return err
	}
	final := compressedPath(j.o.Dir, n)
	temporary := final + ".tmp"
	size, sum, err := j.pack(n, prev, temporary)
	if err == nil {
		err = readBack(temporary, sum)
	}
	if err == nil {
		err = os.Rename(temporary, final)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temporary))
	}
	if err := j.o.Disk.SyncDir(j.o.Dir); err != nil {
		return fmt.Errorf("syncing the journal's folder: %w", err)
	}
	if err := os.Remove(plain); err != nil {
		return err
	}
	// Whoever still reads the plain file may finish; it is closed when nobody has it
	// any more, by the runtime.
	j.readers.Delete(n)
	total.Segments++
	total.Before += info.Size()
	total.After += size
	return j.o.Disk.SyncDir(j.o.Dir)
}

// pack writes a segment's compressed file, every line checked on the way, and
// answers when it is on disk.
func (j *Journal) pack(n uint32, prev journal.Mark, name string) (size int64, sum []byte, err error) {
	f, err := j.o.Disk.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	p := packer{to: f, content: sha256.New()}
	s := scan{dir: j.o.Dir, prev: prev, at: span{segment: n}}
	s.segment(n, func(l *journal.Line, e error) bool {
		if err = e; err == nil {
			err = p.add(l.Bytes)
		}
		return err == nil
	})
	if err == nil && len(s.torn) > 0 {
		err = s.damaged(s.at.end(), tornClosed)
	}
	if err == nil {
		err = p.finish()
	}
	if err == nil {
		err = f.Sync()
	}
	return p.at, p.content.Sum(nil), err
}

// packer collects lines and writes them in frames.
type packer struct {
	to      io.Writer
	content stdhash.Hash // of the plain text
	text    []byte
	frames  []frame
	at      int64
}

func (p *packer) add(line []byte) error {
	p.content.Write(line)
	if p.text = append(p.text, line...); len(p.text) < frameBytes {
		return nil
	}
	return p.flush()
}

func (p *packer) flush() error {
	e, err := encoder()
	if err != nil || len(p.text) == 0 {
		return err
	}
	packed := e.EncodeAll(p.text, nil)
	p.frames = append(p.frames, frame{packed: int64(len(packed)), length: int64(len(p.text))})
	p.text = p.text[:0]
	return p.write(packed)
}

func (p *packer) write(b []byte) error {
	n, err := p.to.Write(b)
	p.at += int64(n)
	return err
}

func (p *packer) finish() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.write(appendTable(nil, p.frames))
}

// readBack unpacks a file as readers will and compares its content's hash.
func readBack(name string, want []byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	c, err := openCompressed(f)
	if err != nil {
		return err
	}
	defer c.Close()
	content := sha256.New()
	if _, err := io.Copy(content, io.NewSectionReader(c, 0, math.MaxInt64)); err != nil {
		return err
	}
	if got := content.Sum(nil); string(got) != string(want) {
		return fmt.Errorf("reading back %s: its content has the hash %x, was %x", name, got, want)
	}
	return nil
}
