package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// verifyAfterRotation is how long a key verifies after its last signature.
const verifyAfterRotation = paywall.AccessTTL + leeway

// Ring is the site's Ed25519 signing keys, in a folder: one is active and
// signs, older ones verify until every token they signed has ended. It is safe
// for concurrent use. One process at a time may hold a folder; the store's lock
// on the data folder sees to that.
type Ring struct {
	dir     string
	rotates sync.Mutex // one rotation at a time
	current atomic.Pointer[snapshot]

	// What it signed last. Offers have a memory of their own: anybody may ask for any
	// number of them, and has no token of a reader forgotten by that.
	offers, accesses memory
}

// OpenRing opens the keys in dir. With mayCreate, a folder without keys gets
// its first one; without it, missing keys are an error: somebody has paid for
// tokens that they signed, and to make new ones in silence would hide the loss.
// Keys that others could read or replace, that are damaged or not Ed25519, are
// refused, with what to do about it.
func OpenRing(dir string, mayCreate bool) (*Ring, error) {
	r := &Ring{dir: dir}
	names, err := keyFiles(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the key folder %s: %w", dir, err)
	}
	state, found, err := readState(dir)
	switch {
	case err != nil:
		return nil, err
	case found:
	case len(names) == 1:
		// The first start ended between the key and its state, or somebody
		// restored the one key alone: there is no doubt which one signs.
		state = ringState{Active: names[0]}
	case len(names) > 1:
		return nil, fmt.Errorf("key folder %s holds %d keys but no %s that says which one signs: restore it from the backup, "+
			`or write {"active":"NAME","retired":{}} with the newest key's name, without .pem`, dir, len(names), stateFile)
	case !mayCreate:
		return nil, fmt.Errorf("there are no signing keys in %s, but there is a journal that was written with some: "+
			"restore %s and *.pem there from the backup; without one, start once with an empty storage folder and move "+
			"its keys here (readers who have paid get new tokens from their wallets)", dir, stateFile)
	default:
		if _, err := r.Rotate(time.Now()); err != nil {
			return nil, err
		}
		return r, nil
	}
	if err := r.load(state, time.Now()); err != nil {
		return nil, err
	}
	if !found {
		if err := writeState(dir, state); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// load reads the keys that the state names. A retired key whose file is gone
// was taken away on purpose: that is how tokens of a leaked key are ended early.
func (r *Ring) load(state ringState, now time.Time) error {
	private, err := readKey(r.dir, state.Active)
	if err != nil {
		return err
	}
	var retired []*key
	for kid, until := range state.Retired {
		if !until.After(now) || !keyExists(r.dir, kid) {
			continue
		}
		private, err := readKey(r.dir, kid)
		if err != nil {
			return err
		}
		retired = append(retired, newKey(private, until.Unix()))
	}
	r.current.Store(newSnapshot(newKey(private, active), retired))
	return nil
}

// Rotate makes a new signing key and returns its name. The key is on disk
// before it signs; when that fails, nothing has changed. Older keys go on
// verifying until [paywall.AccessTTL] and a minute after now, then the next
// rotation removes them.
func (r *Ring) Rotate(now time.Time) (kid string, err error) {
	if r.dir == "" {
		return "", errNoSigning
	}
	r.rotates.Lock()
	defer r.rotates.Unlock()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", fmt.Errorf("making a signing key: %w", err)
	}
	next := newKey(private, active)
	state := ringState{Active: next.kid, Retired: make(map[string]time.Time)}
	var keep, drop []*key
	var last *key
	if before := r.current.Load(); before != nil {
		last = before.active
		keep = append(keep, last)
		state.Retired[last.kid] = now.Add(verifyAfterRotation).UTC().Truncate(time.Second)
		for _, k := range before.keys[1:] {
			if k.retired(now) {
				drop = append(drop, k)
				continue
			}
			keep = append(keep, k)
			state.Retired[k.kid] = unix(k.until.Load())
		}
	}
	if err := writeKey(r.dir, next.kid, private); err != nil {
		return "", err
	}
	if err := writeState(r.dir, state); err != nil {
		return "", err
	}
	r.current.Store(newSnapshot(next, keep))
	if last != nil {
		last.until.Store(state.Retired[last.kid].Unix())
	}
	for _, k := range drop {
		removeKey(r.dir, k.kid)
	}
	return next.kid, nil
}

// Forget ends the retired keys whose files were taken out of the folder, for
// tokens that were verified before as well, and returns their names: a leaked
// key need not wait for a restart. When the active key's file is missing too,
// the folder is away, and nothing was meant by that.
func (r *Ring) Forget() (kids []string) {
	r.rotates.Lock()
	defer r.rotates.Unlock()
	now := r.current.Load()
	if r.dir == "" || !keyExists(r.dir, now.active.kid) {
		return nil
	}
	var keep []*key
	for _, k := range now.keys[1:] {
		if keyExists(r.dir, k.kid) {
			keep = append(keep, k)
			continue
		}
		k.until.Store(0)
		kids = append(kids, k.kid)
	}
	if len(kids) > 0 {
		r.current.Store(newSnapshot(now.active, keep))
	}
	return kids
}

// jwk is a public key as RFC 8037 writes it. There is no member for a private one.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

// JWKS is the public keys that verify, the active one first, as a JSON Web Key
// Set (RFC 7517).
func (r *Ring) JWKS() []byte {
	now := time.Now()
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range r.current.Load().keys {
		if k.retired(now) {
			continue
		}
		set.Keys = append(set.Keys, jwk{
			Type: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k.public),
			ID: k.kid, Algorithm: algorithm, Use: "sig",
		})
	}
	raw, _ := json.Marshal(set) // strings only: cannot fail
	return raw
}
