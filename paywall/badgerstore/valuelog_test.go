package badgerstore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestNothingGoesToTheValueLog is why nobody collects garbage in it: it holds
// its own header and no entry, whatever is written and erased.
func TestNothingGoesToTheValueLog(t *testing.T) {
	const header = 20 // bytes: key id and IV (badger v4.9.6, value.go, vlogHeaderSize)
	o := testOptions(t.TempDir())
	for range 4 { // a start begins a file and drops the one before the last
		s := open(t, o)
		settle(t, s)
		w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{Amount: euro(1_000_000)}))
		buyMany(t, s, w.ID, 3000)
		vouchers := make([]paywall.Voucher, 10_000)
		for i := range vouchers {
			vouchers[i] = paywall.Voucher{Code: randomKeys(t).Code, Amount: euro(1)}
		}
		if err := s.AddVouchers(t.Context(), vouchers); err != nil {
			t.Fatal(err)
		}
		if err := s.Erase(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
		closed(t, s)
		logs := must[[]string](t)(filepath.Glob(filepath.Join(badgerDir(o.Dir), "*.vlog")))
		for _, name := range logs {
			if size := must[os.FileInfo](t)(os.Stat(name)).Size(); len(logs) > 2 || size != header {
				t.Errorf("%d value logs, %s has %d bytes", len(logs), filepath.Base(name), size)
			}
		}
	}
}
