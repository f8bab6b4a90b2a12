package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tuppence/tuppence/paywall"
)

// key is an Ed25519 key and the headers of the tokens it signs.
type key struct {
	kid     string
	private ed25519.PrivateKey // nil in a public ring
	public  ed25519.PublicKey
	headers map[string]string // first segments of tokens, by typ; read only

	// until is when its last token has ended, in Unix seconds. It is the one
	// thing about a key that changes, so that cached tokens see it at once.
	until atomic.Int64
}

const active = math.MaxInt64 // as until

func newKey(private ed25519.PrivateKey, until int64) *key {
	k := newPublicKey(private.Public().(ed25519.PublicKey), until)
	k.private = private
	return k
}

func newPublicKey(public ed25519.PublicKey, until int64) *key {
	kid := thumbprint(public)
	k := &key{kid: kid, public: public, headers: map[string]string{
		typAccess: newHeader(kid, typAccess),
		typOffer:  newHeader(kid, typOffer),
	}}
	k.until.Store(until)
	return k
}

// retired reports whether the key verifies nothing any more.
func (k *key) retired(now time.Time) bool { return now.Unix() >= k.until.Load() }

// thumbprint names a key as RFC 7638 with RFC 8037 (appendix A.3) has it: the
// hash of the required members in the order of their names. So nobody chooses a
// kid, and no two keys share one.
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// slot is what the first segment of a token stands for.
type slot struct {
	key *key
	typ string
}

// snapshot is the keys of a ring at one moment; it never changes.
type snapshot struct {
	active   *key
	keys     []*key // the active one first
	byHeader map[string]slot
}

func newSnapshot(active *key, others []*key) *snapshot {
	s := &snapshot{active: active, keys: append([]*key{active}, others...), byHeader: make(map[string]slot)}
	for _, k := range s.keys {
		for typ, segment := range k.headers {
			s.byHeader[segment] = slot{key: k, typ: typ}
		}
	}
	return s
}

// find is the key whose header of this kind a segment is, nil if there is none.
func (s *snapshot) find(segment, typ string) *key {
	if found := s.byHeader[segment]; found.typ == typ {
		return found.key
	}
	return nil
}

// sign signs claims with the active key, and answers which one that was.
func (r *Ring) sign(typ string, claims any) (string, *key, error) {
	k := r.current.Load().active
	if k.private == nil {
		return "", nil, errNoSigning
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", nil, err
	}
	// As golang-jwt's Token.SignedString does, which would write the header anew each time.
	signed := k.headers[typ] + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := jwt.SigningMethodEdDSA.Sign(signed, k.private)
	if err != nil {
		return "", nil, err
	}
	raw := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
	if len(raw) > MaxLength {
		return "", nil, paywall.Errorf(paywall.CodeMalformed, "this does not fit into a token: %w", ErrTooLong)
	}
	return raw, k, nil
}
