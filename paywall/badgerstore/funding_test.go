package badgerstore

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// fund tops a wallet up, cashes part of it out, and has vouchers revoked.
func fund(t *testing.T, s *kept, wallet string) {
	t.Helper()
	ctx := t.Context()
	in := paywall.Intent{ID: "2026.i", Wallet: wallet, Way: "stripe", Amount: euro(5), ExpiresAt: time.Now().Add(time.Hour)}
	must[paywall.Intent](t)(s.BeginTopUp(ctx, in))
	must[paywall.Booked](t)(s.Book(ctx, paywall.Movement{Way: "stripe", Kind: paywall.MovedPayment, ID: "2026.p", Intent: in.ID, Amount: euro(5)}))
	must[paywall.CashOut](t)(s.CashOut(ctx, wallet, "c", false))
	must[paywall.CashOutPart](t)(s.MoveCashOut(ctx, "c-0", paywall.CashOutDone))
	made := []paywall.Voucher{{Code: paywall.Hash{7, 7}, Amount: euro(1)}}
	if err := s.AddVouchers(ctx, made); err != nil {
		t.Fatal(err)
	}
	head := must[paywall.Report](t)(s.Verify(ctx)).Seq
	if n, err := s.RevokeVouchers(ctx, head); n != 1 || err != nil {
		t.Fatalf("revoked are %d, %v", n, err)
	}
}

// TestAFolderWithMoneyInIsOfANewerLayout: until then, earlier versions open it; from then
// on they do not take it for theirs. This version builds neither again.
func TestAFolderWithMoneyInIsOfANewerLayout(t *testing.T) {
	var said bytes.Buffer
	o := testOptions(t.TempDir())
	o.Logger = slog.New(slog.NewTextHandler(&said, nil))
	s := open(t, o)
	w := settle(t, s)
	if mark := contents(t, s)["m"]; mark[len(mark)-1] != layout {
		t.Errorf("before money came in, the layout is %d", mark[len(mark)-1])
	}
	closed(t, s)
	s = open(t, o)
	fund(t, s, w.wallets[0])
	want := contents(t, s)
	if mark := want["m"]; mark[len(mark)-1] != layoutFunding {
		t.Errorf("with money in, the layout is %d", mark[len(mark)-1])
	}
	closed(t, s)
	s = open(t, o)
	must[paywall.Wallet](t)(s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{}))
	want = contents(t, s)
	if mark := want["m"]; mark[len(mark)-1] != layoutFunding {
		t.Errorf("opened again, the layout is %d", mark[len(mark)-1])
	}
	if strings.Contains(said.String(), "another version") {
		t.Errorf("opening says %s", &said)
	}
	if _, err := s.Redeem(t.Context(), w.wallets[1], paywall.Hash{7, 7}); err != paywall.ErrVoucherRevoked {
		t.Errorf("a revoked voucher gives %v", err)
	}
	closed(t, s)
	if err := os.RemoveAll(badgerDir(o.Dir)); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	same(t, "built again", contents(t, s), want)
}
