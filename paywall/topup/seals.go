package topup

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// monthsKept is how long a year's key outlives its year. Money can be disputed for most
// of that time, and a cash-out has to find the payment that it gives back.
const monthsKept = 14

// yearsTried bounds a look-up: no more keys are there at any time.
const yearsTried = 3

var errForgotten = errors.New("the key that sealed this year's ids is gone")

// Seals hides a provider's ids from the ledger: whoever has the journal alone cannot say
// which wallet a payment went to. Each year has a key in a file. When the file is deleted,
// that year's payments lead to no wallet any more; the sums of the journal stay.
//
// A sealed text is the same for the same id and year, so a ledger can look it up. It is
// made as in SIV: the synthetic initialisation vector is a MAC of the id, which is then
// encrypted in counter mode under it. It is safe for concurrent use.
type Seals struct {
	dir string
	now func() time.Time

	mu   sync.Mutex
	keys map[int]*sealKey
}

type sealKey struct {
	mac   []byte
	block cipher.Block
}

func newSealKey(secret []byte) *sealKey {
	derive := func(use string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(use))
		return h.Sum(nil)
	}
	block, err := aes.NewCipher(derive("encrypt"))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	return &sealKey{mac: derive("authenticate"), block: block}
}

func (k *sealKey) vector(id []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(id)
	return h.Sum(nil)[:aes.BlockSize]
}

// seal hides an id with a year's key. Of a year whose key is gone: errForgotten.
func (s *Seals) seal(id string, year int) (string, error) {
	if id == "" {
		return "", nil
	}
	k, err := s.key(year)
	if err != nil {
		return "", err
	}
	vector := k.vector([]byte(id))
	out := append(vector, id...)
	cipher.NewCTR(k.block, vector).XORKeyStream(out[aes.BlockSize:], []byte(id))
	return strconv.Itoa(year) + "." + base64.RawURLEncoding.EncodeToString(out), nil
}

// open gives the id that a sealed text hides. Of a year whose key is gone: errForgotten.
func (s *Seals) open(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	year, err := sealedIn(text)
	if err != nil {
		return "", err
	}
	_, encoded, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(raw) < aes.BlockSize {
		return "", fmt.Errorf("%q is no sealed id", text)
	}
	k, err := s.key(year)
	if err != nil {
		return "", err
	}
	vector, id := raw[:aes.BlockSize], raw[aes.BlockSize:]
	cipher.NewCTR(k.block, vector).XORKeyStream(id, id)
	if !hmac.Equal(vector, k.vector(id)) {
		return "", fmt.Errorf("an id of %d was sealed with another key than %s: restore that file from the backup", year, s.path(year))
	}
	return string(id), nil
}

// sealedIn is the year whose key sealed a text.
func sealedIn(text string) (int, error) {
	digits, _, found := strings.Cut(text, ".")
	year, err := strconv.Atoi(digits)
	if !found || err != nil {
		return 0, fmt.Errorf("%q is no sealed id", text)
	}
	return year, nil
}

// year is the one whose key seals what begins now.
func (s *Seals) year() int { return s.now().UTC().Year() }

// years are those whose keys may have sealed what is looked up, newest first.
func (s *Seals) years() []int {
	var years []int
	for year := s.year() + 1; len(years) < yearsTried && !s.forgotten(year); year-- {
		if s.exists(year) {
			years = append(years, year)
		}
	}
	return years
}

// reach is the time from which on the payments of intents can be matched: an intent of
// the last forgotten year was paid before it.
func (s *Seals) reach() time.Time {
	return time.Date(s.lastForgotten()+1, time.March, 1, 0, 0, 0, 0, time.UTC)
}

// lastGone is when the last key had to go. What was booked before may stand under it.
func (s *Seals) lastGone() time.Time { return goneAt(s.lastForgotten()) }

func (s *Seals) lastForgotten() int {
	year := s.year()
	for !s.forgotten(year) {
		year--
	}
	return year
}

// forgotten reports whether a year's key has to be gone by now.
func (s *Seals) forgotten(year int) bool { return !s.now().Before(goneAt(year)) }

// goneAt is when a year's key goes.
func goneAt(year int) time.Time {
	return time.Date(year+1, time.January+monthsKept, 1, 0, 0, 0, 0, time.UTC)
}
