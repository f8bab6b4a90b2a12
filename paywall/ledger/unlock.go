package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

var (
	errNotSold      = paywall.Errorf(paywall.CodeMalformed, "this offer cannot be bought here")
	errOfferExpired = paywall.Errorf(paywall.CodeOfferExpired, "this offer has expired; open the article again for a new one")
	errMoreNow      = paywall.Errorf(paywall.CodeOfferChanged, "this costs more now than was shown; open the article again to see how much")
)

// Unlock buys: debit, shares and ownership in one step. Keys: wallet and offer, and
// wallet and resource while an unlock of it is live: then the receipt says AlreadyOwned
// and nothing is debited. The balance never goes below zero:
// [paywall.ErrInsufficientFunds]. An offer whose purchase was refunded is
// [paywall.ErrOfferSpent]. An expired offer is refused, unless there is nothing to sell.
// [paywall.ErrNoWallet].
//
// With a cap, Unlock debits what [paywall.Offer.Charge] says, which may be zero. More
// than was shown is never taken: [paywall.ErrOfferChanged]. Free credit is taken first,
// and creators share in the rest, see [paywall.Divide]. A purchase that
// [Ledger.Refund] would refuse is sold as one that cannot be undone. Where the wallet's
// settings do not allow it: [paywall.ErrOverBudget] or, of a purchase with Auto set,
// [paywall.ErrAskFirst]; also, with Auto set, of a resource whose last purchase the
// wallet undid. A wallet that owes buys nothing: [paywall.ErrOwing], nor does one that
// closes: [paywall.ErrWalletClosed].
func (l *Ledger) Unlock(ctx context.Context, p paywall.Purchase) (paywall.Receipt, error) {
	o, err := newOrder(l.info.Currency, &p)
	if err != nil {
		return paywall.Receipt{}, err
	}
	return change(ctx, l, o.reads(l), func(v *view) (*journal.Record, paywall.Receipt, error) {
		s, err := decideUnlock(v, o)
		if err == nil {
			err = s.quote.Refusal
		}
		if err != nil {
			return nil, paywall.Receipt{}, err
		}
		return s.record, s.receipt, nil
	})
}

// Quote is the decision of [Ledger.Unlock] with its record thrown away: it says what the
// purchase would come to now. Where Unlock would refuse it, Refusal says why.
// [paywall.ErrNoWallet].
func (l *Ledger) Quote(ctx context.Context, wallet string, offer paywall.Offer) (paywall.Quote, error) {
	o, err := newOrder(l.info.Currency, &paywall.Purchase{Wallet: wallet, Offer: offer})
	if err != nil {
		return paywall.Quote{}, err
	}
	return look(ctx, l, o.reads(l), func(v *view) (paywall.Quote, error) {
		s, err := decideUnlock(v, o)
		if err != nil {
			return s.quote, err
		}
		undone, err := v.counted(state.RefundsKey(s.wallet.Number), month(v.now))
		s.quote.Undone = int(undone)
		return s.quote, err
	})
}

// sale is what was decided about a purchase.
type sale struct {
	wallet  state.Wallet
	quote   paywall.Quote
	receipt paywall.Receipt
	record  *journal.Record // nil: nothing changes
}

// decideUnlock decides about a purchase. An error is of the call or the state; why the
// purchase is refused stands in the quote.
func decideUnlock(v *view, o *order) (s sale, err error) {
	if _, s.wallet, err = v.wallet(o.Wallet); err != nil {
		return s, err
	}
	n := s.wallet.Number
	owned, err := v.owned(n, o.Offer.Site, o.Offer.Resource)
	if err != nil {
		return s, err
	}
	if err := price(v, &s, owned, &o.Offer); err != nil {
		return s, err
	}
	id, first, used, err := earlier(v, o, n)
	if err != nil {
		return s, err
	}
	if used {
		return s, decideAgain(v, &s, o.record(id), first, &o.Offer)
	}
	live, err := v.live(n, owned)
	if err != nil {
		return s, err
	}
	switch {
	case live != nil: // an offer that has expired sells nothing, and there is nothing to sell
		s.owned(v, live)
		s.receipt.AlreadyOwned = true
	case v.now.After(o.Offer.ExpiresAt):
		s.quote.Refusal = errOfferExpired
	default:
		err = decideSale(v, &s, o.record(id), owned, o.Purchase)
	}
	return s, err
}

// owned is the outcome for a purchase that is there already: it takes nothing.
func (s *sale) owned(v *view, u *paywall.Unlock) {
	s.quote.Owned, s.quote.Charge, s.quote.Free, s.quote.Final = true, v.money(0), v.money(0), nil
	s.receipt = paywall.Receipt{Unlock: *u, Balance: v.money(s.wallet.Balance)}
}

// earlier finds this wallet's purchase with the offer. If there is none, id is the new
// purchase's: the offer's id, or a hash of wallet and offer if another wallet used the
// offer first.
func earlier(v *view, o *order, n state.Number) (id string, u state.Unlock, used bool, err error) {
	if u, used, err = v.unlock(o.Offer.ID); err != nil || !used || u.Number == n {
		return o.Offer.ID, u, used, err
	}
	sum := sha256.Sum256([]byte("unlock\x00" + o.Wallet + "\x00" + o.Offer.ID))
	id = base64.RawURLEncoding.EncodeToString(sum[:16])
	u, used, err = v.unlock(id)
	return id, u, used, err
}

// decideAgain answers an offer that this wallet used before.
func decideAgain(v *view, s *sale, r *journal.Record, u state.Unlock, o *paywall.Offer) error {
	first, err := v.Record(u.Bought)
	if err != nil {
		return err
	}
	if err := take(r, v.money(first.Paid()), first.Free, o.Shares, len(first.Shares) == 0); err != nil {
		return err
	}
	if first.Title == "" && first.URL == state.Bare(first) {
		forget(r) // as the wallet may have wanted it then
	}
	kept := *first
	keep(&kept) // an earlier version kept more
	same := first.Site == r.Site && first.Resource == r.Resource && kept.URL == r.URL &&
		kept.Title == r.Title && first.Access == r.Access && slices.Equal(first.Legs, r.Legs) &&
		slices.Equal(first.Shares, r.Shares) && first.Price == r.Price && first.Cap == r.Cap
	switch {
	case !same:
		s.quote.Refusal = paywall.ErrOfferChanged
		return nil
	case !u.Refunded.IsZero():
		s.quote.Refusal = paywall.ErrOfferSpent
		return nil
	}
	was := v.unlockOf(first, nil)
	if err := v.lock(s.wallet.Number, &was); err != nil {
		return err
	}
	s.owned(v, &was)
	return nil
}

// live is the purchase that opens a resource to the wallet now, nil if none.
func (v *view) live(n state.Number, o state.Owned) (*paywall.Unlock, error) {
	if !o.Owns() {
		return nil, nil
	}
	bought, err := v.Record(o.Stands)
	if err != nil {
		return nil, err
	}
	u := v.unlockOf(bought, nil)
	if !u.Live(v.now) {
		return nil, nil
	}
	return &u, v.lock(n, &u)
}

// decideSale decides about a purchase that would be new.
func decideSale(v *view, s *sale, r *journal.Record, owned state.Owned, p *paywall.Purchase) error {
	q, w := &s.quote, &s.wallet
	auto := unasked(w, owned, q.Charge.Micros, v.now)
	switch {
	case w.Leaving.Closes:
		q.Refusal = paywall.ErrWalletClosed
	case w.Owed > 0:
		q.Refusal = paywall.ErrOwing
	case p.Shown != nil && q.Charge.Micros > p.Shown.Micros:
		q.Refusal = errMoreNow
	case r.Auto && !auto:
		q.Refusal = paywall.ErrAskFirst
	case overBudget(w, q.Charge.Micros, v.now):
		q.Refusal = paywall.ErrOverBudget
	case q.Charge.Micros > w.Balance:
		q.Refusal = paywall.ErrInsufficientFunds
	default:
		q.Auto = auto
	}
	if q.Refusal != nil {
		return nil
	}
	if q.Charge.IsZero() || q.Final != nil { // nothing to give back, or never
		r.Refund = 0
	}
	if w.Forget {
		forget(r)
	}
	if err := take(r, q.Charge, q.Free.Micros, p.Offer.Shares, p.FreeShares); err != nil {
		return err
	}
	r.Time = v.now
	s.record = r
	s.receipt = paywall.Receipt{Unlock: v.unlockOf(r, nil), Balance: v.money(w.Balance - r.Paid())}
	return nil
}

// price says what an offer costs the wallet now.
func price(v *view, s *sale, owned state.Owned, o *paywall.Offer) (err error) {
	q, n := &s.quote, s.wallet.Number
	q.Spent.Currency = o.Price.Currency
	if !o.Cap.IsZero() {
		if q.Spent.Micros, err = v.counted(state.CapKey(n, o.Site), month(v.now)); err != nil {
			return err
		}
	}
	q.Charge = o.Charge(q.Spent)
	q.Free = v.money(min(q.Charge.Micros, s.wallet.Free))
	final, err := final(v, n, o, owned, q.Charge)
	if final != nil {
		q.Final = final
	}
	return err
}

// unasked reports whether the wallet's settings let an amount be taken without asking,
// for a resource with these purchases. Whoever undid the last purchase did not want it,
// and a link that is followed again must not buy it again.
func unasked(w *state.Wallet, owned state.Owned, amount int64, now time.Time) bool {
	if w.Week == 0 || amount > w.Article || owned.Undone > 0 && !owned.Owns() {
		return false
	}
	return spentOn(w.Spent, now).Week+amount <= w.Week
}

// overBudget reports whether an amount is more than the wallet's budget has left today.
func overBudget(w *state.Wallet, amount int64, now time.Time) bool {
	return w.Budget != 0 && amount != 0 && spentOn(w.Spent, now).Today+amount > w.Budget
}

// order is a purchase whose offer was checked.
type order struct {
	*paywall.Purchase
	url, title string        // as they are kept
	legs       []paywall.Leg // at the full price; never changed
}

// newOrder checks that a purchase is one of this ledger's: [paywall.CodeMalformed].
func newOrder(currency paywall.Currency, p *paywall.Purchase) (*order, error) {
	o := &p.Offer
	names := utf8.ValidString(o.ID) && utf8.ValidString(o.Site) && utf8.ValidString(o.Resource)
	names = names && o.ID != "" && o.ID != string(paywall.KindGenesis) && !strings.Contains(o.ID, "/") // it becomes a cause
	amounts := !o.Price.IsZero() && amount(o.Price, currency) && amount(o.Cap, currency) && (p.Shown == nil || amount(*p.Shown, currency))
	if !amounts || !names || o.Access < 0 || p.Refund < 0 {
		return nil, errNotSold
	}
	legs, err := o.Allocate()
	if err != nil {
		return nil, err
	}
	legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(p.Wallet), Micros: -o.Price.Micros})
	return &order{p, strings.ToValidUTF8(o.URL, "\uFFFD"), strings.ToValidUTF8(o.Title, "\uFFFD"), legs}, nil
}

// record is the purchase as it is recorded at its full price, with an id of its own.
func (o *order) record(id string) *journal.Record {
	offer := &o.Offer
	r := &journal.Record{
		Wallet: o.Wallet, Unlock: id, Offer: offer.ID, Site: offer.Site, Resource: offer.Resource, URL: o.url, Title: o.title,
		Access: offer.Access, Refund: o.Refund, Price: offer.Price.Micros, Cap: offer.Cap.Micros, Auto: o.Auto,
	}
	r.Kind, r.Legs = paywall.KindUnlock, o.legs
	keep(r)
	return r
}

// reads are the keys of a purchase that do not follow from others. An engine on the spot
// needs no hint.
func (o *order) reads(l *Ledger) Reads {
	if l.info.Lag == 0 {
		return Reads{}
	}
	return walletReads(o.Wallet, state.UnlockKey(o.Offer.ID), state.AccountKey(paywall.SiteAccount(o.Offer.Site)))
}

// keep takes from a purchase's record what is too long to be kept for ever. Of a long
// URL the address of the resource is left, or nothing if that is too long itself: the
// reader is led back by the offer.
func keep(r *journal.Record) {
	if len(r.URL) > paywall.MaxKept {
		if r.URL = state.Bare(r); len(r.URL) > paywall.MaxKept && strings.Contains(r.URL, "?") {
			r.URL = ""
		}
	}
	if len(r.Title) > paywall.MaxKept {
		r.Title = strings.ToValidUTF8(r.Title[:paywall.MaxKept], "")
	}
}

// take makes a record take an amount, which may be nothing, of which a part is free
// credit. Creators share in the rest, or with ofFree in all of it.
func take(r *journal.Record, amount paywall.Money, free int64, shares []paywall.Share, ofFree bool) error {
	if r.Free = free; free > 0 && !ofFree {
		r.Shares = shares // the legs do not tell
	}
	if amount.Micros == r.Paid() && len(r.Shares) == 0 {
		return nil
	}
	if r.Legs = nil; amount.IsZero() {
		return nil
	}
	legs, err := paywall.Divide(amount, paywall.Money{Micros: free, Currency: amount.Currency}, r.Site, shares, ofFree)
	if err != nil {
		return err
	}
	r.Legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(r.Wallet), Micros: -amount.Micros})
	return nil
}
