package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	stdhash "hash"
	"io"
)

// Writer writes a backup: the members of its manifest in order, each begun with
// Next and filled with Write, then Close. The hashes in the manifest are its own to set.
type Writer struct {
	manifest Manifest
	to       io.Writer
	tar      *tar.Writer
	whole    stdhash.Hash // of every byte so far
	member   stdhash.Hash
	done     int  // members begun
	open     bool // the last of them is not ended
}

// NewWriter begins a backup. Nothing is written before the first member.
func NewWriter(w io.Writer, m Manifest) *Writer {
	whole := sha256.New()
	return &Writer{manifest: m, to: w, tar: tar.NewWriter(io.MultiWriter(w, whole)), whole: whole, member: sha256.New()}
}

// Next ends the member that was begun and begins the next one of the manifest.
func (w *Writer) Next() error {
	if err := w.endMember(); err != nil {
		return err
	}
	if w.done == len(w.manifest.Members) {
		return errors.New("there is more to write than the manifest says")
	}
	member := w.manifest.Members[w.done]
	w.done++
	w.open = true
	return w.tar.WriteHeader(tarHeader(member.Name, member.Bytes, w.manifest.Made))
}

// Write writes the content of the member that was begun.
func (w *Writer) Write(p []byte) (int, error) {
	w.member.Write(p)
	return w.tar.Write(p)
}

// endMember notes the hash of the member that was written; tar refuses one of
// another length than was announced.
func (w *Writer) endMember() error {
	if !w.open {
		return nil
	}
	w.manifest.Members[w.done-1].SHA256 = hex.EncodeToString(w.member.Sum(nil))
	w.member.Reset()
	w.open = false
	return w.tar.Flush()
}

// Close writes the manifest and the end.
func (w *Writer) Close() error {
	if err := w.endMember(); err != nil {
		return err
	}
	if w.done != len(w.manifest.Members) {
		return fmt.Errorf("%d of %d members were written", w.done, len(w.manifest.Members))
	}
	text, err := w.manifest.encode()
	if err != nil {
		return err
	}
	if err := w.tar.WriteHeader(tarHeader(manifestName, int64(len(text)), w.manifest.Made)); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if _, err := w.tar.Write(text); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if err := w.tar.Flush(); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	end, err := endOf(w.whole.Sum(nil), w.manifest.Made)
	if err == nil {
		_, err = w.to.Write(end)
	}
	if err != nil {
		return fmt.Errorf("ending the backup: %w", err)
	}
	return nil
}
