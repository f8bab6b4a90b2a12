// Package audit is the second opinion on a ledger: from the records alone, and without
// the rules' code, it recomputes what the state must be. What must hold of every ledger
// stands here and nowhere else. A chain without gaps is the journal's business.
package audit

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Ref is where a record is kept.
type Ref = journal.Ref

// Audit recomputes a ledger, or one part of it: a share of its wallets and vouchers. It
// holds about 250 bytes for each of their purchases.
type Audit struct {
	part, parts int
	record      func(Ref) (*journal.Record, error)
	now         time.Time
	problems    []string

	records  uint64
	accounts map[string]int64 // part 0 only
	wallets  map[state.WalletID]*wallet
	erased   map[state.WalletID]bool
	keys     map[paywall.Hash]key
	codes    map[paywall.Hash]state.WalletID
	unlocks  map[[12]byte]*state.Unlock
	vouchers map[paywall.Hash]state.Voucher
	gifts    map[paywall.Hash]*gift   // all, in every part: giver and readers may be in different ones
	revoked  map[string]time.Time     // that must still be known
	welcomes map[string]state.Counter // of the sites, by their key; part 0 only
	freeSaid bool                     // a record has said how much of it was free credit
}

type wallet struct {
	state.Wallet
	keys      []paywall.Hash
	codes     []paywall.Hash
	passkeys  map[string]Ref            // by their keys in the state; nil if there are none
	transfers map[string]state.Transfer // tips and top-ups, the same
	resources map[[8]byte]*owned
	counters  map[string]state.Counter   // by their key; nil if nothing is counted
	reduced   map[string]map[uint64]bool // months in which a cap took something off a price, by the key of their counter
}

type owned struct {
	state.Owned
	name    string    // of the resource in the newest purchase
	expires time.Time // of that purchase; zero: for ever
}

const maxProblems = 100

// New makes the audit of a part, counted from 0, of so many. record reads an earlier
// record. now decides which revocations must still be known.
func New(part, parts int, record func(Ref) (*journal.Record, error), now time.Time) *Audit {
	return &Audit{
		part: part, parts: parts, record: record, now: now,
		accounts: map[string]int64{}, wallets: map[state.WalletID]*wallet{}, erased: map[state.WalletID]bool{},
		keys: map[paywall.Hash]key{}, codes: map[paywall.Hash]state.WalletID{},
		unlocks: map[[12]byte]*state.Unlock{}, vouchers: map[paywall.Hash]state.Voucher{}, revoked: map[string]time.Time{},
		gifts: map[paywall.Hash]*gift{}, welcomes: map[string]state.Counter{},
	}
}

// Records is how many records were audited.
func (a *Audit) Records() uint64 { return a.records }

// Problems is what is wrong, in words for an operator.
func (a *Audit) Problems() []string { return a.problems }

// Unreadable counts a record that cannot be decoded.
func (a *Audit) Unreadable(seq uint64, err error) {
	a.records++
	a.problem(nil, "record %d: %v", seq, err)
}

func (a *Audit) mine(first byte) bool { return int(first)%a.parts == a.part }

func (a *Audit) problem(r *journal.Record, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r != nil {
		text = fmt.Sprintf("record %d (%s): %s", r.Seq, r.Kind, text)
	}
	if len(a.problems) < maxProblems {
		a.problems = append(a.problems, text)
	}
}

// Add audits the next record.
func (a *Audit) Add(r *journal.Record, at Ref) {
	a.records++
	if (r.Kind == paywall.KindGenesis) != (r.Seq == 1) {
		a.problem(r, "the first record, and no other, begins the ledger")
	}
	if a.part == 0 {
		a.sum(r)
	}
	if a.part == 0 && r.Kind == paywall.KindOpen {
		a.addWelcome(r)
	}
	a.freeSaid = a.freeSaid || r.Free != 0
	switch r.Kind {
	case paywall.KindVoucher:
		a.addVouchers(r)
		return
	case paywall.KindRedeem:
		a.addRedeem(r)
	case paywall.KindGenesis:
		return
	default: // concerns a wallet alone
	}
	id, ok := state.ParseWalletID(r.Wallet)
	if !ok {
		a.problem(r, "it names no wallet")
		return
	}
	a.addGifts(r, at, id)
	if !a.mine(id[0]) {
		return
	}
	w := a.wallets[id]
	if (w == nil) != (r.Kind == paywall.KindOpen) || a.erased[id] {
		a.problem(r, "its wallet is not open, or opened twice")
		return
	}
	switch r.Kind {
	case paywall.KindGenesis, paywall.KindVoucher: // above
	case paywall.KindOpen:
		w = &wallet{Wallet: state.Wallet{Number: state.NumberOf(r.Seq), Opened: at, Free: r.Paid()}, resources: map[[8]byte]*owned{}}
		a.wallets[id] = w
		a.addKeys(r, at, id, w)
	case paywall.KindKey:
		a.addKeys(r, at, id, w)
	case paywall.KindPasskey:
		a.addPasskey(r, at, w)
	case paywall.KindDrop:
		a.addDrop(r, id)
	case paywall.KindUnlock:
		a.addUnlock(r, at, w)
	case paywall.KindRefund:
		a.addRefund(r, at, w)
	case paywall.KindTip:
		a.addPaid(r)
		a.addFree(r, w)
		a.addSpent(r, w)
		w.addTransfer(r, at)
	case paywall.KindRedeem:
		w.addTransfer(r, at)
	case paywall.KindGift:
		a.addGiving(r, at, w)
	case paywall.KindSetting:
		a.addSetting(r, w)
	case paywall.KindErase:
		a.addErase(r, id, w)
	}
	for _, l := range r.Legs {
		if !strings.HasPrefix(l.Account, walletPrefix) {
			continue
		}
		if w.Balance += l.Micros; w.Balance < 0 {
			a.problem(r, "a wallet goes below zero, to %d millionths", w.Balance)
		}
		if w.Free < 0 || w.Free > w.Balance {
			a.problem(r, "of the %d millionths in a wallet %d are free credit", w.Balance, w.Free)
		}
	}
}

// sum checks that a transfer balances, and keeps the accounts of those who are not readers.
func (a *Audit) sum(r *journal.Record) {
	sum, wallets := int64(0), 0
	for _, l := range r.Legs {
		sum += l.Micros
		if l.Micros == 0 || l.Micros == math.MinInt64 {
			a.problem(r, "a leg moves nothing, or more than there is")
		}
		if strings.HasPrefix(l.Account, walletPrefix) {
			wallets++
			continue
		}
		a.accounts[l.Account] += l.Micros
	}
	if sum != 0 {
		a.problem(r, "its legs sum to %d millionths, not to zero", sum)
	}
	if len(r.Legs) > 0 && wallets != 1 {
		a.problem(r, "its legs name %d wallets", wallets)
	}
	moves := r.Kind == paywall.KindUnlock && r.Cap == 0 && r.Gift == (paywall.Hash{}) || r.Kind == paywall.KindRefund || r.Kind == paywall.KindRedeem || r.Kind == paywall.KindTip
	may := moves || r.Kind == paywall.KindOpen || r.Kind == paywall.KindUnlock
	if moves && len(r.Legs) < 2 || len(r.Legs) > 0 && !may {
		a.problem(r, "its legs do not fit its kind")
	}
}

func (a *Audit) addUnlock(r *journal.Record, at Ref, w *wallet) {
	a.addPaid(r)
	if r.Gift == (paywall.Hash{}) {
		a.addCharge(r, w)
	} else if len(r.Legs) > 0 || r.Price != 0 || r.Cap != 0 || r.Refund != 0 || r.Auto {
		a.problem(r, "a gift moves money or has a price")
	}
	id := state.UnlockHash(r.Unlock)
	if a.unlocks[id] != nil {
		a.problem(r, "its offer was used before")
	}
	a.unlocks[id] = &state.Unlock{Number: w.Number, Bought: at, Prev: w.Bought, Free: a.addFree(r, w) - r.Free}
	w.Bought = at
	key := state.ResourceHash(r.Site, r.Resource)
	o := w.resources[key]
	if o == nil {
		o = &owned{}
		w.resources[key] = o
	}
	// Earlier versions sold a resource again in other letter case.
	if !o.Stands.IsZero() && o.name == r.Resource && (o.expires.IsZero() || r.Time.Before(o.expires)) {
		a.problem(r, "its wallet owns the resource already")
	}
	o.Stands, o.name, o.expires = at, r.Resource, time.Time{}
	if r.Access > 0 {
		o.expires = r.Time.Add(r.Access)
	}
}

func (a *Audit) addRefund(r *journal.Record, at Ref, w *wallet) {
	u := a.unlocks[state.UnlockHash(r.Unlock)]
	if u == nil || u.Number != w.Number {
		a.problem(r, "it refunds a purchase that its wallet never made")
		return
	}
	if !u.Refunded.IsZero() {
		a.problem(r, "its purchase was refunded before")
	}
	if u.Given {
		a.problem(r, "a gift of its purchase was opened")
	}
	u.Refunded = at
	bought, err := a.record(u.Bought)
	if err != nil {
		a.problem(r, "reading its purchase: %v", err)
		return
	}
	back := slices.EqualFunc(r.Legs, bought.Legs, func(a, b paywall.Leg) bool {
		return a.Account == b.Account && a.Micros == -b.Micros
	})
	if !back || r.Site != bought.Site || r.Resource != bought.Resource {
		a.problem(r, "it does not give back what record %d took", bought.Seq)
	}
	if !r.Time.Before(bought.Time.Add(bought.Refund)) {
		a.problem(r, "the time for a refund of record %d was over", bought.Seq)
	}
	if o := w.resources[state.ResourceHash(r.Site, r.Resource)]; o != nil {
		if o.Undone++; o.Stands == u.Bought {
			o.Stands = Ref{}
		}
	}
	refunds := state.RefundsKey(w.Number)
	if n := w.counted(refunds, month(r.Time)); r.Limit > 0 && n >= int64(r.Limit) {
		a.problem(r, "its wallet had %d refunds this month already", n)
	}
	w.count(refunds, month(r.Time), 1)
	w.Free += bought.Free + u.Free
	a.said(r, bought.Free+u.Free)
	w.takeBack(bought, r.Paid())
	a.revoke(r.Unlock, r.Time)
}

// addErase forgets everything that the state must have forgotten. The unlocks stay as
// tombstones.
func (a *Audit) addErase(r *journal.Record, id state.WalletID, w *wallet) {
	for at := w.Bought; !at.IsZero(); {
		bought, err := a.record(at)
		if err != nil {
			a.problem(r, "reading a purchase: %v", err)
			break
		}
		had := a.unlocks[state.UnlockHash(bought.Unlock)]
		if had.Refunded.IsZero() && live(bought, r.Time) {
			a.revoke(bought.Unlock, r.Time)
		}
		at = had.Prev
		*had = state.Unlock{}
	}
	for _, hash := range w.keys {
		delete(a.keys, hash)
	}
	for _, hash := range w.codes {
		delete(a.codes, hash)
	}
	delete(a.wallets, id)
	a.erased[id] = true
}

// live reports whether a purchase that was not refunded opened its resource at a time.
func live(r *journal.Record, at time.Time) bool {
	return r.Access == 0 || at.Before(r.Time.Add(r.Access))
}

// month numbers the months of the UTC calendar.
func month(t time.Time) uint64 {
	t = t.UTC()
	return uint64(t.Year())*12 + uint64(t.Month()) - 1
}

var walletPrefix = paywall.WalletAccount("")

func (a *Audit) revoke(unlock string, at time.Time) {
	if until := at.Add(paywall.AccessTTL + time.Hour); until.After(a.now) {
		a.revoked[unlock] = until
	}
}
