package state

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// The first bytes of keys.
const (
	TagAccount  = 'a'
	TagWallet   = 'w'
	TagKey      = 'k'
	TagCode     = 'c'
	TagPasskey  = 'p'
	TagIndex    = 'i'
	TagVoucher  = 'v'
	TagUnlock   = 'u'
	TagResource = 'r'
	TagGift     = 'g'
	TagTransfer = 't'
	TagCounter  = 'n'
	TagRevoked  = 'x'
	TagErasure  = 'e'
	TagDropped  = 'q' // in the index only

	// Of money in and out.
	TagIntent     = 'd'
	TagOpenIntent = 'o'
	TagBooked     = 'b'
	TagPayment    = 'y'
	TagCashOut    = 'f'
	TagOpenPart   = 'h'
	TagUnclaimed  = 'l'
	TagDebt       = 'z'
)

// OfFunding reports whether a key is one of money in and out, or says that vouchers were
// revoked: older versions know none of them.
func OfFunding(key string) bool {
	switch key[0] {
	case TagIntent, TagOpenIntent, TagBooked, TagPayment, TagCashOut, TagOpenPart, TagUnclaimed, TagDebt:
		return true
	}
	return false
}

// ErrValue says that a value is not as it was written.
var ErrValue = errors.New("a value of the ledger's state cannot be read")

// Number names a wallet in keys.
type Number [5]byte

// NumberOf is the number of the wallet that a record opened.
func NumberOf(seq uint64) Number {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], seq)
	return Number(b[3:])
}

// WalletID is the 128 bits of a wallet's id.
type WalletID [16]byte

// ParseWalletID reads a wallet's id as callers write it.
func ParseWalletID(id string) (w WalletID, ok bool) {
	var raw [24]byte
	if len(id) != 22 {
		return w, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(id))
	return WalletID(raw[:16]), err == nil && n == 16
}

func (w WalletID) String() string { return base64.RawURLEncoding.EncodeToString(w[:]) }

// AccountKey holds the balance of an account that is not a wallet's.
func AccountKey(account string) []byte { return append([]byte{TagAccount}, account...) }

// WalletKey holds a [Wallet].
func WalletKey(w WalletID) []byte { return append(append(make([]byte, 0, 17), TagWallet), w[:]...) }

// KeyKey holds the id of the wallet that a key opens.
func KeyKey(h paywall.Hash) []byte { return append([]byte{TagKey}, h[:]...) }

// CodeKey holds the id of the wallet that a recovery code leads to.
func CodeKey(h paywall.Hash) []byte { return append([]byte{TagCode}, h[:]...) }

// VoucherKey holds a [Voucher].
func VoucherKey(h paywall.Hash) []byte { return append([]byte{TagVoucher}, h[:]...) }

// GiftKey holds a [Gift].
func GiftKey(h paywall.Hash) []byte { return append([]byte{TagGift}, h[:]...) }

// PasskeyKey holds a [Passkey].
func PasskeyKey(id string) []byte {
	h := sha256.Sum256([]byte(id))
	return append([]byte{TagPasskey}, h[:]...)
}

// UnlockKey holds an [Unlock].
func UnlockKey(id string) []byte {
	h := UnlockHash(id)
	return append(append(make([]byte, 0, 13), TagUnlock), h[:]...)
}

// UnlockHash names an unlock in its key.
func UnlockHash(id string) [12]byte {
	h := sha256.Sum256([]byte(id))
	return [12]byte(h[:12])
}

// ResourcePrefix begins the keys of all that a wallet bought.
func ResourcePrefix(n Number) []byte {
	return append(append(make([]byte, 0, 14), TagResource), n[:]...)
}

// ResourceKey holds an [Owned].
func ResourceKey(n Number, site, resource string) []byte {
	h := ResourceHash(site, resource)
	return append(ResourcePrefix(n), h[:]...)
}

// ResourceHash names a resource in the keys of a wallet.
func ResourceHash(site, resource string) [8]byte {
	return hashOf(site, paywall.FoldResource(resource))
}

func hashOf(site, resource string) [8]byte {
	b := make([]byte, 0, 128)
	h := sha256.Sum256(append(append(append(b, site...), 0), resource...))
	return [8]byte(h[:8])
}

// IndexPrefix begins the keys of a wallet's index.
func IndexPrefix(n Number) []byte { return append([]byte{TagIndex}, n[:]...) }

// IndexKey has another key in a wallet's index.
func IndexKey(n Number, of []byte) []byte { return append(IndexPrefix(n), of...) }

// DroppedKey is the index entry of a key that was dropped.
func DroppedKey(n Number, key paywall.Hash) []byte {
	return append(append(IndexPrefix(n), TagDropped), key[:]...)
}

// TransferPrefix begins the keys of a wallet's tips and top-ups.
func TransferPrefix(n Number) []byte {
	return append(append(make([]byte, 0, 14), TagTransfer), n[:]...)
}

// TransferKey holds a [Transfer].
func TransferKey(n Number, cause string) []byte {
	h := sha256.Sum256([]byte(cause))
	return append(TransferPrefix(n), h[:8]...)
}

// RevokedKey says that an unlock's tokens are dead, until none of them can be valid.
func RevokedKey(until time.Time, unlock string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{TagRevoked}, uint64(until.Unix()))
	return append(b, unlock...)
}

// CutRevokedKey reads what [RevokedKey] wrote.
func CutRevokedKey(key []byte) (until time.Time, unlock string) {
	return time.Unix(int64(binary.BigEndian.Uint64(key[1:9])), 0), string(key[9:])
}

// ErasureKey holds an [Erasure].
func ErasureKey(n Number) []byte { return append([]byte{TagErasure}, n[:]...) }

// What is counted for a wallet.
const (
	countCap     = 'c' // paid at one site in a month under a cap
	countRefunds = 'r' // refunds in a month
	countGifts   = 'g' // gift links made in a month
	countReduced = 'x' // months in which a cap took something off a price at one site
	countWelcome = 'w' // welcome credits that one site gave in a day; for nobody's number
)

// CounterPrefix begins all counters of a wallet.
func CounterPrefix(n Number) []byte {
	return append(append(make([]byte, 0, 15), TagCounter), n[:]...)
}

func counterKey(n Number, what byte) []byte { return append(CounterPrefix(n), what) }

func siteCounterKey(n Number, what byte, site string) []byte {
	h := hashOf(site, "")
	return append(counterKey(n, what), h[:]...)
}

// RefundsKey counts a wallet's refunds in a month.
func RefundsKey(n Number) []byte { return counterKey(n, countRefunds) }

// GiftsKey counts the gift links that a wallet made in a month.
func GiftsKey(n Number) []byte { return counterKey(n, countGifts) }

// CapKey counts the millionths that a wallet paid at a site in a month under a cap.
func CapKey(n Number, site string) []byte { return siteCounterKey(n, countCap, site) }

// ReducedKey says in which months a cap took something off a price that a wallet paid
// at a site: the counter's period is the newest of them, and its amount has a bit for
// each month, the lowest bit for the newest.
func ReducedKey(n Number, site string) []byte { return siteCounterKey(n, countReduced, site) }

// ReducedMonths is how many months have a bit: more than a purchase can be undone for.
const ReducedMonths = 63

// WelcomeKey counts the welcome credits that a site gave in a day.
func WelcomeKey(site string) []byte { return siteCounterKey(Number{}, countWelcome, site) }
