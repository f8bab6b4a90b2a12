package badgerstore

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// settleReaders has wallets use everything that a reader can.
func settleReaders(t testing.TB, s *kept, w *town) {
	t.Helper()
	ctx := t.Context()
	fine := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	wants := paywall.Settings{Budget: euro(450), Auto: paywall.Auto{PerArticle: euro(30), PerWeek: euro(100)}}
	for _, i := range []int{0, 4} {
		wallet := w.wallets[i]
		fine(s.Set(ctx, wallet, wants))
		capped := paywall.Purchase{Wallet: wallet, Offer: offer("/capped"), Refund: time.Hour, Auto: true}
		capped.Offer.Cap = euro(15)
		bought := must[paywall.Receipt](t)(s.Unlock(ctx, capped)).Unlock
		key := randomKeys(t).Key
		fine(s.AddGift(ctx, wallet, paywall.Gift{Key: key, Unlock: bought.ID, Readers: 3}))
		for _, to := range w.wallets[2:4] {
			must[paywall.Receipt](t)(s.OpenGift(ctx, to, key))
		}
		for _, id := range []string{"one-", "two-", "gone"} {
			fine(s.SetPasskey(ctx, wallet, paywall.Passkey{ID: id + wallet, Data: `{"counter":1}`}))
		}
		fine(s.SetPasskey(ctx, wallet, paywall.Passkey{ID: "two-" + wallet, Data: `{"counter":2}`}))
		fine(s.RemovePasskey(ctx, wallet, "gone"+wallet))
		must[paywall.Wallet](t)(s.Tip(ctx, wallet, paywall.Tip{ID: "tip", Site: "https://news.example", Amount: euro(5)}))
		fine(s.Drop(ctx, wallet, paywall.Drop{Device: deviceID(w.keys[i].Key), Codes: true}))
	}
	fine(s.Set(ctx, w.wallets[1], paywall.Settings{Forget: true}))
	forgotten := paywall.Purchase{Wallet: w.wallets[1], Offer: offer("/forgotten?q=1"), Refund: time.Hour}
	must[paywall.Receipt](t)(s.Unlock(ctx, forgotten))
}
