package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	stateFile  = "ring.json"
	keySuffix  = ".pem"
	temporary  = ".tmp"
	maxKeyFile = 64 << 10
)

// ringState is which key signs, and until when the others verify.
type ringState struct {
	Active  string               `json:"active"`
	Retired map[string]time.Time `json:"retired"`
	// Check is the sum of the other members. Without it a flipped bit in the name
	// of a retired key would look like a key that was taken away on purpose. A
	// person who writes the file leaves it out.
	Check string `json:"check,omitempty"`
}

// sum is what Check must be.
func (s ringState) sum() string {
	s.Check = ""
	raw, _ := json.Marshal(s) // strings and times: cannot fail
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// keyFiles lists the names of the keys in dir, without suffix. A folder that
// does not exist holds none. What a crash left half written is removed: it
// never got its name, so nothing was signed with it.
func keyFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := checkMode(dir, 0o022, "can be written by others, who could replace its keys", "chmod 700"); err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), temporary) {
			_ = os.Remove(filepath.Join(dir, entry.Name())) // tidiness only
		}
		if name, ok := strings.CutSuffix(entry.Name(), keySuffix); ok && isThumbprint(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// checkMode refuses a file whose mode has any of the bits.
func checkMode(path string, bits fs.FileMode, what, advice string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&bits != 0 {
		return fmt.Errorf("%s %s (mode %04o): run %s %s", path, what, mode, advice, path)
	}
	return nil
}

// isThumbprint keeps names from a state file from leading out of the folder.
func isThumbprint(name string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(name)
	return err == nil && len(raw) == 32 && len(name) == 43
}

func keyPath(dir, kid string) string { return filepath.Join(dir, kid+keySuffix) }

func keyExists(dir, kid string) bool {
	_, err := os.Stat(keyPath(dir, kid))
	return !errors.Is(err, fs.ErrNotExist)
}

// readState reads which key signs; found is false if there is no state file.
func readState(dir string) (state ringState, found bool, err error) {
	path := filepath.Join(dir, stateFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state, false, nil
	}
	if err != nil {
		return state, false, fmt.Errorf("reading which key signs: %w", err)
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		return state, false, fmt.Errorf("%s is damaged: restore it from the backup, or remove it if there is one key only: %w", path, err)
	}
	if state.Check != "" && state.Check != state.sum() {
		return state, false, fmt.Errorf(`%s is damaged: restore it from the backup, or, if it was changed by hand, remove its "check"`, path)
	}
	if !isThumbprint(state.Active) {
		return state, false, fmt.Errorf("%s names no signing key: restore it from the backup, or remove it if there is one key only", path)
	}
	for kid := range state.Retired {
		if !isThumbprint(kid) {
			return state, false, fmt.Errorf("%s names a retired key that cannot be one of ours: restore it from the backup", path)
		}
	}
	return state, true, nil
}

// readKey reads a PKCS#8 private key and says exactly what is wrong with it.
func readKey(dir, kid string) (ed25519.PrivateKey, error) {
	path := keyPath(dir, kid)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("signing key %s is missing: restore it from the backup", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a signing key: %w", err)
	}
	defer f.Close()
	if err := checkMode(path, 0o077, "can be read by others, who could sign with it", "chmod 600"); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("reading a signing key: %w", err)
	}
	const advice = "restore it from the backup"
	if len(raw) == 0 {
		return nil, fmt.Errorf("signing key %s is empty: %s", path, advice)
	}
	block, rest := pem.Decode(raw)
	if block == nil || block.Type != "PRIVATE KEY" || strings.TrimSpace(string(rest)) != "" {
		return nil, fmt.Errorf("signing key %s is not one whole PEM block PRIVATE KEY: %s", path, advice)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signing key %s is damaged: %s", path, advice) // the cause could quote the key
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("signing key %s is a %T; only Ed25519 signs here: %s", path, parsed, advice)
	}
	if thumbprint(key.Public().(ed25519.PublicKey)) != kid {
		return nil, fmt.Errorf("signing key %s holds another key than its name says: %s", path, advice)
	}
	return key, nil
}

// writeKey makes the folder if need be, and puts a key into it.
func writeKey(dir, kid string, private ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("encoding a signing key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the key folder: %w", err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return fmt.Errorf("making the key folder: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := writeDurably(keyPath(dir, kid), block); err != nil {
		return fmt.Errorf("writing a signing key: %w", err)
	}
	return nil
}

func writeState(dir string, state ringState) error {
	state.Check = state.sum()
	raw, err := json.MarshalIndent(state, "", "\t")
	if err != nil {
		return fmt.Errorf("encoding which key signs: %w", err)
	}
	if err := writeDurably(filepath.Join(dir, stateFile), append(raw, '\n')); err != nil {
		return fmt.Errorf("writing which key signs: %w", err)
	}
	return nil
}

// removeKey takes a key away that verifies nothing any more. One that stays is
// no harm: nothing names it.
func removeKey(dir, kid string) { _ = os.Remove(keyPath(dir, kid)) }

// writeDurably gives a file its name only when its content is on disk, and
// returns when the name is, too: after a power cut there is the old file or the
// new one, whole.
func writeDurably(path string, content []byte) (err error) {
	f, err := os.OpenFile(path+temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
