// Package audit is the second opinion on a ledger: from the records alone, and without
// the rules' code, it recomputes what the state must be. What must hold of every ledger
// stands here and nowhere else. A chain without gaps is the journal's business.
package audit

import (
	"fmt"
	"math"
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
	vouchers map[paywall.Hash]voucher
	batches  map[uint64]bool          // of vouchers, whether they were revoked, by the number of their record; all, in every part
	gifts    map[paywall.Hash]*gift   // all, in every part: giver and readers may be in different ones
	revoked  map[string]time.Time     // that must still be known
	welcomes map[string]state.Counter // of the sites, by their key; part 0 only
	freeSaid bool                     // a record has said how much of it was free credit
	funding
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
		unlocks: map[[12]byte]*state.Unlock{}, vouchers: map[paywall.Hash]voucher{}, batches: map[uint64]bool{}, revoked: map[string]time.Time{},
		gifts: map[paywall.Hash]*gift{}, welcomes: map[string]state.Counter{},
		funding: newFunding(),
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
	case paywall.KindGenesis:
		return
	case paywall.KindVoucher:
		a.addVouchers(r)
		return
	case paywall.KindRevoke:
		a.addRevoke(r, at)
		return
	case paywall.KindRedeem:
		a.addRedeem(r)
	default: // concerns a wallet alone
	}
	id, ok := state.ParseWalletID(r.Wallet)
	if !ok && (adders[r.Kind] == nil || r.Wallet != "") {
		a.problem(r, "it names no wallet")
		return
	}
	w, mine := a.wallets[id], ok && a.mine(id[0])
	if mine && ((w == nil) != (r.Kind == paywall.KindOpen) || a.erased[id]) {
		a.problem(r, "its wallet is not open, or opened twice")
		return
	}
	if ok {
		a.addGifts(r, at, id)
	}
	a.addFunding(r, at)
	if mine {
		a.addOwn(r, at, id, w)
	}
}

// addOwn audits a record of a wallet of this part.
func (a *Audit) addOwn(r *journal.Record, at Ref, id state.WalletID, w *wallet) {
	switch r.Kind {
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
		a.mayBuy(r)
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
	default: // of money in and out, or of no wallet
	}
	if w.Balance += of(r, walletPrefix+r.Wallet); w.Balance < 0 {
		a.problem(r, "a wallet goes below zero, to %d millionths", w.Balance)
	}
	if w.Free < 0 || w.Free > w.Balance {
		a.problem(r, "of the %d millionths in a wallet %d are free credit", w.Balance, w.Free)
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
			if wallets++; l.Account != walletPrefix+r.Wallet {
				a.problem(r, "it moves another wallet's money")
			}
			continue
		}
		a.accounts[l.Account] += l.Micros
	}
	if sum != 0 {
		a.problem(r, "its legs sum to %d millionths, not to zero", sum)
	}
	alone := adders[r.Kind] != nil || r.Kind == paywall.KindRedeem // between the accounts of others
	if wallets > 1 || len(r.Legs) > 0 && wallets == 0 && !alone {
		a.problem(r, "its legs name %d wallets", wallets)
	}
	moves := r.Kind == paywall.KindUnlock && r.Cap == 0 && r.Gift == (paywall.Hash{}) || r.Kind == paywall.KindRefund || r.Kind == paywall.KindRedeem || r.Kind == paywall.KindTip
	may := moves || r.Kind == paywall.KindOpen || r.Kind == paywall.KindUnlock || adders[r.Kind] != nil
	if moves && len(r.Legs) < 2 || len(r.Legs) > 0 && !may {
		a.problem(r, "its legs do not fit its kind")
	}
}

var walletPrefix = paywall.WalletAccount("")
