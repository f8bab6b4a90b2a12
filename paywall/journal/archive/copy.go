package archive

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Copy copies a backup as it comes and checks every byte of it: only when it
// answers nil is the copy a backup; one that is not whole is [ErrBackup]. Keys, by
// file name, are put into the copy; without any it is the same to the byte. They
// are secrets: whoever has the copy can then make tokens.
func Copy(w io.Writer, r io.Reader, keys map[string][]byte) (Manifest, error) {
	var out *Writer
	begin := func(at time.Time) {
		if out == nil {
			out = NewWriter(w, Manifest{Made: at, Members: []Member{}})
		}
	}
	m, err := Read(r, func(member Member, at time.Time, content io.Reader) error {
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
		if _, ok := member.Key(); !ok {
			return m, fmt.Errorf("copying a backup: %q cannot be the name of a key's file", name)
		}
		if err := out.copy(member, strings.NewReader(string(keys[name]))); err != nil {
			return m, err
		}
	}
	return out.manifest, out.Close()
}

// copy writes one member, whose name and length are known.
func (w *Writer) copy(member Member, content io.Reader) error {
	w.manifest.Members = append(w.manifest.Members, member)
	err := w.Next()
	if err == nil {
		_, err = io.Copy(w, content)
	}
	if err == nil {
		err = w.endMember()
	}
	if err != nil {
		return fmt.Errorf("copying a backup: %w", err)
	}
	return nil
}
