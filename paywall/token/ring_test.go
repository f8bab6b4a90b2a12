package token

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestFirstStartMakesAKeyThatOnlyItsOwnerCanRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "keys")
	r, err := OpenRing(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{
		dir: 0o700, keyPath(dir, r.current.Load().active.kid): 0o600, filepath.Join(dir, stateFile): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
	}
	raw := signAccess(t, r, newAccess())
	for _, mayCreate := range []bool{true, false} {
		again, err := OpenRing(dir, mayCreate)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewVerifier(again, (&clock{now: noon}).Now).Access(raw, site, site); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	}
}

func TestKeysAreNeverRemadeOverAJournal(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{filepath.Join(empty, "missing"), empty} {
		_, err := OpenRing(dir, false)
		if err == nil || !strings.Contains(err.Error(), "restore "+stateFile+" and *.pem") {
			t.Errorf("no keys: %v", err)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) != 0 {
		t.Errorf("something was made: %v, %v", entries, err)
	}
}

// TestKeyThatCannotBeTrustedIsRefused is Y08.
func TestKeyThatCannotBeTrustedIsRefusedWithTheMend(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, content, 0o600) }
	}
	for name, tc := range map[string]struct {
		damage func(path string) error
		want   string
	}{
		"readable by the group": {func(p string) error { return os.Chmod(p, 0o640) }, "run chmod 600"},
		"readable by everyone":  {func(p string) error { return os.Chmod(p, 0o644) }, "run chmod 600"},
		"empty":                 {write(nil), "is empty: restore it from the backup"},
		"half written": {func(p string) error {
			info, err := os.Stat(p)
			return errors.Join(err, os.Truncate(p, info.Size()/2))
		}, "is not one whole PEM block"},
		"two keys in one file": {func(p string) error {
			raw, err := os.ReadFile(p)
			return errors.Join(err, os.WriteFile(p, append(raw, raw...), 0o600))
		}, "is not one whole PEM block"},
		"RSA":               {write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rsaDER})), "is a *rsa.PrivateKey; only Ed25519"},
		"a public key":      {write(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rsaDER})), "is not one whole PEM block"},
		"no DER inside":     {write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("hello")})), "is damaged: restore it"},
		"missing":           {os.Remove, "is missing: restore it"},
		"a writable folder": {func(p string) error { return os.Chmod(filepath.Dir(p), 0o770) }, "run chmod 700"},
		"another key under this name": {func(p string) error {
			r, err := OpenRing(filepath.Join(filepath.Dir(p), "x"), true)
			if err != nil {
				return err
			}
			return os.Rename(keyPath(r.dir, r.current.Load().active.kid), p)
		}, "holds another key"},
		"state that is cut off": {func(p string) error {
			return os.WriteFile(filepath.Join(filepath.Dir(p), stateFile), []byte(`{"active"`), 0o600)
		}, "is damaged: restore it"},
		"state that names nothing": {func(p string) error {
			return os.WriteFile(filepath.Join(filepath.Dir(p), stateFile), []byte(`{}`), 0o600)
		}, "names no signing key"},
		"state that leads out of the folder": {func(p string) error {
			return os.WriteFile(filepath.Join(filepath.Dir(p), stateFile), []byte(`{"active":"../../../etc/ssl/private/key"}`), 0o600)
		}, "names no signing key"},
	} {
		r := newRing(t)
		if err := tc.damage(keyPath(r.dir, r.current.Load().active.kid)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := listing(t, r.dir)
		for _, mayCreate := range []bool{true, false} {
			_, err := OpenRing(r.dir, mayCreate)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v, want %q", name, err, tc.want)
			}
		}
		if after := listing(t, r.dir); after != before {
			t.Errorf("%s: the folder was changed from %s to %s", name, before, after)
		}
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// TestE07RetiredKeyVerifiesUntilItsLastTokenHasEnded: over a restart, too.
func TestE07RetiredKeyVerifiesUntilItsLastTokenHasEnded(t *testing.T) {
	r, v, c := newVerifier(t)
	c.now = time.Now().Truncate(time.Second) // OpenRing has only the real clock
	at := func() *Access {
		a := newAccess()
		a.IssuedAt, a.NotBefore, a.ExpiresAt = c.now, c.now, c.now.Add(paywall.AccessTTL)
		return a
	}
	old := signAccess(t, r, at())
	first := r.current.Load().active
	kid, err := r.Rotate(c.now)
	if err != nil {
		t.Fatal(err)
	}
	if active := r.current.Load().active; kid == first.kid || active.kid != kid {
		t.Fatalf("the active key is %s after the rotation to %s", active.kid, kid)
	}
	young := signAccess(t, r, at())
	restarted, err := OpenRing(r.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*Verifier{"running": v, "restarted": NewVerifier(restarted, c.Now)} {
		for _, raw := range []string{old, young} {
			if _, err := v.Access(raw, site, site); err != nil {
				t.Errorf("%s, just rotated: %v", name, err)
			}
		}
	}
	if n := bytes.Count(r.JWKS(), []byte(`"kid"`)); n != 2 {
		t.Errorf("%d keys are published", n)
	}

	// A token that the old key signs in the same moment lives as long as any.
	c.advance(paywall.AccessTTL - time.Second)
	for name, v := range map[string]*Verifier{"running": v, "restarted": NewVerifier(restarted, c.Now)} {
		if _, err := v.Access(old, site, site); err != nil {
			t.Errorf("%s, at the end of the old token: %v", name, err)
		}
	}

	c.advance(time.Second + leeway)
	if _, err := r.Rotate(c.now); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(keyPath(r.dir, first.kid)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key that ended is still there: %v", err)
	}
	if strings.Contains(string(r.JWKS()), first.kid) {
		t.Error("the key that ended is still published")
	}
	a := at()
	if _, err := v.Access(mintWith(first.private, `{"alg":"EdDSA","kid":"`+first.kid+`","typ":"`+typAccess+`"}`, accessPayload(a)), site, site); err == nil {
		t.Error("a token signed with a key that ended is accepted")
	}
}

func accessPayload(a *Access) string {
	raw, _ := json.Marshal(&accessClaims{registered: registered{
		Issuer: a.Issuer, Audience: a.Audience, ID: a.ID,
		IssuedAt: a.IssuedAt.Unix(), NotBefore: a.NotBefore.Unix(), ExpiresAt: a.ExpiresAt.Unix(),
	}, Resource: a.Resource})
	return string(raw)
}

// TestE07RetiredKeyEndsForCachedTokensToo: nothing a cache remembers outlives its key.
func TestE07RetiredKeyEndsForCachedTokensToo(t *testing.T) {
	r, v, _ := newVerifier(t)
	raw := signAccess(t, r, newAccess())
	if _, err := v.Access(raw, site, site); err != nil {
		t.Fatal(err)
	}
	r.current.Load().active.until.Store(noon.Unix())
	for range 2 { // from the cache, then from scratch
		if _, err := v.Access(raw, site, site); !errors.Is(err, errRetiredKey) {
			t.Errorf("a token of a dead key: %v", err)
		}
	}
}

// TestE26RemovedKeyFileEndsItsTokens: the way to end a leaked key early.
func TestE26RemovedKeyFileEndsItsTokens(t *testing.T) {
	r := newRing(t)
	raw := signAccess(t, r, newAccess())
	leaked := r.current.Load().active.kid
	if _, err := r.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(keyPath(r.dir, leaked)); err != nil {
		t.Fatal(err)
	}
	restarted, err := OpenRing(r.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewVerifier(restarted, (&clock{now: noon}).Now).Access(raw, site, site); err == nil {
		t.Error("a token of the removed key is accepted")
	}
	if strings.Contains(string(restarted.JWKS()), leaked) {
		t.Error("the removed key is published")
	}
}

// TestE26ForgottenKeyEndsItsTokensAtOnce: no restart, and no token that was
// verified before lives on in a cache.
func TestE26ForgottenKeyEndsItsTokensAtOnce(t *testing.T) {
	r, v, _ := newVerifier(t)
	leaked := r.current.Load().active
	old := signAccess(t, r, newAccess())
	if _, err := r.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	young := signAccess(t, r, newAccess())
	open := func() (opened string) {
		for name, raw := range map[string]string{"old": old, "young": young} {
			for range 2 { // from scratch, then from the cache
				if _, err := v.Access(raw, site, site); err == nil && !strings.Contains(opened, name) {
					opened += name
				}
			}
		}
		return opened
	}
	if gone := r.Forget(); len(gone) != 0 || len(open()) != len("oldyoung") {
		t.Fatalf("with all its files, the ring forgets %v and opens %s", gone, open())
	}
	// A folder that is away is no wish to end anything.
	away := r.dir + ".away"
	if err := os.Rename(r.dir, away); err != nil {
		t.Fatal(err)
	}
	if gone := r.Forget(); len(gone) != 0 || len(open()) != len("oldyoung") {
		t.Errorf("without its folder, the ring forgets %v and opens %s", gone, open())
	}
	if err := os.Rename(away, r.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(keyPath(r.dir, leaked.kid)); err != nil {
		t.Fatal(err)
	}
	if gone := r.Forget(); len(gone) != 1 || gone[0] != leaked.kid || open() != "young" {
		t.Errorf("the ring forgets %v and opens %s", gone, open())
	}
	if strings.Contains(string(r.JWKS()), leaked.kid) {
		t.Error("the removed key is published")
	}
	forged := mintWith(leaked.private, `{"alg":"EdDSA","kid":"`+leaked.kid+`","typ":"`+typAccess+`"}`, accessPayload(newAccess()))
	if _, err := v.Access(forged, site, site); err == nil {
		t.Error("the thief's token is accepted")
	}
}

func TestKeyThatEndedCannotKeepTheServerFromStarting(t *testing.T) {
	r := newRing(t)
	ended := r.current.Load().active.kid
	if _, err := r.Rotate(time.Now().Add(-verifyAfterRotation)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyPath(r.dir, ended), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := OpenRing(r.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(again.current.Load().keys); n != 1 {
		t.Errorf("%d keys verify", n)
	}
}

// TestRotationCutShortLeavesAWorkingRing walks the moments at which a kill -9
// can fall between the files of a rotation.
func TestRotationCutShortLeavesAWorkingRing(t *testing.T) {
	next := newRing(t)
	kid := next.current.Load().active.kid
	pemFile, err := os.ReadFile(keyPath(next.dir, kid))
	if err != nil {
		t.Fatal(err)
	}
	for name, crash := range map[string]func(dir string) error{
		"a key half written":        func(dir string) error { return os.WriteFile(keyPath(dir, kid)+temporary, pemFile[:20], 0o600) },
		"a key that no state names": func(dir string) error { return os.WriteFile(keyPath(dir, kid), pemFile, 0o600) },
		"a state half written": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, stateFile+temporary), []byte(`{"ac`), 0o600)
		},
		"the first key, no state yet": func(dir string) error { return os.Remove(filepath.Join(dir, stateFile)) },
	} {
		r := newRing(t)
		raw := signAccess(t, r, newAccess())
		if err := crash(r.dir); err != nil {
			t.Fatal(err)
		}
		again, err := OpenRing(r.dir, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := NewVerifier(again, (&clock{now: noon}).Now).Access(raw, site, site); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(listing(t, r.dir), temporary) {
			t.Errorf("%s: left behind: %s", name, listing(t, r.dir))
		}
		if _, err := again.Rotate(time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSeveralKeysWithoutAStateAreNotGuessedAt(t *testing.T) {
	r := newRing(t)
	if _, err := r.Rotate(noon); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.dir, stateFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRing(r.dir, true); err == nil || !strings.Contains(err.Error(), `write {"active":"NAME","retired":{}}`) {
		t.Errorf("opened: %v", err)
	}
}

func TestRotationThatCannotBeWrittenChangesNothing(t *testing.T) {
	r := newRing(t)
	before := r.current.Load()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.dir = filepath.Join(file, "keys") // root may write anywhere, but not below a file
	if _, err := r.Rotate(time.Now()); err == nil {
		t.Fatal("rotated without a folder")
	}
	if r.current.Load() != before || before.active.until.Load() != active {
		t.Error("another key signs, or the old one ends")
	}
}

// TestKeysRotateUnderLoad is Y07: no token is refused, whichever key is active.
func TestKeysRotateUnderLoad(t *testing.T) {
	r, v, _ := newVerifier(t)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				raw, err := r.SignAccess(newAccess())
				if err != nil {
					t.Error(err)
					return
				}
				for range 3 {
					if _, err := v.Access(raw, site, site); err != nil {
						t.Error(err)
						return
					}
				}
				_ = r.JWKS()
			}
		})
	}
	for range 20 {
		if _, err := r.Rotate(noon); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
	if n := len(r.current.Load().keys); n != 21 {
		t.Errorf("%d keys verify", n)
	}
}

func TestE25JWKSHoldsPublicKeysOnly(t *testing.T) {
	r := newRing(t)
	if _, err := r.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(r.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 || set.Keys[0]["kid"] != r.current.Load().active.kid {
		t.Fatalf("keys: %v", set.Keys)
	}
	for i, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k["x"])
		if err != nil || !bytes.Equal(x, r.current.Load().keys[i].public) || thumbprint(x) != k["kid"] {
			t.Errorf("x = %s, %v", k["x"], err)
		}
		if k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["alg"] != "EdDSA" || k["use"] != "sig" || len(k) != 6 {
			t.Errorf("members: %v", k)
		}
	}
}

func TestThumbprintIsThatOfRFC8037(t *testing.T) {
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; got != want {
		t.Errorf("thumbprint %s, want %s", got, want)
	}
}
