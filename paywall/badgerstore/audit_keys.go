package badgerstore

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

type auditKey struct {
	of      walletID
	at      journal.Ref // of the record that has it
	dropped bool
}

func (a *audit) addKeys(r *journal.Record, at journal.Ref, id walletID, w *auditWallet) {
	if _, twice := a.keys[r.Key]; twice {
		a.problem(r, "its key opens a wallet already")
	}
	if _, twice := a.codes[r.Code]; twice {
		a.problem(r, "its recovery code leads to a wallet already")
	}
	a.keys[r.Key], a.codes[r.Code] = auditKey{of: id, at: at}, id
	w.keys, w.codes = append(w.keys, r.Key), append(w.codes, r.Code)
}

func (a *audit) addDrop(r *journal.Record, id walletID) {
	key, ok := a.keys[r.Key]
	if !ok || key.of != id || key.dropped {
		a.problem(r, "it drops a key that its wallet does not have")
		return
	}
	key.dropped = true
	a.keys[r.Key] = key
	if r.Code == (paywall.Hash{}) {
		return
	}
	if added, err := a.journal.Read(key.at); err != nil || added.Code != r.Code || a.codes[r.Code] != id {
		a.problem(r, "the recovery code that it drops is not the key's (%v)", err)
	}
	delete(a.codes, r.Code)
}

func (a *audit) addPasskey(r *journal.Record, at journal.Ref, w *auditWallet) {
	key := string(passkeyKey(r.Passkey))
	if r.Data == "" {
		if _, has := w.passkeys[key]; !has {
			a.problem(r, "it removes a passkey that its wallet does not have")
		}
		delete(w.passkeys, key)
		return
	}
	if w.passkeys == nil {
		w.passkeys = map[string]journal.Ref{}
	}
	if w.passkeys[key] = at; len(w.passkeys) > paywall.MaxPasskeys {
		a.problem(r, "its wallet has more than %d passkeys", paywall.MaxPasskeys)
	}
}

func (a *audit) addVouchers(r *journal.Record) {
	for _, v := range r.Vouchers {
		if !a.mine(v.Code[0]) {
			continue
		}
		if _, twice := a.vouchers[v.Code]; twice || v.Amount.Micros <= 0 {
			a.problem(r, "a voucher is made twice, or worth nothing")
		}
		made := voucher{amount: v.Amount.Micros}
		if !v.ExpiresAt.IsZero() {
			made.expires = v.ExpiresAt.UnixMilli()
		}
		a.vouchers[v.Code] = made
	}
}

func (a *audit) addRedeem(r *journal.Record) {
	if !a.mine(r.Voucher[0]) {
		return
	}
	v, made := a.vouchers[r.Voucher]
	id, _ := parseWalletID(r.Wallet)
	switch {
	case !made:
		a.problem(r, "its voucher was never made")
	case v.used != [16]byte{}:
		a.problem(r, "its voucher was redeemed before")
	case v.amount != r.Paid() || v.expires != 0 && r.Time.UnixMilli() >= v.expires:
		a.problem(r, "its voucher was worth %d millionths, or had expired", v.amount)
	}
	v.used = usedBy(id, r.Voucher)
	a.vouchers[r.Voucher] = v
}
