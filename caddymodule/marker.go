package caddymodule

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
)

// marker says, outside of a data folder, which ledger is kept in it. An empty
// folder looks like a first start; with the marker it is a disk that was not
// mounted, and the public keys in it still open what was sold. It stands in
// Caddy's config directory, because the data directory is what gets lost.
type marker struct {
	Folder string          `json:"folder"`
	Ledger string          `json:"ledger"`
	Keys   json.RawMessage `json:"keys"` // public, as in /.paywall/jwks.json
}

func markerPath(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(caddy.AppConfigDir(), "paywall", hex.EncodeToString(sum[:8])+".json")
}

// readMarker reads what was noted about the folder; the zero marker if nothing
// was, or if it cannot be read.
func (f *folder) readMarker() marker {
	var m marker
	raw, err := os.ReadFile(markerPath(f.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return m
	}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		f.logger.Load().Warn("reading which ledger is kept in the data folder failed; an empty one would look like a first start",
			"file", markerPath(f.dir), "error", err)
		return marker{}
	}
	return m
}

// mark notes the open ledger. Without the note everything works; only a lost
// folder is not told from a new one.
func (f *folder) mark(l ledger) {
	m := marker{Folder: f.dir, Ledger: l.store.ID(), Keys: l.ring.JWKS()}
	if err := writeMarker(markerPath(f.dir), &m); err != nil {
		f.logger.Load().Warn("noting which ledger is kept in the data folder failed; an empty one would look like a first start",
			"file", markerPath(f.dir), "error", err)
	}
}

// writeMarker leaves the old file or the new one, whole.
func writeMarker(path string, m *marker) error {
	raw, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, raw) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), "*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(t.Name()) }() // there is none after the rename
	_, err = t.Write(raw)
	if err := errors.Join(err, t.Sync(), t.Close()); err != nil {
		return err
	}
	return os.Rename(t.Name(), path)
}
