package state

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// EncodeBalance writes the balance of an account, in millionths.
func EncodeBalance(n int64) []byte { return binary.AppendVarint(nil, n) }

// DecodeBalance reads it.
func DecodeBalance(v []byte) (int64, error) {
	n, size := binary.Varint(v)
	if size != len(v) || size <= 0 {
		return 0, ErrValue
	}
	return n, nil
}

// Unlock is the value of an unlock's key.
type Unlock struct {
	Number   Number
	Bought   journal.Ref
	Prev     journal.Ref // the wallet's purchase before; zero: none
	Refunded journal.Ref // zero: not
	Given    bool        // somebody opened a gift of it; it is never refunded then
	Free     int64       // of the payment, free credit, where the record is too old to say so; as long as it can be undone
}

// Tombstone is the value of an unlock of an erased wallet: its id is never used again.
var Tombstone = make([]byte, len(Number{}))

// Encode writes the value.
func (u *Unlock) Encode() []byte {
	b := appendEarlier(AppendRef(append(make([]byte, 0, 24), u.Number[:]...), u.Bought), u.Bought, u.Prev)
	switch {
	case !u.Refunded.IsZero():
		return AppendRef(b, u.Refunded)
	case u.Given:
		return append(b, 0) // no ref begins so
	case u.Free != 0:
		return binary.AppendVarint(append(b, 0), u.Free)
	}
	return b
}

// DecodeUnlock reads the value; a tombstone's Bought is zero.
func DecodeUnlock(v []byte) (u Unlock, err error) {
	if len(v) == len(Tombstone) {
		return u, nil
	}
	if len(v) < len(u.Number) {
		return u, ErrValue
	}
	u.Number = Number(v[:len(u.Number)])
	if u.Bought, v, err = CutRef(v[len(u.Number):]); err == nil {
		u.Prev, v, err = cutEarlier(v, u.Bought)
	}
	switch {
	case err != nil || len(v) == 0:
		return u, err
	case v[0] == 0 && len(v) == 1:
		u.Given = true
		return u, nil
	case v[0] == 0:
		u.Free, err = DecodeBalance(v[1:])
		return u, err
	}
	if u.Refunded, v, err = CutRef(v); err == nil && len(v) > 0 {
		err = ErrValue
	}
	return u, err
}

// Owned is the value of a resource's key.
type Owned struct {
	Stands journal.Ref // the newest purchase; zero if that was undone
	Undone uint64      // how many purchases were
}

// Owns reports whether the newest purchase was not undone.
func (o Owned) Owns() bool { return !o.Stands.IsZero() }

// Encode writes the value.
func (o Owned) Encode() []byte {
	b := appendLink(nil, o.Stands)
	if o.Undone > 0 {
		b = binary.AppendUvarint(b, o.Undone)
	}
	return b
}

// DecodeOwned reads the value.
func DecodeOwned(v []byte) (o Owned, err error) {
	if o.Stands, v, err = cutLink(v); err != nil || len(v) == 0 {
		return o, err
	}
	n, size := binary.Uvarint(v)
	if size != len(v) || n == 0 {
		return o, ErrValue
	}
	o.Undone = n
	return o, nil
}

// Voucher is the value of a voucher's key.
type Voucher struct {
	Amount  int64
	Expires int64    // Unix milliseconds; 0: never
	Used    [16]byte // by whom, see [UsedBy]; zero: not
	Revoked bool     // before anybody redeemed it
}

// UsedBy tells, to whoever has both the wallet's id and the code, that this wallet
// redeemed the voucher, and leads nobody else from one to the other.
func UsedBy(w WalletID, code paywall.Hash) [16]byte {
	h := sha256.Sum256(append(w[:], code[:]...))
	return [16]byte(h[:16])
}

// Encode writes the value.
func (v Voucher) Encode() []byte {
	b := binary.AppendVarint(binary.AppendVarint(nil, v.Amount), v.Expires)
	if v.Used != ([16]byte{}) {
		b = append(b, v.Used[:]...)
	}
	if v.Revoked {
		b = append(b, 1)
	}
	return b
}

// DecodeVoucher reads the value.
func DecodeVoucher(b []byte) (v Voucher, err error) {
	amount, n := binary.Varint(b)
	if n <= 0 {
		return v, ErrValue
	}
	expires, m := binary.Varint(b[n:])
	if m <= 0 {
		return v, ErrValue
	}
	v.Amount, v.Expires = amount, expires
	switch rest := b[n+m:]; len(rest) {
	case 0:
	case 1:
		if v.Revoked = rest[0] == 1; !v.Revoked {
			return v, ErrValue
		}
	case len(v.Used):
		v.Used = [16]byte(rest)
	default:
		return v, ErrValue
	}
	return v, nil
}

// Gift is the value of a gift's key.
type Gift struct {
	Made   journal.Ref
	Opened int         // how often
	Prev   journal.Ref // the wallet's gift before; zero: none
}

// Encode writes the value.
func (g Gift) Encode() []byte {
	return appendLink(binary.AppendUvarint(AppendRef(nil, g.Made), uint64(g.Opened)), g.Prev)
}

// DecodeGift reads the value.
func DecodeGift(v []byte) (g Gift, err error) {
	if g.Made, v, err = CutRef(v); err != nil {
		return g, err
	}
	n, size := binary.Uvarint(v)
	if size <= 0 || n > paywall.MaxGiftReaders {
		return g, ErrValue
	}
	g.Opened = int(n)
	if g.Prev, v, err = cutLink(v[size:]); err == nil && len(v) > 0 {
		err = ErrValue
	}
	return g, err
}

// Transfer is the value of the key of a tip or top-up.
type Transfer struct {
	At   journal.Ref
	Prev journal.Ref // the wallet's one before; zero: none
}

// Encode writes the value.
func (t Transfer) Encode() []byte { return appendLink(AppendRef(nil, t.At), t.Prev) }

// DecodeTransfer reads the value.
func DecodeTransfer(v []byte) (t Transfer, err error) {
	if t.At, v, err = CutRef(v); err == nil {
		t.Prev, v, err = cutLink(v)
	}
	if err == nil && len(v) > 0 {
		err = ErrValue
	}
	return t, err
}

// Passkey is the value of a passkey's key.
type Passkey struct {
	Of  WalletID
	Set journal.Ref
}

// Encode writes the value.
func (p Passkey) Encode() []byte { return AppendRef(append([]byte(nil), p.Of[:]...), p.Set) }

// DecodePasskey reads the value.
func DecodePasskey(v []byte) (p Passkey, err error) {
	if len(v) < len(p.Of) {
		return p, ErrValue
	}
	p.Of = WalletID(v[:len(p.Of)])
	p.Set, _, err = CutRef(v[len(p.Of):])
	return p, err
}

// Counter is how much was counted in one period of the UTC calendar. In another period
// it begins at nothing, so that each needs one key for ever.
type Counter struct {
	Period uint64
	Amount int64 // millionths, or how many
}

// Encode writes the value.
func (c Counter) Encode() []byte {
	return binary.AppendVarint(binary.AppendUvarint(nil, c.Period), c.Amount)
}

// DecodeCounter reads the value.
func DecodeCounter(v []byte) (c Counter, err error) {
	period, n := binary.Uvarint(v)
	if n <= 0 {
		return c, ErrValue
	}
	c.Period = period
	c.Amount, err = DecodeBalance(v[n:])
	return c, err
}

// Erasure is the value of the key of a wallet that is being erased: what is left to
// take away. It begins with all of it, in the change that closes the wallet.
type Erasure struct {
	Of     WalletID
	At     int64       // Unix milliseconds
	Bought journal.Ref // the newest purchase that is left
	Moved  journal.Ref // the newest tip or top-up
}

// Encode writes the value.
func (e Erasure) Encode() []byte {
	b := binary.AppendVarint(append([]byte(nil), e.Of[:]...), e.At)
	return appendLink(appendLink(b, e.Bought), e.Moved)
}

// DecodeErasure reads the value. An earlier version wrote a key after it.
func DecodeErasure(v []byte) (e Erasure, err error) {
	if len(v) < len(e.Of) {
		return e, ErrValue
	}
	e.Of = WalletID(v[:len(e.Of)])
	at, size := binary.Varint(v[len(e.Of):])
	if size <= 0 {
		return e, ErrValue
	}
	e.At = at
	if e.Bought, v, err = cutLink(v[len(e.Of)+size:]); err == nil {
		e.Moved, _, err = cutLink(v)
	}
	return e, err
}

// Bare is the address of a purchase's resource, without what only its buyer's address
// had: of the query, it keeps the part that belongs to the resource's name.
func Bare(r *journal.Record) string {
	if i := strings.LastIndexByte(r.Resource, '?'); i >= 0 && strings.Contains(r.URL, "?") {
		return paywall.EscapePath(r.Resource[:i]) + r.Resource[i:]
	}
	return paywall.EscapePath(r.Resource)
}
