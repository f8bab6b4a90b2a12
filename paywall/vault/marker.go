package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// marker is what [Options.Marker] holds.
type marker struct {
	Folder string          `json:"folder"`
	Ledger string          `json:"ledger"`
	Keys   json.RawMessage `json:"keys"` // public, as in /.paywall/jwks.json
}

// readMarker reads what was noted about the folder; the zero marker if nothing was, or if
// it cannot be read.
func (v *Vault) readMarker() marker {
	var m marker
	raw, err := os.ReadFile(v.o.Marker)
	if errors.Is(err, fs.ErrNotExist) {
		return m
	}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		v.logger.Load().Warn("reading which ledger is kept in the data folder failed; an empty one would look like a first start",
			"file", v.o.Marker, "error", err)
		return marker{}
	}
	return m
}

// mark notes the open ledger. Without the note everything works; only a lost folder is
// not told from a new one.
func (v *Vault) mark(now *standing) {
	m := marker{Folder: v.o.Dir, Ledger: now.engine.Info().Ledger, Keys: now.ring.JWKS()}
	if err := writeMarker(v.o.Marker, &m); err != nil {
		v.logger.Load().Warn("noting which ledger is kept in the data folder failed; an empty one would look like a first start",
			"file", v.o.Marker, "error", err)
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
