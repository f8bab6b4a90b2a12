package checkout

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// fakeStore is a ledger in memory, as strict as the port's comments in what it
// has; the rest of the port is nil.
type fakeStore struct {
	paywall.Store
	mu           sync.Mutex
	now          func() time.Time
	broken       error         // what every call answers, if set
	exportBroken error         // what an export ends with
	slow         time.Duration // how long a look-up of a voucher takes
	welcomes     int           // given
	writes       int           // changes that were not repetitions
	debits       int
	wallets      map[string]*fakeWallet
	keys         map[paywall.Hash]string
	codes        map[paywall.Hash]string
	codeOf       map[paywall.Hash]paywall.Hash // of a key
	unlocks      map[string]*paywall.Unlock
	order        []string
	vouchers     map[paywall.Hash]*fakeVoucher
	currency     paywall.Currency
	readings     map[string]*reading
	passkeys     map[string]fakePasskey
	gifts        []*fakeGift // newest first
	tips         []fakeTip   // newest first
}

type fakeWallet struct {
	balance  paywall.Money
	free     int64 // of it, as long as nothing was topped up
	settings paywall.Settings
}

type fakeVoucher struct {
	paywall.Voucher
	by string
}

func newFakeStore(now func() time.Time) *fakeStore {
	return &fakeStore{
		now: now, wallets: map[string]*fakeWallet{}, keys: map[paywall.Hash]string{}, codes: map[paywall.Hash]string{}, codeOf: map[paywall.Hash]paywall.Hash{},
		unlocks: map[string]*paywall.Unlock{}, vouchers: map[paywall.Hash]*fakeVoucher{}, currency: "EUR", passkeys: map[string]fakePasskey{},
	}
}

func (s *fakeStore) enter(ctx context.Context) (func(), error) {
	s.mu.Lock()
	if err := errors.Join(s.broken, ctx.Err()); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	return s.mu.Unlock, nil
}

func (s *fakeStore) wallet(id string) paywall.Wallet {
	w := s.wallets[id]
	return paywall.Wallet{ID: id, Balance: w.balance, Free: paywall.Money{Micros: min(w.free, w.balance.Micros), Currency: s.currency}}
}

func (s *fakeStore) OpenWallet(ctx context.Context, keys paywall.KeyHashes, welcome paywall.Welcome) (paywall.Wallet, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Wallet{}, err
	}
	defer leave()
	if id, ok := s.keys[keys.Key]; ok {
		return s.wallet(id), nil
	}
	id := paywall.NewID()
	s.writes++
	credit := paywall.Money{Micros: welcome.Amount.Micros, Currency: s.currency}
	if welcome.Limit > 0 && s.welcomes >= welcome.Limit {
		credit.Micros = 0
	}
	if credit.Micros > 0 {
		s.welcomes++
	}
	s.wallets[id] = &fakeWallet{balance: credit, free: credit.Micros}
	s.keys[keys.Key], s.codes[keys.Code], s.codeOf[keys.Key] = id, id, keys.Code
	return s.wallet(id), nil
}

func (s *fakeStore) Welcomes(ctx context.Context, site string) (int, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	return s.welcomes, nil
}

func (s *fakeStore) AddKey(ctx context.Context, code paywall.Hash, next paywall.KeyHashes) (paywall.Wallet, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Wallet{}, err
	}
	defer leave()
	id, ok := s.codes[code]
	if !ok {
		return paywall.Wallet{}, paywall.ErrNoWallet
	}
	s.writes++
	s.keys[next.Key], s.codes[next.Code], s.codeOf[next.Key] = id, id, next.Code
	return s.wallet(id), nil
}

func (s *fakeStore) Wallet(ctx context.Context, key paywall.Hash) (paywall.Wallet, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Wallet{}, err
	}
	defer leave()
	id, ok := s.keys[key]
	if !ok {
		return paywall.Wallet{}, paywall.ErrNoWallet
	}
	return s.wallet(id), nil
}

func (s *fakeStore) Erase(ctx context.Context, wallet string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if s.wallets[wallet] == nil {
		return paywall.ErrNoWallet
	}
	s.writes++
	delete(s.wallets, wallet)
	for _, m := range []map[paywall.Hash]string{s.keys, s.codes} {
		for h, id := range m {
			if id == wallet {
				delete(m, h)
			}
		}
	}
	for id, u := range s.unlocks {
		if u.Wallet == wallet {
			delete(s.unlocks, id)
		}
	}
	return nil
}

func (s *fakeStore) Unlock(ctx context.Context, p paywall.Purchase) (paywall.Receipt, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Receipt{}, err
	}
	defer leave()
	w := s.wallets[p.Wallet]
	if w == nil {
		return paywall.Receipt{}, paywall.ErrNoWallet
	}
	now := s.now()
	for _, u := range s.unlocks {
		switch {
		case u.Wallet != p.Wallet:
		case u.Offer == p.Offer.ID && !u.RefundedAt.IsZero():
			return paywall.Receipt{}, paywall.ErrOfferSpent
		case u.Offer == p.Offer.ID:
			return paywall.Receipt{Unlock: *u, Balance: w.balance}, nil
		case u.Site == p.Offer.Site && paywall.FoldResource(u.Resource) == paywall.FoldResource(p.Offer.Resource) && u.Live(now):
			return paywall.Receipt{Unlock: *u, Balance: w.balance, AlreadyOwned: true}, nil
		}
	}
	charge, err := s.chargeOf(p.Wallet, &p.Offer)
	reading := s.readingOf(p.Wallet)
	switch {
	case p.Shown != nil && charge.Micros > p.Shown.Micros:
		return paywall.Receipt{}, paywall.ErrOfferChanged
	case p.Auto && !s.unasked(p.Wallet, charge, &p.Offer):
		return paywall.Receipt{}, paywall.ErrAskFirst
	case err != nil:
		return paywall.Receipt{}, err
	}
	after, err := w.balance.Add(charge.Neg())
	if err != nil {
		return paywall.Receipt{}, err
	}
	if !p.Offer.Cap.IsZero() {
		reading.spent += charge.Micros
	}
	s.writes++
	s.debits++
	w.balance = after
	u := &paywall.Unlock{
		ID: paywall.NewID(), Wallet: p.Wallet, Offer: p.Offer.ID, Site: p.Offer.Site, Resource: p.Offer.Resource,
		URL: p.Offer.URL, Title: p.Offer.Title, Paid: charge, Auto: p.Auto, At: now, RefundableUntil: now.Add(p.Refund),
	}
	if p.Offer.Access > 0 {
		u.ExpiresAt = now.Add(p.Offer.Access)
	}
	s.unlocks[u.ID] = u
	s.order = append([]string{u.ID}, s.order...)
	return paywall.Receipt{Unlock: *u, Balance: after}, nil
}

func (s *fakeStore) Refund(ctx context.Context, wallet, unlock string, limit int) (paywall.Receipt, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Receipt{}, err
	}
	defer leave()
	u := s.unlocks[unlock]
	if u == nil || u.Wallet != wallet {
		return paywall.Receipt{}, paywall.ErrNotFound
	}
	w := s.wallets[wallet]
	if u.RefundedAt.IsZero() {
		if u.Given {
			return paywall.Receipt{}, paywall.ErrRefundGiven
		}
		if !u.Refundable(s.now()) {
			return paywall.Receipt{}, paywall.ErrRefundClosed
		}
		reading := s.readingOf(wallet)
		if limit > 0 && reading.refunds >= limit {
			return paywall.Receipt{}, paywall.ErrTooManyRefunds
		}
		s.writes++
		reading.refunds++
		u.RefundedAt = s.now()
		w.balance.Micros += u.Paid.Micros
	}
	return paywall.Receipt{Unlock: *u, Balance: w.balance}, nil
}

func (s *fakeStore) AddVouchers(_ context.Context, vouchers []paywall.Voucher) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range vouchers {
		s.vouchers[v.Code] = &fakeVoucher{Voucher: v}
	}
	return nil
}

func (s *fakeStore) Voucher(ctx context.Context, code paywall.Hash) (paywall.Money, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Money{}, err
	}
	defer leave()
	v := s.vouchers[code]
	if err := v.check(s.now()); err != nil {
		return paywall.Money{}, err
	}
	return v.Amount, nil
}

func (v *fakeVoucher) check(now time.Time) error {
	switch {
	case v == nil:
		return paywall.ErrBadVoucher
	case v.by != "":
		return paywall.ErrVoucherUsed
	case !v.ExpiresAt.IsZero() && now.After(v.ExpiresAt):
		return paywall.ErrVoucherExpired
	}
	return nil
}

func (s *fakeStore) Redeem(ctx context.Context, wallet string, code paywall.Hash) (paywall.TopUp, error) {
	time.Sleep(s.slow)
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.TopUp{}, err
	}
	defer leave()
	w, v := s.wallets[wallet], s.vouchers[code]
	switch {
	case w == nil:
		return paywall.TopUp{}, paywall.ErrNoWallet
	case v != nil && v.by == wallet:
		return paywall.TopUp{Credited: v.Amount, Balance: w.balance, Replayed: true}, nil
	}
	if err := v.check(s.now()); err != nil {
		return paywall.TopUp{}, err
	}
	s.writes++
	v.by = wallet
	w.balance.Micros += v.Amount.Micros
	return paywall.TopUp{Credited: v.Amount, Balance: w.balance}, nil
}

func (s *fakeStore) Owned(ctx context.Context, key paywall.Hash, site, resource string) (paywall.Unlock, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Unlock{}, err
	}
	defer leave()
	wallet, ok := s.keys[key]
	if !ok {
		return paywall.Unlock{}, paywall.ErrNoWallet
	}
	for _, u := range s.unlocks {
		if u.Wallet == wallet && u.Site == site && paywall.FoldResource(u.Resource) == paywall.FoldResource(resource) && u.Live(s.now()) {
			return *u, nil
		}
	}
	return paywall.Unlock{}, paywall.ErrNotFound
}

func (s *fakeStore) Unlocks(ctx context.Context, wallet string, p paywall.Page) (list []paywall.Unlock, next string, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, "", err
	}
	defer leave()
	begun := p.Before == ""
	for _, id := range s.order {
		u := s.unlocks[id]
		switch {
		case u == nil || u.Wallet != wallet:
		case !begun:
			begun = id == p.Before
		case len(list) == p.Limit:
			return list, list[len(list)-1].ID, nil
		default:
			list = append(list, s.remembered(*u))
		}
	}
	if !begun {
		err = paywall.ErrNotFound
	}
	return list, "", err
}

func (s *fakeStore) Bought(ctx context.Context, wallet, unlock string) (paywall.Unlock, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Unlock{}, err
	}
	defer leave()
	if u := s.unlocks[unlock]; u != nil && u.Wallet == wallet {
		return s.remembered(*u), nil
	}
	return paywall.Unlock{}, paywall.ErrNotFound
}

// remembered marks what the wallet is to forget.
func (s *fakeStore) remembered(u paywall.Unlock) paywall.Unlock {
	u.Forgotten = s.wallets[u.Wallet] != nil && s.wallets[u.Wallet].settings.Forget
	return u
}

func (s *fakeStore) Revoked(unlock string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.unlocks[unlock]
	return u == nil || !u.RefundedAt.IsZero()
}

func (s *fakeStore) Stats(context.Context) (paywall.Stats, error)   { return paywall.Stats{}, nil }
func (s *fakeStore) Verify(context.Context) (paywall.Report, error) { return paywall.Report{}, nil }
func (s *fakeStore) Export(context.Context, io.Writer) error        { return nil }
func (s *fakeStore) Backup(context.Context, io.Writer, paywall.BackupOptions) error {
	return nil
}

// counts says how much was written, how often money left a wallet, and how many
// wallets there are.
func (s *fakeStore) counts() (writes, debits, wallets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes, s.debits, len(s.wallets)
}

func (s *fakeStore) breakWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

var _ paywall.Store = (*fakeStore)(nil)
