package topup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	sealPrefix = "link-"
	sealBytes  = 32
	halfMade   = ".tmp"
)

// OpenSeals keeps a key for each year in the folder, next to the keys that sign. Each is
// made when something is first sealed in its year, so that nothing is put into the folder
// of a ledger that is away. A key that is damaged, or that others can read, is refused.
func OpenSeals(dir string, now func() time.Time) (*Seals, error) {
	s := &Seals{dir: dir, now: now, keys: map[int]*sealKey{}}
	if err := s.Tidy(); err != nil {
		return nil, err
	}
	for _, year := range s.years() {
		if _, err := s.key(year); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Tidy deletes the keys of years that ended 14 months ago. From then on nothing connects
// those years' payments with wallets.
func (s *Seals) Tidy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the folder of the link keys: %w", err)
	}
	for _, entry := range entries {
		digits, ours := strings.CutPrefix(entry.Name(), sealPrefix)
		year, err := strconv.Atoi(digits)
		if !ours || err != nil || !s.forgotten(year) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting the link key of %d: %w", year, err)
		}
		delete(s.keys, year)
	}
	return nil
}

func (s *Seals) path(year int) string { return filepath.Join(s.dir, sealPrefix+strconv.Itoa(year)) }

func (s *Seals) exists(year int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[year] != nil {
		return true
	}
	_, err := os.Stat(s.path(year))
	return err == nil
}

// key reads a year's key, or makes it.
func (s *Seals) key(year int) (*sealKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgotten(year) || year > s.year()+1 {
		delete(s.keys, year)
		return nil, fmt.Errorf("%d: %w", year, errForgotten)
	}
	if k := s.keys[year]; k != nil {
		return k, nil
	}
	secret, err := s.read(year)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.make(year); err != nil {
			return nil, fmt.Errorf("making the link key of %d: %w", year, err)
		}
		secret, err = s.read(year)
	}
	if err != nil {
		return nil, err
	}
	s.keys[year] = newSealKey(secret)
	return s.keys[year], nil
}

func (s *Seals) read(year int) ([]byte, error) {
	path := s.path(year)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening a link key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others, who could connect payments with wallets (mode %04o): run chmod 600 %s", path, mode, path)
	}
	if info.Size() != sealBytes {
		return nil, fmt.Errorf("link key %s is damaged: it has %d bytes instead of %d; restore it from the backup", path, info.Size(), sealBytes)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a link key: %w", err)
	}
	return secret, nil
}

// make puts a key into the folder, durably and whole. When another process does so at the
// same time, one of them wins, and both read its key.
func (s *Seals) make(year int) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, sealPrefix+"*"+halfMade) // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has its lasting name by then
	secret := make([]byte, sealBytes)
	_, _ = rand.Read(secret) // never fails
	_, err = f.Write(secret)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), s.path(year)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
