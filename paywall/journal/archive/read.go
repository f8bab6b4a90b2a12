package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	stdhash "hash"
	"io"
	"slices"
	"time"
)

// ErrBackup says that something is not a whole backup as it was written: it is
// damaged, cut, of another program or of a newer version. Compare with errors.Is.
var ErrBackup = errors.New("this is not a whole backup")

func badBackup(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrBackup, fmt.Errorf(format, args...))
}

// Read reads a backup through. take gets each file in order, with the time
// it is dated, while its content passes by, of which nothing is proved until
// Read answers nil: then every byte of the backup is as it was written, and
// nothing follows. What the journal's lines say is not its business. Whatever is
// wrong with the backup is [ErrBackup]; an error of take ends the reading and is
// answered as it is.
func Read(r io.Reader, take func(m Member, at time.Time, content io.Reader) error) (Manifest, error) {
	held := &heldBack{from: bufio.NewReaderSize(r, 1<<16), whole: sha256.New()}
	in := tar.NewReader(held)
	var members []Member
	for {
		h, err := in.Next()
		if err != nil {
			return Manifest{}, badBackup("reading a member's header: %w", noEOF(err))
		}
		if h.Typeflag != tar.TypeReg || h.Size < 0 {
			return Manifest{}, badBackup("%q is not a file", h.Name)
		}
		if h.Name == manifestName {
			return lastMember(in, h, members, held)
		}
		m := Member{Name: h.Name, Bytes: h.Size}
		_, _, isPart := m.Part()
		if _, isKey := m.Key(); !isKey && !isPart {
			return Manifest{}, badBackup("there is a member %q", h.Name)
		}
		content := &passing{from: in, sum: sha256.New()}
		if err := take(m, h.ModTime, content); err != nil {
			if content.err != nil {
				err = badBackup("reading %s: %w", h.Name, noEOF(content.err))
			}
			return Manifest{}, err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return Manifest{}, badBackup("reading %s: %w", h.Name, noEOF(err))
		}
		m.SHA256 = hex.EncodeToString(content.sum.Sum(nil))
		members = append(members, m)
	}
}

// lastMember reads the manifest, holds it against the members that came before,
// and checks the end.
func lastMember(in *tar.Reader, h *tar.Header, members []Member, held *heldBack) (m Manifest, err error) {
	if h.Size > manifestMax {
		return m, badBackup("its manifest has %d bytes", h.Size)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return m, badBackup("reading the manifest: %w", noEOF(err))
	}
	var format struct{ Format int }
	if err := json.Unmarshal(text, &format); err != nil {
		return m, badBackup("reading the manifest: %w", err)
	}
	if format.Format != Format {
		return m, badBackup("its format is %d, this program knows %d; restore it with the program that made it", format.Format, Format)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, badBackup("reading the manifest: %w", err)
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return m, badBackup("something follows the manifest")
	}
	if err := held.checkEnd(h.ModTime); err != nil {
		return m, err
	}
	if !slices.Equal(members, m.Members) {
		return m, badBackup("its files are not the ones in its manifest")
	}
	if m.First == 0 || m.Seq != m.First+m.Records-1 || m.Complete() != (m.Prev == "") {
		return m, badBackup("its manifest contradicts itself")
	}
	return m, nil
}

// noEOF keeps a backup that ends early from looking like one that ends.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// heldBack passes a stream on except for its end, and sums up what it passed.
type heldBack struct {
	from  *bufio.Reader
	whole stdhash.Hash
}

func (h *heldBack) Read(p []byte) (int, error) {
	ahead, err := h.from.Peek(backupEnd + min(len(p), 16<<10)) // less than the buffer
	if len(ahead) <= backupEnd {
		return 0, err
	}
	n := copy(p, ahead[:len(ahead)-backupEnd])
	h.whole.Write(p[:n])
	_, err = h.from.Discard(n)
	return n, err
}

// checkEnd compares what was held back, to the last byte.
func (h *heldBack) checkEnd(at time.Time) error {
	want, err := endOf(h.whole.Sum(nil), at)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(io.LimitReader(h.from, backupEnd+1))
	if err != nil {
		return badBackup("reading its end: %w", err)
	}
	if !bytes.Equal(got, want) {
		return badBackup("its bytes do not have the SHA-256 that it ends with")
	}
	return nil
}

// passing sums up what it reads and remembers why it could not.
type passing struct {
	from io.Reader
	sum  stdhash.Hash
	err  error
}

func (p *passing) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.sum.Write(b[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}
