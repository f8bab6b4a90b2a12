package passkey

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tuppence/tuppence/paywall"
)

// ErrAgain means that the answer is late, was given before, is meant for something else or is
// none. A new one may do.
var ErrAgain = paywall.Errorf(paywall.CodeMalformed, "this is no answer of a passkey to a question that is still open; begin again")

// Party is a site that asks for passkeys.
type Party struct {
	ceremonies *Ceremonies
	origin     string
	library    *webauthn.WebAuthn
}

// At is the site of an origin, under the name that browsers show. Where passkeys do
// not work ([Site]) there is none: [paywall.CodeNotFound].
func (c *Ceremonies) At(origin, name string) (*Party, error) {
	site, ok := Site(origin)
	if !ok {
		return nil, paywall.Errorf(paywall.CodeNotFound, "passkeys need https")
	}
	// Challenges and their time are ours.
	library, err := webauthn.New(&webauthn.Config{
		RPID: site, RPDisplayName: name, RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: challengeTTL},
			Registration: webauthn.TimeoutConfig{Timeout: challengeTTL},
		},
	})
	return &Party{c, origin, library}, err
}

// What challenges are bound to, beside the origin.
const (
	toAdd   = "add a passkey"
	toEnter = "log in with a passkey"
)

// answers reports whether a browser answers an open question of ours, put on this
// origin and bound to the same. It closes the question.
func (p *Party) answers(client *protocol.CollectedClientData, now time.Time, bound ...string) bool {
	return client.Origin == p.origin && p.ceremonies.spend(challengeOf(client), now, bound...)
}

// AskForNew asks a browser for a new passkey of a wallet, which has some already; the
// browser shows the name. It leaves nothing behind.
func (p *Party) AskForNew(now time.Time, wallet, name string, has []paywall.Passkey) (*protocol.CredentialCreation, error) {
	var known []protocol.CredentialDescriptor
	for _, k := range has {
		id, err := base64.RawURLEncoding.DecodeString(k.ID)
		if err != nil {
			return nil, err
		}
		known = append(known, protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: id})
	}
	challenge := p.ceremonies.challenge(now, toAdd, p.origin, wallet)
	creation, _, err := p.library.BeginRegistration(holder{handle: newHandle(challenge), name: name}, webauthn.WithExclusions(known),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = challenge
			return nil
		})
	return creation, err
}

// maxPublicKey bounds the key of a passkey, in bytes. RSA with 4096 bits fits, more
// than any authenticator makes; with the 48,000 bits that a request has room for,
// one look at a signature takes 67 ms (measured).
const maxPublicKey = 600

// Made checks the new passkey that a browser has made for a wallet, or answers
// [ErrAgain]. No word of a maker is asked for, and none but the passkey's own is
// listened to.
func (p *Party) Made(now time.Time, wallet, answer string) (paywall.Passkey, error) {
	sent, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return paywall.Passkey{}, ErrAgain
	}
	client, made := &sent.Response.CollectedClientData, &sent.Response.AttestationObject
	if !p.answers(client, now, toAdd, p.origin, wallet) {
		return paywall.Passkey{}, ErrAgain
	}
	if format := protocol.AttestationFormat(made.Format); format != protocol.AttestationFormatNone && format != protocol.AttestationFormatPacked {
		return paywall.Passkey{}, ErrAgain
	}
	if _, vouched := made.AttStatement["x5c"]; vouched || len(made.AuthData.AttData.CredentialPublicKey) > maxPublicKey {
		return paywall.Passkey{}, ErrAgain
	}
	challenge := challengeOf(client)
	handle := newHandle(challenge)
	checked, err := p.library.CreateCredential(holder{handle: handle}, sessionOf(challenge, handle), sent)
	if err != nil {
		return paywall.Passkey{}, ErrAgain
	}
	data, err := json.Marshal(Credential{
		Site: p.library.Config.RPID, User: handle, Key: checked.PublicKey, Counter: checked.Authenticator.SignCount,
		Synced: checked.Flags.BackupEligible, AddedAt: now.UTC(),
	})
	return paywall.Passkey{ID: base64.RawURLEncoding.EncodeToString(checked.ID), Data: string(data)}, err
}
