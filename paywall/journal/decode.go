package journal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// Decode reads one line with its newline and checks its own hash; the chain to
// the line before is the reader's business. Fields stand in the one order in
// which they are written; anything else is an error.
func Decode(line []byte, currency paywall.Currency) (Record, error) {
	_, hash, err := Hashes(line)
	if err == nil {
		err = checkHash(line, hash)
	}
	if err != nil {
		return Record{}, err
	}
	return decode(line, currency)
}

// decode is Decode for a line whose hash was checked.
func decode(line []byte, currency paywall.Currency) (Record, error) {
	p := parser{rest: line[:len(line)-tailBytes], currency: currency}
	r := p.record()
	if p.err == nil && len(p.rest) != 0 {
		p.fail()
	}
	if p.err == nil && r.cause() != r.Cause {
		p.err = fmt.Errorf("cause %q does not fit its fields", r.Cause)
	}
	if p.err != nil {
		return Record{}, fmt.Errorf("reading a record: %w", p.err)
	}
	return r, nil
}

// parser reads a line's fields in their fixed order; after the first failure it reads nothing more.
type parser struct {
	rest     []byte
	currency paywall.Currency
	err      error
}

func (p *parser) record() (r Record) {
	p.expect(`{"seq":`)
	seq, err := strconv.ParseUint(p.until(","), 10, 64)
	if r.Seq = seq; err != nil {
		p.fail()
	}
	p.expect(`"time":"`)
	r.Time = p.time(p.until(`"`))
	p.expect(`,"kind":"`)
	r.Kind = paywall.Kind(p.until(`"`))
	r.Cause = p.need("cause")
	r.Legs = p.legs()
	kind, key, _ := strings.Cut(r.Cause, "/")
	if kind != string(r.Kind) && r.Kind != paywall.KindUnlock {
		p.fail()
		return r
	}
	switch r.Kind {
	case paywall.KindGenesis:
		r.Currency = paywall.Currency(p.need("currency"))
		r.Ledger = p.need("ledger")
	case paywall.KindOpen:
		r.Wallet = key
		r.Key = p.hashField("key")
		r.Code = p.hashField("code")
		r.Site, _ = p.field("site")
	case paywall.KindKey:
		wallet, hash, _ := strings.Cut(key, "/")
		r.Wallet, r.Key = wallet, p.hash(hash)
		r.Code = p.hashField("code")
	case paywall.KindPasskey:
		r.Wallet, _, _ = strings.Cut(key, "/")
		r.Passkey = p.need("passkey")
		r.Data, _ = p.field("data")
	case paywall.KindDrop:
		wallet, hash, _ := strings.Cut(key, "/")
		r.Wallet, r.Key = wallet, p.hash(hash)
		if code, ok := p.field("code"); ok {
			r.Code = p.hash(code)
		}
	case paywall.KindVoucher:
		r.Vouchers = p.vouchers()
	case paywall.KindRedeem:
		r.Voucher = p.hash(key)
		p.wallet(&r)
	case paywall.KindUnlock:
		r.Unlock = r.Cause
		p.unlock(&r)
	case paywall.KindRefund:
		r.Wallet, r.Unlock = r.legAccount(walletPrefix), key
		p.resource(&r)
		p.free(&r)
		r.Limit = p.count("limit")
	case paywall.KindTip:
		r.Wallet, r.Tip, _ = strings.Cut(key, "/")
		p.resource(&r)
		p.free(&r)
	case paywall.KindGift:
		r.Gift = p.hash(key)
		r.Wallet, r.Unlock = p.need("wallet"), p.need("unlock")
		r.Readers, r.Limit = p.count("readers"), p.count("limit")
	case paywall.KindSetting:
		r.Wallet, _, _ = strings.Cut(key, "/")
		p.setting(&r)
	case paywall.KindErase:
		r.Wallet = key
	default:
		p.funding(&r, key)
	}
	return r
}

func (p *parser) unlock(r *Record) {
	var ok bool
	if r.Offer, ok = p.field("offer"); !ok {
		r.Offer = r.Unlock
	}
	if r.Wallet = r.legAccount(walletPrefix); len(r.Legs) == 0 {
		r.Wallet = p.need("wallet")
	}
	p.resource(r)
	if r.URL, ok = p.field("url"); !ok {
		r.URL = paywall.EscapePath(r.Resource)
	}
	r.Title, _ = p.field("title")
	r.Access = p.seconds("access")
	r.Refund = p.seconds("refund")
	if r.Price, ok = p.money("price"); !ok {
		r.Price = r.Paid()
	}
	r.Cap, _ = p.money("cap")
	p.free(r)
	r.Auto = p.flag("auto")
	if gift, ok := p.field("gift"); ok {
		r.Gift = p.hash(gift)
	}
}

func (p *parser) free(r *Record) {
	var ok bool
	if r.Free, ok = p.money("free"); ok && r.Free <= 0 {
		p.fail()
	}
	if r.Free <= 0 || !p.accept(`,"shares":[`) {
		return
	}
	for p.err == nil {
		p.expect(`[`)
		creator := p.text()
		p.expect(`,`)
		share, err := paywall.ParseShare(creator, p.text())
		if err != nil {
			p.fail()
		}
		r.Shares = append(r.Shares, share)
		p.expect(`]`)
		if p.accept(`]`) {
			return
		}
		p.expect(`,`)
	}
}

func (p *parser) setting(r *Record) {
	r.Setting = &Setting{}
	r.Budget, _ = p.money("budget")
	r.Today, _ = p.money("today")
	r.Article, _ = p.money("article")
	r.Week, _ = p.money("week")
	r.Used, _ = p.money("used")
	r.Forget = p.flag("forget")
}

func (p *parser) resource(r *Record) {
	var ok bool
	if r.Site, ok = p.field("site"); !ok {
		r.Site = r.legAccount(sitePrefix)
	}
	r.Resource = p.need("resource")
}

func (p *parser) legs() (legs []paywall.Leg) {
	if !p.accept(`,"legs":[`) {
		return nil
	}
	legs = make([]paywall.Leg, 0, 3)
	for p.err == nil {
		p.expect(`[`)
		account := p.text()
		p.expect(`,`)
		legs = append(legs, paywall.Leg{Account: account, Micros: p.amount()})
		p.expect(`]`)
		if p.accept(`]`) {
			return legs
		}
		p.expect(`,`)
	}
	return legs
}

func (p *parser) vouchers() (vouchers []paywall.Voucher) {
	p.expect(`,"vouchers":[`)
	for p.err == nil {
		p.expect(`[`)
		v := paywall.Voucher{Code: p.hash(p.text())}
		p.expect(`,`)
		v.Amount = paywall.Money{Micros: p.amount(), Currency: p.currency}
		if p.accept(`,`) {
			if at := p.text(); at != "" {
				v.ExpiresAt = p.time(at)
			}
			if p.accept(`,`) {
				v.Campaign = p.text()
			}
		}
		vouchers = append(vouchers, v)
		p.expect(`]`)
		if p.accept(`]`) {
			return vouchers
		}
		p.expect(`,`)
	}
	return vouchers
}
