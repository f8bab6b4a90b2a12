package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tuppence/tuppence/paywall"
)

// ErrRefused: the answer does not prove the passkey. ErrCopied is one such: the
// passkey's counter did not go up, so it may have been copied.
var (
	ErrRefused = errors.New("the answer does not prove the passkey")
	ErrCopied  = fmt.Errorf("%w: its counter did not go up", ErrRefused)
)

// AskForAny asks a browser for a passkey, whichever it has. It leaves nothing behind.
func (p *Party) AskForAny(now time.Time) (*protocol.CredentialAssertion, error) {
	request, _, err := p.library.BeginDiscoverableLogin(webauthn.WithChallenge(p.ceremonies.challenge(now, toEnter, p.origin)))
	return request, err
}

// Answer is a browser's answer to a question that was open until then.
type Answer struct {
	party *Party
	sent  *protocol.ParsedCredentialAssertionData
}

// Answered reads an answer to [Party.AskForAny], or answers [ErrAgain].
func (p *Party) Answered(now time.Time, answer string) (Answer, error) {
	sent, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil || !p.answers(&sent.Response.CollectedClientData, now, toEnter, p.origin) {
		return Answer{}, ErrAgain
	}
	return Answer{p, sent}, nil
}

// ID of the passkey that answers, it says.
func (a Answer) ID() string { return base64.RawURLEncoding.EncodeToString(a.sent.RawID) }

// Proves checks the answer against what is kept of the passkey, and returns what is to
// be kept from now on: the same, or with a counter that went up.
// Other errors than [ErrRefused] are ours.
func (a Answer) Proves(kept paywall.Passkey) (paywall.Passkey, error) {
	c, err := CredentialOf(kept)
	if err != nil {
		return kept, err
	}
	reader := holderOf(a.sent.RawID, c)
	who := func(_, _ []byte) (webauthn.User, error) { return reader, nil }
	_, checked, err := a.party.library.ValidatePasskeyLogin(who, sessionOf(challengeOf(&a.sent.Response.CollectedClientData), nil), a.sent)
	switch {
	case err != nil:
		return kept, ErrRefused
	case checked.Authenticator.CloneWarning:
		return kept, ErrCopied
	case c.Counter == checked.Authenticator.SignCount:
		return kept, nil
	}
	c.Counter = checked.Authenticator.SignCount
	data, err := json.Marshal(c)
	return paywall.Passkey{ID: kept.ID, Data: string(data)}, err
}
