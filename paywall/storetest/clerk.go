package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// clerk is one who plays a part of the month, one call after the other.
type clerk struct {
	teller
	rand    *rand.Rand
	size    Month
	holders []*holder
	bought  []*sold
	earned  map[string]int64 // by the site and by creators, in millionths
	n       int
	day     int
	worked  int // purchases that were tried
	sold    int
	made    int // vouchers
}

// sold is a purchase that can still be undone.
type sold struct {
	by          *holder
	id          string
	cents, free int64
	alice       int64
}

func newClerk(h *suite, n int, size Month) *clerk {
	c := &clerk{n: n, rand: rand.New(rand.NewPCG(2026, uint64(n))), size: size, earned: map[string]int64{}}
	c.teller = teller{
		suite: h, loses: true, sums: sums{}, try: c.again, dice: c.rand.IntN,
		fail: func(text string, args ...any) {
			h.t.Errorf(text, args...)
			runtime.Goexit()
		},
		any: func() *holder { return c.holders[c.rand.IntN(len(c.holders))] },
	}
	return c
}

// again makes a call until it is answered; now and then its caller leaves first.
func (c *clerk) again(call func(context.Context) error) (err error) {
	if c.dice(50) == 0 {
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Duration(c.dice(200))*time.Microsecond)
		_ = call(ctx) // whatever came of it, the call is made again
		cancel()
	}
	for range 1000 {
		if err = call(c.t.Context()); !errors.Is(err, paywall.ErrUnavailable) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

// share is a clerk's share of what happens in the month.
func (c *clerk) share(all int) int { return (c.n+1)*all/clerks - c.n*all/clerks }

// work is a clerk's part of a day.
func (c *clerk) work() {
	others := c.calls()
	for _, name := range []string{"top-up", "pay", "dispute"} {
		delete(others, name)
	}
	names := slices.Sorted(maps.Keys(others))
	purchases, topUps, disputes := c.share(c.size.Purchases), c.share(c.size.TopUps), c.share(c.size.TopUps*3/1000)
	due := func(all int) bool { return c.worked*all/purchases != (c.worked+1)*all/purchases }
	for c.day++; c.worked < c.day*purchases/days; c.worked++ {
		if due(topUps) {
			c.customer()
			others[names[c.dice(len(names))]]()
		}
		if due(disputes) {
			c.dispute()
		}
		c.buys()
		if c.worked%50 == 0 {
			c.undo()
		}
		if c.worked%1000 == 0 {
			c.erase()
		}
	}
}

// customer pays in: by card, by bank, or with a voucher; one of ten is new.
func (c *clerk) customer() {
	if len(c.holders) == 0 || c.dice(10) == 0 {
		c.newcomer()
	}
	r := c.any()
	if c.dice(5) == 0 {
		c.voucher(r)
	}
	if in := c.begin(r, []string{card, bank}[c.dice(2)], c.number(300, 1000)); in != nil {
		c.payIntent(in)
	}
}

// newcomer opens a wallet, with a welcome.
func (c *clerk) newcomer() {
	free, keys := c.number(0, 60), newKeys(c.t)
	var w paywall.Wallet
	err := c.try(func(ctx context.Context) (err error) {
		w, err = c.store.OpenWallet(ctx, keys, paywall.Welcome{Amount: euro(free)})
		return err
	})
	c.want("opening a wallet", err, nil)
	c.holders = append(c.holders, &holder{reader{w, keys}, purse{cents: free, free: free}})
	c.sums[paywall.AccountPromo] -= free
}

func (c *clerk) voucher(r *holder) {
	c.made++
	v, worth := code(fmt.Sprint(c.rand.Uint64(), c.made)), c.number(1, 500)
	err := c.try(func(ctx context.Context) error {
		err := c.store.AddVouchers(ctx, []paywall.Voucher{{Code: v, Amount: euro(worth)}})
		if errors.Is(err, paywall.ErrConflict) {
			return nil // a lost answer
		}
		return err
	})
	c.want("making a voucher", err, nil)
	err = c.try(func(ctx context.Context) error {
		_, err := c.store.Redeem(ctx, r.ID, v)
		return err
	})
	switch {
	case r.erased:
		c.want("redeeming", err, paywall.ErrNoWallet)
	case r.closing:
		c.want("redeeming into a closed wallet", err, paywall.ErrWalletClosed)
	case c.want("redeeming", err, nil):
		c.sums[paywall.AccountVoucher] -= worth
		r.add(c.sums, worth)
	}
}

// buys is a purchase, of which alice has 70 % of what is paid. A reader who cannot is
// another.
func (c *clerk) buys() {
	if len(c.holders) == 0 {
		c.customer()
	}
	r := c.any()
	for range 20 {
		if r.cents < 20 || r.owed > 0 || r.erased || r.closing {
			r = c.any()
		}
	}
	offer := c.offer(fmt.Sprintf("/articles/%d", c.worked), c.number(1, 20))
	if c.worked%2 == 0 {
		offer.Shares = []paywall.Share{{Creator: "alice", PPM: 700_000}}
	}
	var receipt paywall.Receipt
	err := c.try(func(ctx context.Context) (err error) {
		receipt, err = c.store.Unlock(ctx, paywall.Purchase{Wallet: r.ID, Offer: offer, Refund: refundTime})
		return err
	})
	price := cents(offer.Price)
	switch {
	case r.erased:
		c.want("buying", err, paywall.ErrNoWallet)
	case r.closing:
		c.want("buying with a closed wallet", err, paywall.ErrWalletClosed)
	case r.owed > 0:
		c.want("buying while owing", err, paywall.ErrOwing)
	case r.cents < price:
		c.want("buying without money", err, paywall.ErrInsufficientFunds)
	case c.want("buying", err, nil):
		s := &sold{by: r, id: receipt.Unlock.ID, cents: price, free: r.spend(price)}
		if len(offer.Shares) > 0 {
			s.alice = (price - s.free) * 7_000
		}
		c.earn(s, 1)
		c.bought = append(c.bought, s)
		c.sold++
	}
}

func (c *clerk) earn(s *sold, sign int64) {
	c.earned[paywall.SiteAccount(site)] += sign * (s.cents*10_000 - s.alice)
	c.earned[paywall.CreatorAccount("alice")] += sign * s.alice
}

// undo gives the newest purchase back.
func (c *clerk) undo() {
	if len(c.bought) == 0 {
		return
	}
	s := c.bought[len(c.bought)-1]
	c.bought = nil
	err := c.try(func(ctx context.Context) error {
		_, err := c.store.Refund(ctx, s.by.ID, s.id, 0)
		return err
	})
	if s.by.erased {
		c.want("undoing", err, paywall.ErrNotFound)
		return
	}
	if errors.Is(err, paywall.ErrRefundClosed) {
		return // it was too long ago
	}
	if c.want("undoing", err, nil) {
		s.by.cents += s.cents
		s.by.free += s.free
		c.earn(s, -1)
	}
}

func (c *clerk) erase() {
	r := c.any()
	err := c.try(func(ctx context.Context) error { return c.store.Erase(ctx, r.ID) })
	if r.erased {
		c.want("erasing again", err, paywall.ErrNoWallet)
		return
	}
	if !errors.Is(err, paywall.ErrNoWallet) { // a lost answer
		c.want("erasing", err, nil)
	}
	r.erased = true
}

// checkWallets looks at every wallet.
func (c *clerk) checkWallets() {
	for _, r := range c.holders {
		w, err := c.store.Wallet(c.t.Context(), r.keys.Key)
		if r.erased {
			if !errors.Is(err, paywall.ErrNoWallet) {
				c.t.Errorf("an erased wallet is read: %+v, %v", w, err)
			}
			continue
		}
		if err != nil || w.Balance != euro(r.cents) || w.Free != euro(r.free) || w.Owed != euro(r.owed) || w.Closed != r.closing {
			c.t.Errorf("a wallet is %+v, %v; want %+v", w, err, r.purse)
		}
	}
}
