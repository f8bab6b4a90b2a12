package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tuppence/tuppence/paywall"
)

// Credential is what is kept of a passkey, in [paywall.Passkey].Data.
type Credential struct {
	Site    string    `json:"site"`    // the host that it is for
	User    []byte    `json:"user"`    // the handle that it answers with: random, and of no other passkey
	Key     []byte    `json:"key"`     // COSE_Key
	Counter uint32    `json:"counter"` // 0 for ever where the passkey is on several devices
	Synced  bool      `json:"synced"`  // it may be on several devices
	AddedAt time.Time `json:"added_at"`
}

// CredentialOf reads what is kept of a passkey.
func CredentialOf(p paywall.Passkey) (c Credential, err error) {
	err = json.Unmarshal([]byte(p.Data), &c)
	return c, err
}

// Site is the host that passkeys of an origin are for (WebAuthn Level 3, 4, "RP
// ID": no address, and no plain HTTP but on the reader's own machine). ok is false where
// there can be none.
func Site(origin string) (host string, ok bool) {
	u, err := url.Parse(origin)
	if err != nil {
		return "", false
	}
	host = u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || protocol.ValidateRPID(host) != nil {
		return "", false
	}
	return host, u.Scheme == "https" || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// sessionOf is what the library checks an answer against.
func sessionOf(challenge []byte, user []byte) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: base64.RawURLEncoding.EncodeToString(challenge), UserID: user,
		UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersRecommendedL3(),
	}
}

// challengeOf reads the challenge that an answer says it is for.
func challengeOf(c *protocol.CollectedClientData) []byte {
	challenge, _ := base64.RawURLEncoding.Strict().DecodeString(c.Challenge) // what is none is of no length
	return challenge
}

// holder is a reader as an authenticator knows them: by nothing.
type holder struct {
	handle      []byte
	name        string
	credentials []webauthn.Credential
}

// newHandle is the handle of the passkey that a challenge was drawn for. It tells
// nobody anything, not even which passkeys are of one wallet.
func newHandle(challenge []byte) []byte {
	sum := sha256.Sum256(challenge)
	return sum[:]
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return h.name }
func (h holder) WebAuthnDisplayName() string                { return h.name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

// holderOf is the holder of a passkey, and of no other.
func holderOf(id []byte, c Credential) holder {
	return holder{handle: c.User, credentials: []webauthn.Credential{{
		ID: id, PublicKey: c.Key, Flags: webauthn.CredentialFlags{BackupEligible: c.Synced},
		Authenticator: webauthn.Authenticator{SignCount: c.Counter},
	}}}
}
