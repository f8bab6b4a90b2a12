package passkey

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"sync"
	"time"
)

// A challenge is a nonce, the time until which it is good, and a tag that only we
// can make: whoever asks for one makes us remember nothing, and pushes nobody
// else's out.
const (
	challengeTTL    = 5 * time.Minute
	nonceLength     = 16
	challengeHead   = nonceLength + 8
	challengeLength = challengeHead + sha256.Size

	// maxSpent bounds the challenges remembered as used. Beyond it, passkeys have to
	// wait until some are too old to be used again.
	maxSpent = 1 << 17
)

// Ceremonies is what the registrations and logins with passkeys share. It lives in
// memory, and is safe for concurrent use.
type Ceremonies struct {
	key   [32]byte
	seed  maphash.Seed
	locks [64]sync.Mutex

	mu    sync.Mutex
	spent map[[nonceLength]byte]time.Time // until when each would be good
	sweep time.Time                       // when to look next for what is too old
}

// NewCeremonies makes ceremonies of which none has begun.
func NewCeremonies() *Ceremonies {
	c := &Ceremonies{seed: maphash.MakeSeed(), spent: map[[nonceLength]byte]time.Time{}}
	_, _ = rand.Read(c.key[:]) // never fails (crypto/rand)
	return c
}

// challenge draws one that is good for what it is bound to, and nothing else.
func (c *Ceremonies) challenge(now time.Time, bound ...string) []byte {
	head := make([]byte, nonceLength, challengeLength)
	_, _ = rand.Read(head)
	head = binary.BigEndian.AppendUint64(head, uint64(now.Add(challengeTTL).Unix()))
	return append(head, c.tag(head, bound)...)
}

func (c *Ceremonies) tag(head []byte, bound []string) []byte {
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(head)
	for _, s := range bound {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		mac.Write([]byte(s))
	}
	return mac.Sum(nil)
}

// spend reports whether a challenge is one of ours for this, in time, and was not
// spent before.
func (c *Ceremonies) spend(challenge []byte, now time.Time, bound ...string) bool {
	if len(challenge) != challengeLength {
		return false
	}
	head := challenge[:challengeHead]
	until := time.Unix(int64(binary.BigEndian.Uint64(head[nonceLength:])), 0)
	if !hmac.Equal(c.tag(head, bound), challenge[challengeHead:]) || !now.Before(until) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.sweep) {
		maps.DeleteFunc(c.spent, func(_ [nonceLength]byte, until time.Time) bool { return !now.Before(until) })
		c.sweep = now.Add(time.Minute)
	}
	nonce := [nonceLength]byte(head)
	if _, again := c.spent[nonce]; again || len(c.spent) >= maxSpent {
		return false
	}
	c.spent[nonce] = until
	return true
}

// Hold keeps a passkey from others until it is released. It is held while a passkey
// lets somebody in or is taken away: it must not come back with the counter of a
// login that has begun before.
func (c *Ceremonies) Hold(passkey string) (release func()) {
	lock := &c.locks[maphash.String(c.seed, passkey)%uint64(len(c.locks))]
	lock.Lock()
	return lock.Unlock
}
