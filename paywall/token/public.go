package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tuppence/tuppence/paywall"
)

// errNoSigning is a ring without private keys; a purchase cannot be offered.
var errNoSigning = paywall.Errorf(paywall.CodeUnavailable, "%s", paywall.ErrUnavailable.Message)

// NewPublicRing makes a ring of public keys alone, as [Ring.JWKS] wrote them:
// it verifies what was sold, for a server whose key folder is away. Nothing can
// be signed with it: [paywall.ErrUnavailable].
func NewPublicRing(jwks []byte) (*Ring, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("reading public keys: %w", err)
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("reading public keys: there are none")
	}
	keys := make([]*key, len(set.Keys))
	for i, k := range set.Keys {
		public, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(public) != ed25519.PublicKeySize || thumbprint(public) != k.ID {
			return nil, fmt.Errorf("reading public keys: %q is not an Ed25519 key with its name", k.ID)
		}
		keys[i] = newPublicKey(public, active)
	}
	r := new(Ring)
	r.current.Store(newSnapshot(keys[0], keys[1:]))
	return r, nil
}
