package journal

import (
	"strconv"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// appendWallet appends the wallet if no leg names it.
func appendWallet(b []byte, r *Record) []byte {
	if r.Wallet == "" || r.legAccount(walletPrefix) != "" {
		return b
	}
	return appendField(b, "wallet", r.Wallet)
}

// appendFunding appends what a record of money in or out says beside its cause and legs.
func appendFunding(b []byte, r *Record, decimals int) []byte {
	b = appendWallet(b, r)
	switch r.Kind {
	case paywall.KindIntent:
		if r.State == string(paywall.IntentOpen) {
			b = appendMoney(appendField(b, "way", r.Way), "amount", r.Amount, decimals)
			b = r.Until.UTC().AppendFormat(append(b, `,"until":"`...), timeLayout)
			return append(b, '"')
		}
		return appendText(b, "object", r.Object)
	case paywall.KindTopUp, paywall.KindUnclaimed:
		if r.Payment != r.ID {
			b = appendField(b, "payment", r.Payment)
		}
		return appendText(b, "intent", r.Intent)
	case paywall.KindAssign:
		return appendField(b, "intent", r.Intent)
	case paywall.KindCashOut:
		if r.State == string(paywall.CashOutPlanned) {
			b = appendField(appendField(b, "way", r.Way), "payment", r.Payment)
			return appendFlag(b, "closes", r.Closes)
		}
		return appendText(b, "id", r.ID)
	case paywall.KindSettlement, paywall.KindSettlementFailed, paywall.KindSendBack, paywall.KindRevoke: // the cause says all
		return b
	default:
	}
	b = appendText(b, "payment", r.Payment)
	if r.Free != 0 {
		b = appendMoney(b, "free", r.Free, decimals)
	}
	if r.Amount != 0 {
		b = appendMoney(b, "amount", r.Amount, decimals)
	}
	return b
}

// appendText appends ,"name":"value"; what is empty is left out.
func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendField(b, name, value)
}

// wallet reads what [appendWallet] wrote.
func (p *parser) wallet(r *Record) {
	if r.Wallet = r.legAccount(walletPrefix); r.Wallet == "" {
		r.Wallet, _ = p.field("wallet")
	}
}

// funding reads what [appendFunding] wrote; key is the cause without its kind.
func (p *parser) funding(r *Record, key string) {
	r.Funding = &Funding{}
	p.wallet(r)
	switch r.Kind {
	case paywall.KindIntent:
		r.Intent, r.State = cutLast(key)
		p.intent(r)
		return
	case paywall.KindCashOut:
		r.CashOut, r.State = cutLast(key)
		p.cashOut(r)
		return
	case paywall.KindRevoke:
		var err error
		if r.Batch, err = strconv.ParseUint(key, 10, 64); err != nil {
			p.fail()
		}
		return
	default:
		r.Way, r.ID, _ = strings.Cut(key, "/")
	}
	switch r.Kind {
	case paywall.KindTopUp, paywall.KindUnclaimed:
		var other bool
		if r.Payment, other = p.field("payment"); !other {
			r.Payment = r.ID
		}
		r.Intent, _ = p.field("intent")
	case paywall.KindAssign:
		r.Intent = p.need("intent")
	case paywall.KindSettlement, paywall.KindSettlementFailed, paywall.KindSendBack: // nothing more
	case paywall.KindFee, paywall.KindSuspense, paywall.KindReversal, paywall.KindReversalFailed,
		paywall.KindDispute, paywall.KindDisputeWon, paywall.KindDisputeLost:
		r.Payment, _ = p.field("payment")
		var ok bool
		if r.Free, ok = p.money("free"); ok && r.Free <= 0 {
			p.fail()
		}
		if r.Amount, ok = p.money("amount"); ok && (r.Amount <= 0 || r.Kind != paywall.KindReversal) {
			p.fail()
		}
	default:
		p.fail()
	}
}

func (p *parser) intent(r *Record) {
	if r.State != string(paywall.IntentOpen) {
		r.Object, _ = p.field("object")
		return
	}
	r.Way = p.need("way")
	var ok bool
	if r.Amount, ok = p.money("amount"); !ok {
		p.fail()
	}
	r.Until = p.time(p.need("until"))
}

func (p *parser) cashOut(r *Record) {
	if r.State != string(paywall.CashOutPlanned) {
		r.ID, _ = p.field("id")
		return
	}
	r.Way, r.Payment = p.need("way"), p.need("payment")
	r.Closes = p.flag("closes")
}

// cutLast splits before the last slash.
func cutLast(key string) (before, after string) {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return "", key
	}
	return key[:i], key[i+1:]
}
