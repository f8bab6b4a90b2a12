package badgerstore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// audit recomputes the ledger from the journal's records with nothing but the
// rules: it shares no step with the code that made the changes. What must hold
// of every ledger stands here and nowhere else. A chain without gaps is the
// scan's business.
//
// It holds about 250 bytes for each purchase, so a long journal is audited in
// parts, each with its share of wallets and vouchers, in one pass each.
type audit struct {
	part, parts int
	journal     *segment.Journal
	now         time.Time
	problems    []string

	records  uint64
	accounts map[string]int64 // part 0 only
	wallets  map[walletID]*auditWallet
	erased   map[walletID]bool
	keys     map[paywall.Hash]auditKey
	codes    map[paywall.Hash]walletID
	unlocks  map[[12]byte]*unlock
	vouchers map[paywall.Hash]voucher
	gifts    map[paywall.Hash]*auditGift // all, in every part: giver and readers may be in different ones
	revoked  map[string]time.Time        // that must still be known
	welcomes map[string]counter          // of the sites, by their key; part 0 only
	freeSaid bool                        // a record has said how much of it was free credit
}

type auditWallet struct {
	wallet
	keys      []paywall.Hash
	codes     []paywall.Hash
	passkeys  map[string]journal.Ref // by their keys in Badger; nil if there are none
	transfers map[string]transfer    // tips and top-ups, the same
	resources map[[8]byte]*auditOwned
	counters  map[string]counter         // by their key; nil if nothing is counted
	reduced   map[string]map[uint64]bool // months in which a cap took something off a price, by the key of their counter
}

type auditOwned struct {
	owned
	name    string    // of the resource in the newest purchase
	expires time.Time // of that purchase; zero: for ever
}

const (
	auditPart   = 500_000 // purchases audited at once
	maxProblems = 100
)

func newAudit(part, parts int, j *segment.Journal, now time.Time) *audit {
	return &audit{
		part: part, parts: parts, journal: j, now: now,
		accounts: map[string]int64{}, wallets: map[walletID]*auditWallet{}, erased: map[walletID]bool{},
		keys: map[paywall.Hash]auditKey{}, codes: map[paywall.Hash]walletID{},
		unlocks: map[[12]byte]*unlock{}, vouchers: map[paywall.Hash]voucher{}, revoked: map[string]time.Time{},
		gifts: map[paywall.Hash]*auditGift{}, welcomes: map[string]counter{},
	}
}

func (a *audit) mine(first byte) bool { return int(first)%a.parts == a.part }

func (a *audit) problem(r *journal.Record, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r != nil {
		text = fmt.Sprintf("record %d (%s): %s", r.Seq, r.Kind, text)
	}
	if len(a.problems) < maxProblems {
		a.problems = append(a.problems, text)
	}
}

// add audits the next record.
func (a *audit) add(r *journal.Record, at journal.Ref) {
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
	}
	id, ok := parseWalletID(r.Wallet)
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
	case paywall.KindOpen:
		w = &auditWallet{wallet: wallet{number: numberOf(r.Seq), opened: at, free: r.Paid()}, resources: map[[8]byte]*auditOwned{}}
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
		if w.balance += l.Micros; w.balance < 0 {
			a.problem(r, "a wallet goes below zero, to %d millionths", w.balance)
		}
		if w.free < 0 || w.free > w.balance {
			a.problem(r, "of the %d millionths in a wallet %d are free credit", w.balance, w.free)
		}
	}
}

// sum checks that a transfer balances, and keeps the accounts of those who are not readers.
func (a *audit) sum(r *journal.Record) {
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

func unlockHash(id string) [12]byte { return [12]byte(unlockKey(id)[1:]) }

func resourceID(site, resource string) [8]byte {
	h := resourceHash(site, paywall.FoldResource(resource))
	return [8]byte(h[:8])
}

func (a *audit) addUnlock(r *journal.Record, at journal.Ref, w *auditWallet) {
	a.addPaid(r)
	if r.Gift == (paywall.Hash{}) {
		a.addCharge(r, w)
	} else if len(r.Legs) > 0 || r.Price != 0 || r.Cap != 0 || r.Refund != 0 || r.Auto {
		a.problem(r, "a gift is none")
	}
	id := unlockHash(r.Unlock)
	if a.unlocks[id] != nil {
		a.problem(r, "its offer was used before")
	}
	a.unlocks[id] = &unlock{number: w.number, bought: at, prev: w.bought, free: a.addFree(r, w) - r.Free}
	w.bought = at
	key := resourceID(r.Site, r.Resource)
	o := w.resources[key]
	if o == nil {
		o = &auditOwned{}
		w.resources[key] = o
	}
	// Earlier versions sold a resource again in other letter case.
	if !o.stands.IsZero() && o.name == r.Resource && (o.expires.IsZero() || r.Time.Before(o.expires)) {
		a.problem(r, "its wallet owns the resource already")
	}
	o.stands, o.name, o.expires = at, r.Resource, time.Time{}
	if r.Access > 0 {
		o.expires = r.Time.Add(r.Access)
	}
}

func (a *audit) addRefund(r *journal.Record, at journal.Ref, w *auditWallet) {
	u := a.unlocks[unlockHash(r.Unlock)]
	if u == nil || u.number != w.number {
		a.problem(r, "it refunds a purchase that its wallet never made")
		return
	}
	if !u.refunded.IsZero() {
		a.problem(r, "its purchase was refunded before")
	}
	if u.given {
		a.problem(r, "a gift of its purchase was opened")
	}
	u.refunded = at
	bought, err := a.journal.Read(u.bought)
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
	if o := w.resources[resourceID(r.Site, r.Resource)]; o != nil {
		if o.undone++; o.stands == u.bought {
			o.stands = journal.Ref{}
		}
	}
	refunds := counterKey(w.number, countRefunds)
	if n := w.counted(refunds, month(r.Time)); r.Limit > 0 && n >= int64(r.Limit) {
		a.problem(r, "its wallet had %d refunds this month already", n)
	}
	w.count(refunds, month(r.Time), 1)
	w.free += bought.Free + u.free
	a.said(r, bought.Free+u.free)
	w.takeBack(&bought, r.Paid())
	a.revoke(r.Unlock, r.Time)
}

// addErase forgets what Badger must have forgotten. The unlocks stay as tombstones.
func (a *audit) addErase(r *journal.Record, id walletID, w *auditWallet) {
	for at := w.bought; !at.IsZero(); {
		bought, err := a.journal.Read(at)
		if err != nil {
			a.problem(r, "reading a purchase: %v", err)
			break
		}
		had := a.unlocks[unlockHash(bought.Unlock)]
		if u := unlockOf(&bought, nil, ""); had.refunded.IsZero() && u.Live(r.Time) {
			a.revoke(u.ID, r.Time)
		}
		at = had.prev
		*had = unlock{}
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

func (a *audit) revoke(unlock string, at time.Time) {
	if until := at.Add(revokedFor); until.After(a.now) {
		a.revoked[unlock] = until
	}
}
