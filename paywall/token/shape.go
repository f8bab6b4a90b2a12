package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// MaxLength is the longest token in bytes, signed or accepted. Ours are 400 to
// 900; all cookies of a request together must stay below 20 KB.
const MaxLength = 2 << 10

// The two kinds (RFC 8725, 3.11: tokens of one kind must not pass as another).
const (
	typAccess = "paywall-access+jwt"
	typOffer  = "paywall-offer+jwt"
)

const (
	algorithm       = "EdDSA" // golang-jwt 5.3 does not know RFC 9864's "Ed25519"
	signatureLength = 86      // 64 bytes in base64url without padding
	maxHeader       = 1 << 10 // of somebody else's token, when only its typ is wanted
	maxMembers      = 16      // in it; RFC 7515 knows 11, and each costs a dozen allocations
)

// ErrNotOurs says that a token's header does not name the kind asked for: it is
// somebody else's bearer, or no JWT at all.
var ErrNotOurs = errors.New("the token is of another kind")

// ErrTooLong says that a token is, or would become, longer than [MaxLength].
var ErrTooLong = errors.New("the token is too long")

// ErrNotYet says that a token was signed by us, and for later than now: the
// clocks of two hosts differ by more than a minute, or this one was set back.
var ErrNotYet = errors.New("the token is not valid yet; do the clocks agree?")

// Why a token is refused. None of them repeats a byte of it.
var (
	errUnknownHeader = errors.New("the token's header is not one that a key of ours signs with")
	errShape         = errors.New("the token is not three segments of base64url")
	errSignature     = errors.New("the token's signature is not valid")
	errClaims        = errors.New("the token's claims are not as signed by us")
	errWrongParty    = errors.New("the token is for another site")
	errExpired       = errors.New("the token has expired")
	errRetiredKey    = errors.New("the token's key is retired")
)

// open finds the key that a token's header names, and its second segment, the
// payload. It costs no signature and no allocation and, for a token that is not
// ours, hardly anything. The header must be one that we write, byte for byte: so
// alg, kid and typ are exact, and there is no room for crit, jwk, jku or a second kid.
func (r *Ring) open(raw, typ string) (k *key, body string, err error) {
	head, rest, _ := strings.Cut(raw, ".")
	k = r.current.Load().find(head, typ)
	if k == nil {
		if declares(head, typ) {
			return nil, "", errUnknownHeader
		}
		return nil, "", ErrNotOurs
	}
	if len(raw) > MaxLength {
		return nil, "", ErrTooLong
	}
	body, signature, ok := strings.Cut(rest, ".")
	if !ok || len(signature) != signatureLength || !base64url(body) || !base64url(signature) {
		return nil, "", errShape
	}
	return k, body, nil
}

func decodePayload(body string) ([]byte, error) {
	payload, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, errShape
	}
	return payload, nil
}

// base64url refuses dots, padding and line breaks; encoding/base64 skips CR and
// LF even in its strict mode, so that one token had many spellings.
func base64url(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}

// declares reports whether a header that is not one of ours claims to be. It
// reads generously, so that a forged token is refused here rather than handed
// to the site as somebody else's.
func declares(head, typ string) bool {
	if len(head) > maxHeader {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	claims, members := false, 0
	_ = eachMember(raw, func(name string, value json.RawMessage) error {
		if members++; members > maxMembers {
			return errClaims
		}
		var s string
		if strings.EqualFold(name, "typ") && json.Unmarshal(value, &s) == nil && strings.EqualFold(s, typ) {
			claims = true
		}
		return nil
	})
	return claims
}

// newHeader is the first segment of every token of one kind that a key signs.
func newHeader(kid, typ string) string {
	raw, _ := json.Marshal(map[string]string{"alg": algorithm, "kid": kid, "typ": typ}) // cannot fail
	return base64.RawURLEncoding.EncodeToString(raw)
}

// eachMember calls visit for the members of a JSON object, in order. Duplicates
// are visited twice.
func eachMember(raw []byte, visit func(name string, value json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return errClaims
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return errClaims
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return errClaims
		}
		if err := visit(name.(string), value); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return errClaims
	}
	return nil
}
