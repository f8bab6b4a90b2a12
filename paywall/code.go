package paywall

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
)

// Hash is the SHA-256 of a secret. Only hashes of secrets reach the ledger.
type Hash [sha256.Size]byte

// MarshalText is the hash in base64url.
func (h Hash) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(h[:])), nil
}

// codeEncoding is Crockford's base32: no I, L, O, U, so that a code survives
// handwriting; the letters left out are read as the digits they look like.
var codeEncoding = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// voucherBytes gives 100 random bits, twenty characters; security wants at least 80.
const voucherBytes = 12

// NewVoucherCode makes a voucher code, shown once and stored only as its hash.
func NewVoucherCode() string {
	var b [voucherBytes + 1]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return groups(codeEncoding.EncodeToString(b[:])[:20])
}

// HashCode hashes a code as a person typed it: case, dashes, spaces, full-width
// forms and look-alikes (O for 0, I or L for 1) do not matter. ok is false for
// what cannot be a code; that needs no look-up.
func HashCode(typed string) (h Hash, ok bool) {
	if len(typed) > 256 {
		return h, false
	}
	var b strings.Builder
	for _, r := range typed {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch r {
		case '-', ' ', '\t', '\r', '\n', 0x3000, 0xa0:
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if r > 'Z' || !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", r) {
			return h, false
		}
		b.WriteRune(r)
	}
	if b.Len() < 20 || b.Len() > 26 {
		return h, false
	}
	return sha256.Sum256([]byte(b.String())), true
}

// WalletKey is the secret that opens a wallet: 256 random bits in base64url,
// 43 characters. It lives in one browser's cookie, or in a script's
// Authorization header, and is stored only as its hash.
type WalletKey string

// NewWalletKey draws a key.
func NewWalletKey() WalletKey {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return WalletKey(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Hash is what the store knows of the key. ok is false for what cannot be a key.
func (k WalletKey) Hash() (h Hash, ok bool) {
	if len(k) != 43 { // the decoder skips line breaks
		return h, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(k))
	if err != nil || len(raw) != 32 {
		return h, false
	}
	return sha256.Sum256(raw), true
}

// RecoveryCode is the code a person writes down to get the wallet into another
// browser: 130 bits in groups of five. It follows from the key, so that a page
// can show it again although the store keeps only its hash; the key does not
// follow from it.
func (k WalletKey) RecoveryCode() string {
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte("recovery code"))
	return groups(codeEncoding.EncodeToString(mac.Sum(nil))[:26])
}

// GiftKey is the secret in a gift link: 128 random bits in base64url, 22
// characters, stored only as its hash.
type GiftKey string

// NewGiftKey draws a key.
func NewGiftKey() GiftKey { return GiftKey(NewID()) }

// Hash is what the store knows of the key. ok is false for what cannot be a key.
func (k GiftKey) Hash() (h Hash, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(k))
	if err != nil || len(raw) != 16 || len(k) != 22 {
		return h, false
	}
	return sha256.Sum256(raw), true
}

// groups puts a dash after every fifth character, but leaves none alone.
func groups(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%5 == 0 && i+1 < len(s) {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// NewID draws an identifier: 128 random bits in base64url, 22 characters.
// Ids of offers, wallets and unlocks are such: not guessable, no order, and
// short in every journal line.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
