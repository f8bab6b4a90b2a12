package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
)

// A wallet buys an article of which a creator has a share, buys it again without
// being charged, and undoes the purchase.
func Example() {
	engine, err := memstore.New("EUR", time.Now)
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := ledger.New(engine)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	ctx := context.Background()

	keys, _ := paywall.NewWalletKey().Hashes()
	wallet, err := l.OpenWallet(ctx, keys, paywall.Welcome{Amount: paywall.Money{Micros: 600_000, Currency: "EUR"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	alice, err := paywall.ParseShare("alice", "70")
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		receipt, err := l.Unlock(ctx, paywall.Purchase{
			Wallet: wallet.ID,
			Offer: paywall.Offer{
				ID: paywall.NewID(), Site: "https://news.example", Checkout: "https://news.example",
				Resource: "/articles/tea", URL: "/articles/tea", Title: "The last tea shop",
				Price:    paywall.Money{Micros: 200_000, Currency: "EUR"},
				Shares:   []paywall.Share{alice},
				IssuedAt: time.Now(), ExpiresAt: time.Now().Add(paywall.OfferTTL),
			},
			Refund: 30 * time.Minute,
		})
		fmt.Println(receipt.Unlock.Paid, "paid,", receipt.Balance, "left, owned before:", receipt.AlreadyOwned, err)
	}

	bought, err := l.Owned(ctx, keys.Key, "https://news.example", "/articles/tea")
	fmt.Println(bought.Title, err)

	receipt, err := l.Refund(ctx, wallet.ID, bought.ID, 5)
	fmt.Println(receipt.Balance, "left,", "revoked:", l.Revoked(bought.ID), err)
	_, err = l.Owned(ctx, keys.Key, "https://news.example", "/articles/tea")
	fmt.Println(errors.Is(err, paywall.ErrNotFound))
	// Output:
	// 0.20 paid, 0.40 left, owned before: false <nil>
	// 0.20 paid, 0.40 left, owned before: true <nil>
	// The last tea shop <nil>
	// 0.60 left, revoked: true <nil>
	// true
}
