package badgerstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// Badger holds these keys. A purchase writes two of them (u, r) and its wallet;
// everything else about it is read from its line in the journal, which makes
// the two together about 60 bytes on disk. No value grows with a wallet's history.
//
//	m                        how far the journal is applied: sequence, hash, place; layout of these keys
//	a ACCOUNT                balance of an account that is not a wallet's
//	w WALLET                 wallet: see [wallet]
//	k HASH                   key → wallet; nothing if it was dropped
//	c HASH                   recovery code → wallet
//	p HASH                   passkey: wallet, place of the record that set it
//	i NUMBER KEY             keys, codes, passkeys and gifts of a wallet, to find and erase them; place of the record that has a key
//	i NUMBER q HASH          key that was dropped
//	v HASH                   voucher
//	u UNLOCK                 unlock: wallet's number, place of the purchase, of the wallet's purchase before it, and of its refund or 0 if a gift of it was opened; 0 and how much of it was free credit if its record is too old to say so
//	r NUMBER RESOURCE        a resource in a wallet: place of the purchase that stands, how many were undone
//	g HASH                   gift: place of its record, how often it was opened, place of the wallet's gift before it
//	t NUMBER CAUSE           tip or top-up of a wallet: its place, and that of the one before it
//	n NUMBER WHAT [SITE]     counter of a wallet: period, amount
//	x TIME UNLOCK            unlock revoked; forgotten after TIME
//	e NUMBER                 wallet that is being erased: see [erasure]
//
// A wallet's NUMBER is the sequence number of the record that opened it, five
// bytes; 0 is nobody. UNLOCK in u is the first 96 bits of the SHA-256 of the id,
// RESOURCE the first 64 of site and resource in small letters, which only has to tell apart what one
// wallet bought, SITE the first 64 of the site's, and CAUSE those of the record's cause.
//
// A wallet's purchases, its tips and top-ups, and its gifts are three chains: the
// wallet says where the newest stands, and each says where the one before it does.
// So a page of a list costs what is on it, however long the list is.
const (
	tagMeta     = 'm'
	tagAccount  = 'a'
	tagWallet   = 'w'
	tagKey      = 'k'
	tagCode     = 'c'
	tagPasskey  = 'p'
	tagIndex    = 'i'
	tagVoucher  = 'v'
	tagUnlock   = 'u'
	tagResource = 'r'
	tagGift     = 'g'
	tagTransfer = 't'
	tagCounter  = 'n'
	tagRevoked  = 'x'
	tagErasure  = 'e'
	tagDropped  = 'q' // in the index only
)

// layout numbers the ways in which keys and values were written. A Badger of
// another one is built again from the journal.
const layout = 4

var errValue = errors.New("a value in Badger cannot be read")

type number [5]byte

func numberOf(seq uint64) number {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], seq)
	return number(b[3:])
}

// walletID is the 128 bits of a wallet's id.
type walletID [16]byte

func parseWalletID(id string) (w walletID, ok bool) {
	var raw [24]byte
	if len(id) != 22 {
		return w, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(id))
	return walletID(raw[:16]), err == nil && n == 16
}

func (w walletID) String() string { return base64.RawURLEncoding.EncodeToString(w[:]) }

func accountKey(account string) []byte { return append([]byte{tagAccount}, account...) }
func walletKey(w walletID) []byte      { return append(append(make([]byte, 0, 17), tagWallet), w[:]...) }
func keyKey(h paywall.Hash) []byte     { return append([]byte{tagKey}, h[:]...) }
func codeKey(h paywall.Hash) []byte    { return append([]byte{tagCode}, h[:]...) }
func voucherKey(h paywall.Hash) []byte { return append([]byte{tagVoucher}, h[:]...) }
func resourcePrefix(n number) []byte {
	return append(append(make([]byte, 0, 14), tagResource), n[:]...)
}
func indexPrefix(n number) []byte         { return append([]byte{tagIndex}, n[:]...) }
func indexKey(n number, of []byte) []byte { return append(indexPrefix(n), of...) }

func unlockKey(id string) []byte {
	h := sha256.Sum256([]byte(id))
	return append(append(make([]byte, 0, 13), tagUnlock), h[:12]...)
}

func resourceKey(n number, site, resource string) []byte {
	h := resourceHash(site, paywall.FoldResource(resource))
	return append(resourcePrefix(n), h[:8]...)
}

func resourceHash(site, resource string) [32]byte {
	b := make([]byte, 0, 128)
	return sha256.Sum256(append(append(append(b, site...), 0), resource...))
}

func revokedKey(until time.Time, unlock string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{tagRevoked}, uint64(until.Unix()))
	return append(b, unlock...)
}

func encodeBalance(n int64) []byte { return binary.AppendVarint(nil, n) }

func decodeBalance(v []byte) (int64, error) {
	n, size := binary.Varint(v)
	if size != len(v) || size <= 0 {
		return 0, errValue
	}
	return n, nil
}

// unlock is the value of an unlock's key.
type unlock struct {
	number   number
	bought   journal.Ref
	prev     journal.Ref // the wallet's purchase before it; zero: none
	refunded journal.Ref // zero: not
	given    bool        // somebody opened a gift of it; it is never refunded then
	free     int64       // of what it took, free credit, where its record is too old to say so; as long as it can be undone
}

func (u unlock) encode() []byte {
	b := appendEarlier(appendPtr(u.number[:], u.bought), u.bought, u.prev)
	if !u.refunded.IsZero() {
		return appendPtr(b, u.refunded)
	}
	switch {
	case u.given:
		b = append(b, 0) // no place begins so: segments count from 1
	case u.free != 0:
		b = binary.AppendVarint(append(b, 0), u.free)
	}
	return b
}

func decodeUnlock(v []byte) (u unlock, err error) {
	if len(v) < 5 {
		return u, errValue
	}
	u.number = number(v[:5])
	if u.bought, v, err = cutPtr(v[5:]); err == nil {
		u.prev, v, err = cutEarlier(v, u.bought)
	}
	if err == nil && len(v) == 1 && v[0] == 0 {
		u.given = true
		return u, nil
	}
	if err == nil && len(v) > 1 && v[0] == 0 {
		u.free, err = decodeBalance(v[1:])
		return u, err
	}
	if err == nil && len(v) > 0 {
		u.refunded, v, err = cutPtr(v)
	}
	if err == nil && len(v) > 0 {
		err = errValue
	}
	return u, err
}

// owned is the value of a resource's key.
type owned struct {
	stands journal.Ref // the newest purchase; zero if that was undone
	undone uint64      // purchases that were
}

func (o owned) encode() []byte {
	b := appendLink(nil, o.stands)
	if o.undone > 0 {
		b = binary.AppendUvarint(b, o.undone)
	}
	return b
}

func decodeOwned(v []byte) (o owned, err error) {
	if o.stands, v, err = cutLink(v); err != nil || len(v) == 0 {
		return o, err
	}
	n, size := binary.Uvarint(v)
	if size != len(v) || n == 0 {
		return o, errValue
	}
	o.undone = n
	return o, nil
}

// owns reports whether the newest purchase was not undone.
func (o owned) owns() bool { return !o.stands.IsZero() }

// appendLink writes a place that may be none.
func appendLink(b []byte, p journal.Ref) []byte {
	if p.IsZero() {
		return append(b, 0) // no place begins so: segments count from 1
	}
	return appendPtr(b, p)
}

func cutLink(b []byte) (p journal.Ref, rest []byte, err error) {
	if len(b) > 0 && b[0] == 0 {
		return p, b[1:], nil
	}
	return cutPtr(b)
}

// appendEarlier writes a place by how far it stands before another, which takes two
// bytes less for each purchase. It may be none.
func appendEarlier(b []byte, at, earlier journal.Ref) []byte {
	if earlier.IsZero() {
		return append(b, 0)
	}
	segment, offset, length := at.Words()
	toSegment, toOffset, toLength := earlier.Words()
	b = binary.AppendUvarint(b, uint64(segment-toSegment)+1)
	if segment == toSegment {
		toOffset = offset - toOffset
	}
	b = binary.AppendUvarint(b, uint64(toOffset))
	return binary.AppendVarint(b, int64(length)-int64(toLength))
}

func cutEarlier(b []byte, at journal.Ref) (p journal.Ref, rest []byte, err error) {
	atSegment, atOffset, atLength := at.Words()
	segments, n := binary.Uvarint(b)
	if n <= 0 || segments > uint64(atSegment) {
		return p, nil, errValue
	}
	if b = b[n:]; segments == 0 {
		return p, b, nil
	}
	offset, n := binary.Uvarint(b)
	if n <= 0 || offset > 1<<32-1 {
		return p, nil, errValue
	}
	length, m := binary.Varint(b[n:])
	if m <= 0 {
		return p, nil, errValue
	}
	from := uint32(offset)
	if segments == 1 {
		from = atOffset - from
	}
	return journal.RefOf(atSegment-uint32(segments-1), from, uint32(int64(atLength)-length)), b[n+m:], nil
}

func appendPtr(b []byte, p journal.Ref) []byte {
	segment, offset, length := p.Words()
	b = binary.AppendUvarint(b, uint64(segment))
	b = binary.AppendUvarint(b, uint64(offset))
	return binary.AppendUvarint(b, uint64(length))
}

func cutPtr(b []byte) (p journal.Ref, rest []byte, err error) {
	var words [3]uint32
	for i := range words {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<32-1 {
			return p, nil, errValue
		}
		words[i], b = uint32(n), b[size:]
	}
	return journal.RefOf(words[0], words[1], words[2]), b, nil
}

// voucher is the value of a voucher's key.
type voucher struct {
	amount  int64
	expires int64 // Unix milliseconds; 0: never
	// used tells, to whoever has both the wallet's id and the code, that this
	// wallet redeemed it, and leads nobody else from one to the other.
	used [16]byte
}

func usedBy(w walletID, code paywall.Hash) [16]byte {
	h := sha256.Sum256(append(w[:], code[:]...))
	return [16]byte(h[:16])
}

// check reports why a wallet that has not redeemed the voucher cannot.
func (v voucher) check(now time.Time) error {
	switch {
	case v.used != ([16]byte{}):
		return paywall.ErrVoucherUsed
	case v.expires != 0 && now.UnixMilli() >= v.expires:
		return paywall.ErrVoucherExpired
	}
	return nil
}

func (v voucher) encode() []byte {
	b := binary.AppendVarint(binary.AppendVarint(nil, v.amount), v.expires)
	if v.used != ([16]byte{}) {
		b = append(b, v.used[:]...)
	}
	return b
}

func decodeVoucher(b []byte) (v voucher, err error) {
	amount, n := binary.Varint(b)
	if n <= 0 {
		return v, errValue
	}
	expires, m := binary.Varint(b[n:])
	if m <= 0 {
		return v, errValue
	}
	v.amount, v.expires = amount, expires
	switch rest := b[n+m:]; len(rest) {
	case 0:
	case len(v.used):
		v.used = [16]byte(rest)
	default:
		return v, errValue
	}
	return v, nil
}

func encodeMark(m journal.Mark) []byte {
	b := binary.AppendUvarint(nil, m.Seq)
	return append(appendPtr(append(b, m.Hash[:]...), m.Ref), layout)
}

var errLayout = errors.New("it was written by another version of this program")

func decodeMark(b []byte) (m journal.Mark, err error) {
	seq, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+len(m.Hash) {
		return m, errValue
	}
	m.Seq, m.Hash = seq, journal.Hash(b[n:n+len(m.Hash)])
	if m.Ref, b, err = cutPtr(b[n+len(m.Hash):]); err != nil {
		return m, err
	}
	if len(b) != 1 || b[0] != layout {
		return m, errLayout
	}
	return m, nil
}
