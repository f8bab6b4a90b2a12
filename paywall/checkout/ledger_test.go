package checkout

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
)

var _ Ledger = (*ledger.Ledger)(nil)

// engine is a ledger's, in memory, that can be broken.
type engine struct {
	*memstore.Store
	broken atomic.Pointer[error] // what every call answers
}

func (e *engine) Commit(ctx context.Context, c ledger.Change) error {
	if err := e.broken.Load(); err != nil {
		return *err
	}
	return e.Store.Commit(ctx, c)
}

func (e *engine) View(ctx context.Context, r ledger.Reads, look func(ledger.State) error) error {
	if err := e.broken.Load(); err != nil {
		return *err
	}
	return e.Store.View(ctx, r, look)
}

// openLedger begins the site's ledger.
func (s *site) openLedger() {
	s.t.Helper()
	kept, err := memstore.New("EUR", s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.engine = &engine{Store: kept}
	if s.ledger, err = ledger.New(s.engine); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.ledger.Close() })
}

func (s *site) breakWith(err error) { s.engine.broken.Store(&err) }
func (s *site) repair()             { s.engine.broken.Store(nil) }

// through puts something between the checkout and its ledger.
func (s *site) through(l Ledger) {
	s.c.o.Ledger = func(context.Context) (Ledger, error) { return l, nil }
}

// counts says how much was written by visitors, how often money left a wallet, and how
// many wallets there are.
func (s *site) counts() (writes, debits, wallets int) {
	s.t.Helper()
	for line, err := range s.engine.Lines(context.Background(), 0) {
		if err != nil {
			s.t.Fatal(err)
		}
		r, err := line.Record("EUR")
		if err != nil {
			s.t.Fatal(err)
		}
		switch r.Kind {
		case paywall.KindGenesis, paywall.KindVoucher:
			continue
		case paywall.KindOpen:
			wallets++
		case paywall.KindErase:
			wallets--
		case paywall.KindUnlock, paywall.KindTip:
			if r.Gift == (paywall.Hash{}) {
				debits++
			}
		}
		writes++
	}
	return writes, debits, wallets
}

func (s *site) stats() paywall.Stats {
	s.t.Helper()
	stats, err := s.ledger.Stats(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return stats
}

// purchase is a purchase of a wallet, as the ledger has it.
func (s *site) purchase(key paywall.WalletKey, id string) *paywall.Unlock {
	s.t.Helper()
	hash, _ := key.Hash()
	w, err := s.ledger.Wallet(context.Background(), hash)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := s.ledger.Bought(context.Background(), w.ID, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return &u
}

// boughtBehind is a purchase that was made behind the checkout's back.
func (s *site) boughtBehind(w paywall.Wallet, changes ...func(*paywall.Offer)) string {
	s.t.Helper()
	o := s.quote()
	for _, f := range changes {
		f(o)
	}
	receipt, err := s.ledger.Unlock(context.Background(), paywall.Purchase{Wallet: w.ID, Offer: *o})
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt.Unlock.ID
}

// elsewhere is a sister site of the same ledger.
func elsewhere(o *paywall.Offer) {
	o.Site, o.Checkout = "https://music.example", "https://music.example"
}

// spends has a wallet spend an amount under a site's cap.
func (s *site) spends(w paywall.Wallet, micros int64) {
	s.t.Helper()
	s.boughtBehind(w, price(micros), underCap(1_000_000_000), resource("/articles/"+paywall.NewID()))
}

func (s *site) budget(w paywall.Wallet, micros int64) {
	s.t.Helper()
	if err := s.ledger.Set(context.Background(), w.ID, paywall.Settings{Budget: euro(micros)}); err != nil {
		s.t.Fatal(err)
	}
}

// paidIn is a wallet with money that its reader put in.
func (s *site) paidIn(micros int64) (paywall.WalletKey, paywall.Wallet) {
	s.t.Helper()
	key, w := s.opened(0)
	hash, _ := paywall.HashCode(s.voucher(micros))
	if _, err := s.ledger.Redeem(context.Background(), w.ID, hash); err != nil {
		s.t.Fatal(err)
	}
	return key, w
}

// present is a purchase that was given to a wallet, and the gift's key.
func (s *site) present(key paywall.WalletKey, path string) (id string, gift paywall.GiftKey) {
	s.t.Helper()
	gift = s.given(path)
	w := s.call("/.paywall/gift", object{"key": string(gift)}, bearer(key))
	wantStatus(s.t, w, http.StatusOK)
	return decode(s.t, w)["unlock_id"].(string), gift
}

func (s *site) passkeysOf(w paywall.Wallet) []paywall.Passkey {
	s.t.Helper()
	list, err := s.ledger.Passkeys(context.Background(), w.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}
