package journal

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

// timeLayout has milliseconds: finer than any promise about time in the ledger,
// and three bytes less in each line than microseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

func encodeHash(h paywall.Hash) string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// Append gives the record its cause and appends its line, chained to prev, whose
// hash it answers. Seq is the caller's to set.
// It is written by hand: an unlock is encoded for every purchase, and
// encoding/json was the larger part of a group's time.
func Append(b []byte, r *Record, currency paywall.Currency, prev Hash) ([]byte, Hash) {
	r.Cause = r.cause()
	start := len(b)
	b = strconv.AppendUint(append(b, `{"seq":`...), r.Seq, 10)
	b = r.Time.UTC().AppendFormat(append(b, `,"time":"`...), timeLayout)
	b = append(append(b, `","kind":"`...), r.Kind...)
	b = appendField(append(b, '"'), "cause", r.Cause)
	b = appendLegs(b, r.Legs, currency.Decimals())
	b = appendReferences(b, r, currency)
	b = base64.RawURLEncoding.AppendEncode(append(b, prevKey...), prev[:])
	hash := sum(append(b, '"')[start:])
	b = base64.RawURLEncoding.AppendEncode(append(b, hashKey...), hash[:])
	return append(b, lineEnd...), hash
}

func appendLegs(b []byte, legs []paywall.Leg, decimals int) []byte {
	if len(legs) == 0 {
		return b
	}
	b = append(b, `,"legs":[`...)
	for i, l := range legs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, '['), l.Account)
		b = appendAmount(append(b, `,"`...), l.Micros, decimals)
		b = append(b, `"]`...)
	}
	return append(b, ']')
}

func appendReferences(b []byte, r *Record, currency paywall.Currency) []byte {
	switch r.Kind {
	case paywall.KindGenesis:
		return appendField(appendField(b, "currency", string(r.Currency)), "ledger", r.Ledger)
	case paywall.KindOpen:
		b = appendField(b, "key", encodeHash(r.Key))
		if b = appendField(b, "code", encodeHash(r.Code)); r.Site != "" {
			b = appendField(b, "site", r.Site)
		}
		return b
	case paywall.KindKey:
		return appendField(b, "code", encodeHash(r.Code))
	case paywall.KindPasskey:
		b = appendField(b, "passkey", r.Passkey)
		if r.Data != "" {
			b = appendField(b, "data", r.Data)
		}
		return b
	case paywall.KindDrop:
		if r.Code == (paywall.Hash{}) {
			return b
		}
		return appendField(b, "code", encodeHash(r.Code))
	case paywall.KindVoucher:
		return appendVouchers(b, r.Vouchers, currency.Decimals())
	case paywall.KindUnlock:
		return appendUnlock(b, r, currency.Decimals())
	case paywall.KindRefund:
		return appendCount(appendFree(appendResource(b, r), r, currency.Decimals()), "limit", r.Limit)
	case paywall.KindTip:
		return appendFree(appendResource(b, r), r, currency.Decimals())
	case paywall.KindGift:
		b = appendField(appendField(b, "wallet", r.Wallet), "unlock", r.Unlock)
		return appendCount(appendCount(b, "readers", r.Readers), "limit", r.Limit)
	case paywall.KindSetting:
		return appendSetting(b, r, currency.Decimals())
	case paywall.KindRedeem:
		return appendWallet(b, r)
	case paywall.KindErase: // the cause says all
		return b
	default:
		return appendFunding(b, r, currency.Decimals())
	}
}

func appendUnlock(b []byte, r *Record, decimals int) []byte {
	if r.Offer != r.Unlock {
		b = appendField(b, "offer", r.Offer)
	}
	if len(r.Legs) == 0 { // nothing was paid
		b = appendField(b, "wallet", r.Wallet)
	}
	b = appendResource(b, r)
	if r.URL != paywall.EscapePath(r.Resource) {
		b = appendField(b, "url", r.URL)
	}
	if r.Title != "" {
		b = appendField(b, "title", r.Title)
	}
	b = appendSeconds(b, "access", r.Access)
	b = appendSeconds(b, "refund", r.Refund)
	if r.Price != r.Paid() {
		b = appendMoney(b, "price", r.Price, decimals)
	}
	if r.Cap != 0 {
		b = appendMoney(b, "cap", r.Cap, decimals)
	}
	b = appendFree(b, r, decimals)
	if b = appendFlag(b, "auto", r.Auto); r.Gift != (paywall.Hash{}) {
		b = appendField(b, "gift", encodeHash(r.Gift))
	}
	return b
}

// appendFree appends ,"free":"0.10","shares":[["alice","70"]]; what is empty is left out.
func appendFree(b []byte, r *Record, decimals int) []byte {
	if r.Free == 0 {
		return b
	}
	if b = appendMoney(b, "free", r.Free, decimals); len(r.Shares) == 0 {
		return b
	}
	b = append(b, `,"shares":[`...)
	for i, s := range r.Shares {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, '['), s.Creator)
		b = appendString(append(b, ','), s.Percent())
		b = append(b, ']')
	}
	return append(b, ']')
}

func appendSetting(b []byte, r *Record, decimals int) []byte {
	for _, f := range [...]struct {
		name   string
		micros int64
	}{{"budget", r.Budget}, {"today", r.Today}, {"article", r.Article}, {"week", r.Week}, {"used", r.Used}} {
		if f.micros != 0 {
			b = appendMoney(b, f.name, f.micros, decimals)
		}
	}
	return appendFlag(b, "forget", r.Forget)
}

func appendResource(b []byte, r *Record) []byte {
	if r.Site != r.legAccount(sitePrefix) { // everything went to creators
		b = appendField(b, "site", r.Site)
	}
	return appendField(b, "resource", r.Resource)
}

// appendVouchers writes vouchers made together as one record: all or none.
// Each is [code, amount, expires, campaign]; empty ones at the end are left out.
func appendVouchers(b []byte, vouchers []paywall.Voucher, decimals int) []byte {
	b = append(b, `,"vouchers":[`...)
	for i, v := range vouchers {
		if i > 0 {
			b = append(b, ',')
		}
		b = base64.RawURLEncoding.AppendEncode(append(b, `["`...), v.Code[:])
		b = appendAmount(append(b, `","`...), v.Amount.Micros, decimals)
		b = append(b, '"')
		if !v.ExpiresAt.IsZero() || v.Campaign != "" {
			b = append(b, `,"`...)
			if !v.ExpiresAt.IsZero() {
				b = v.ExpiresAt.UTC().AppendFormat(b, timeLayout)
			}
			b = append(b, '"')
		}
		if v.Campaign != "" {
			b = appendString(append(b, ','), v.Campaign)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendField appends ,"name":"value".
func appendField(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendString(b, value)
}

// appendMoney appends ,"name":"0.20".
func appendMoney(b []byte, name string, micros int64, decimals int) []byte {
	b = append(append(append(b, `,"`...), name...), `":"`...)
	return append(appendAmount(b, micros, decimals), '"')
}

// appendFlag appends ,"name":true; what is false is left out.
func appendFlag(b []byte, name string, set bool) []byte {
	if !set {
		return b
	}
	return append(append(append(b, `,"`...), name...), `":true`...)
}

// appendCount appends ,"name":5; zero is left out.
func appendCount(b []byte, name string, n int) []byte {
	if n <= 0 {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return strconv.AppendInt(b, int64(n), 10)
}

// appendSeconds appends ,"name":1800, with decimals only where there are any; zero is left out.
func appendSeconds(b []byte, name string, d time.Duration) []byte {
	if d <= 0 {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	return appendFraction(b, int64(d%time.Second), 9, 0)
}

// appendAmount is [paywall.Money.String] without its allocations.
func appendAmount(b []byte, micros int64, decimals int) []byte {
	n := uint64(micros)
	if micros < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendUint(b, n/1_000_000, 10)
	return appendFraction(b, int64(n%1_000_000), 6, decimals)
}

// appendFraction appends the decimals of a number: at most digits, at least keep.
func appendFraction(b []byte, n int64, digits, keep int) []byte {
	var d [9]byte
	for i := digits - 1; i >= 0; i-- {
		d[i], n = byte('0'+n%10), n/10
	}
	for digits > keep && d[digits-1] == '0' {
		digits--
	}
	if digits == 0 {
		return b
	}
	return append(append(b, '.'), d[:digits]...)
}

// appendString appends a JSON string (RFC 8259, section 7). Invalid UTF-8
// becomes U+FFFD, as in encoding/json; everything else is as it came.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = slices.Grow(b, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}
