package state

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

func hashKey(tag byte, text string) []byte {
	h := sha256.Sum256([]byte(text))
	return append(append(make([]byte, 0, 13), tag), h[:12]...)
}

// IntentKey holds an [Intent].
func IntentKey(id string) []byte { return hashKey(TagIntent, id) }

// OpenIntentKey is there while an intent is not final.
func OpenIntentKey(id string) []byte { return append([]byte{TagOpenIntent}, id...) }

// OpenIntentsPrefix begins the index entries of a wallet's intents that are not final.
func OpenIntentsPrefix(n Number) []byte { return append(IndexPrefix(n), TagOpenIntent) }

// What can be booked once beside movements.
const (
	BookedAssign   paywall.MovementKind = "assign"
	BookedSendBack paywall.MovementKind = "send-back"
	BookedRevoke   paywall.MovementKind = "revoke" // without a way
)

// BookedKey holds the ref of the record that a movement became, of whatever kind that is:
// a payment becomes a topup or stands in unclaimed, a refund is a reversal or ends a
// cash-out.
func BookedKey(kind paywall.MovementKind, way, id string) []byte {
	return hashKey(TagBooked, string(kind)+"/"+way+"/"+id)
}

// PaymentKey holds a [Payment].
func PaymentKey(way, id string) []byte { return hashKey(TagPayment, way+"/"+id) }

// CashOutKey holds a [CashOut].
func CashOutKey(part string) []byte { return append([]byte{TagCashOut}, part...) }

// OpenPartKey is there while a part of a cash-out has not ended.
func OpenPartKey(part string) []byte { return append([]byte{TagOpenPart}, part...) }

// UnclaimedKey holds an [Unclaimed].
func UnclaimedKey(way, id string) []byte { return append([]byte{TagUnclaimed}, way+"/"+id...) }

// DebtKey holds what an erased wallet owes, see [EncodeBalance].
func DebtKey(n Number) []byte { return append([]byte{TagDebt}, n[:]...) }

// Intent is the value of an intent's key.
type Intent struct {
	State paywall.IntentState
	Begun journal.Ref // the record that says of what wallet, way and amount it is
	Named journal.Ref // the newest that says what the provider calls it; zero: none
}

// The states of intents and cash-outs, as their values have them.
var (
	intentStates = [...]paywall.IntentState{
		paywall.IntentOpen, paywall.IntentOffered, paywall.IntentPending, paywall.IntentPaid,
		paywall.IntentFailed, paywall.IntentExpired, paywall.IntentRefused,
	}
	cashOutStates = [...]paywall.CashOutState{
		paywall.CashOutPlanned, paywall.CashOutSent, paywall.CashOutPending,
		paywall.CashOutDone, paywall.CashOutFailed, paywall.CashOutCanceled,
	}
)

func appendState[S comparable](b []byte, states []S, s S) []byte {
	for i := range states {
		if states[i] == s {
			return append(b, byte(i))
		}
	}
	return append(b, 0xff) // which nobody reads
}

func cutState[S any](b []byte, states []S) (s S, rest []byte, err error) {
	if len(b) == 0 || int(b[0]) >= len(states) {
		return s, b, ErrValue
	}
	return states[b[0]], b[1:], nil
}

// Encode writes the value.
func (i Intent) Encode() []byte {
	return appendLink(AppendRef(appendState(nil, intentStates[:], i.State), i.Begun), i.Named)
}

// DecodeIntent reads the value.
func DecodeIntent(v []byte) (i Intent, err error) {
	if i.State, v, err = cutState(v, intentStates[:]); err != nil {
		return i, err
	}
	if i.Begun, v, err = CutRef(v); err == nil {
		i.Named, v, err = cutLink(v)
	}
	return i, whole(v, err)
}

// whole is the error of a value after which something is left.
func whole(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		return ErrValue
	}
	return err
}

// Payment is the value of a payment's key.
type Payment struct {
	Number   Number      // of the wallet that it went into; zero: it stands in unclaimed, or was sent back
	Booked   journal.Ref // the record that put it there: topup, assign or unclaimed
	Prev     journal.Ref // the wallet's payment before; zero: none
	Amount   int64
	Returned int64  // by refunds, and by cash-outs that are planned or that a refund ended
	Disputes uint64 // that are neither won nor lost
	Lost     bool   // a dispute was lost
	SentBack int64  // by hand, from unclaimed or as a cash-out, and no refund told of it yet
}

// Left is what of the payment can be given back.
func (p *Payment) Left() int64 {
	if p.Disputes > 0 || p.Lost {
		return 0
	}
	return max(p.Amount-p.Returned-p.SentBack, 0)
}

// PartEnds follows a part of a cash-out that ends without a refund that tells it: a person
// did it, or it goes into the wallet again, after a person had done it or not.
func (p *Payment) PartEnds(micros int64, done, byHand bool) {
	untold := int64(0)
	switch {
	case done:
		untold = -micros
	case byHand:
		untold = min(p.SentBack, micros)
		micros -= untold
	}
	p.SentBack -= untold
	p.Returned -= micros
}

// Encode writes the value.
func (p *Payment) Encode() []byte {
	b := AppendRef(append(make([]byte, 0, 32), p.Number[:]...), p.Booked)
	b = appendLink(b, p.Prev)
	b = binary.AppendVarint(binary.AppendVarint(b, p.Amount), p.Returned)
	flags := p.Disputes << 2
	if p.Lost {
		flags |= 1
	}
	if p.SentBack != 0 {
		flags |= 2
	}
	if b = binary.AppendUvarint(b, flags); p.SentBack != 0 {
		b = binary.AppendVarint(b, p.SentBack)
	}
	return b
}

// DecodePayment reads the value.
func DecodePayment(v []byte) (p Payment, err error) {
	if len(v) < len(p.Number) {
		return p, ErrValue
	}
	p.Number = Number(v[:len(p.Number)])
	if p.Booked, v, err = CutRef(v[len(p.Number):]); err == nil {
		p.Prev, v, err = cutLink(v)
	}
	if err != nil {
		return p, err
	}
	for _, field := range [...]*int64{&p.Amount, &p.Returned} {
		if *field, v, err = cutVarint(v); err != nil {
			return p, err
		}
	}
	flags, size := binary.Uvarint(v)
	if size <= 0 {
		return p, ErrValue
	}
	p.Disputes, p.Lost, v = flags>>2, flags&1 != 0, v[size:]
	if flags&2 == 0 {
		return p, whole(v, nil)
	}
	if p.SentBack, err = DecodeBalance(v); err == nil && p.SentBack == 0 {
		err = ErrValue
	}
	return p, err
}

// CashOut is the value of the key of a cash-out's part.
type CashOut struct {
	State   paywall.CashOutState
	Planned journal.Ref // the record that says of what wallet, payment and amount it is
	Last    journal.Ref // of its state
	Prev    journal.Ref // the wallet's part before; zero: none
}

// Encode writes the value.
func (c CashOut) Encode() []byte {
	b := appendState(nil, cashOutStates[:], c.State)
	return appendLink(AppendRef(AppendRef(b, c.Planned), c.Last), c.Prev)
}

// DecodeCashOut reads the value.
func DecodeCashOut(v []byte) (c CashOut, err error) {
	if c.State, v, err = cutState(v, cashOutStates[:]); err != nil {
		return c, err
	}
	if c.Planned, v, err = CutRef(v); err == nil {
		c.Last, v, err = CutRef(v)
	}
	if err == nil {
		c.Prev, v, err = cutLink(v)
	}
	return c, whole(v, err)
}

// Unclaimed is the value of the key of money that belongs to no wallet.
type Unclaimed struct {
	Came   journal.Ref // the record that put it there
	Amount int64       // that is left
}

// Encode writes the value.
func (u Unclaimed) Encode() []byte { return binary.AppendVarint(AppendRef(nil, u.Came), u.Amount) }

// DecodeUnclaimed reads the value.
func DecodeUnclaimed(v []byte) (u Unclaimed, err error) {
	if u.Came, v, err = CutRef(v); err != nil {
		return u, err
	}
	u.Amount, err = DecodeBalance(v)
	return u, err
}
