package badgerstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const crashDir = "TUPPENCE_CRASH_DIR"

// TestMain lets a test start this binary again as a shop that it can kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := runShop(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runShop sells until it is killed, and says what was answered, after it was.
func runShop(dir string) error {
	o := testOptions(dir)
	o.SegmentBytes = 64 << 10
	s, err := Open(context.Background(), o)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...) // one write to a pipe: it arrives whole or not at all
	}
	say("ready")
	var done sync.WaitGroup
	for range 16 {
		done.Go(func() {
			keys, _ := paywall.NewWalletKey().Hashes()
			w, err := s.OpenWallet(context.Background(), keys, euro(100_000))
			if err != nil {
				panic(err)
			}
			for n := 0; ; n++ {
				p := paywall.Purchase{Wallet: w.ID, Offer: offer(fmt.Sprintf("/articles/%d", n)), Refund: time.Hour}
				say("asked %s %s %s", w.ID, p.Offer.ID, p.Offer.Resource)
				r, err := s.Unlock(context.Background(), p)
				if err != nil {
					panic(err)
				}
				say("bought %s %s %s %s", w.ID, p.Offer.ID, p.Offer.Resource, r.Unlock.ID)
				if n%5 == 4 {
					if _, err := s.Refund(context.Background(), w.ID, r.Unlock.ID); err != nil {
						panic(err)
					}
					say("refunded %s %s", w.ID, r.Unlock.ID)
				}
				if n%50 == 49 {
					if err := s.AddVouchers(context.Background(), []paywall.Voucher{{Code: keys.Code, Amount: euro(1)}}); err != nil && n == 49 {
						panic(err)
					}
				}
			}
		})
	}
	done.Wait()
	return nil
}

// TestAKilledProcessLosesNothingAndSellsNothingTwice kills a shop under load
// again and again, and holds its ledger against what its customers were told.
func TestAKilledProcessLosesNothingAndSellsNothingTwice(t *testing.T) {
	dir := t.TempDir()
	told := map[string]string{} // what: answer
	bought, refunded := 0, 0
	for range 10 {
		for _, line := range killedShop(t, dir) {
			f := strings.Fields(line)
			switch f[0] {
			case "bought":
				if told[f[1]+f[2]] != "" {
					t.Fatalf("one offer was sold twice: %s", line)
				}
				told[f[1]+f[2]] = line
				bought++
			case "refunded":
				told["refunded"+f[2]] = line
				refunded++
			}
		}
	}
	if bought < 100 || refunded < 10 {
		t.Fatalf("%d purchases and %d refunds are no load", bought, refunded)
	}
	o := testOptions(dir)
	o.SegmentBytes = 64 << 10
	s := open(t, o)
	verified(t, s)
	checkTold(t, s, told)
	t.Logf("%d purchases and %d refunds acknowledged, none lost", bought, refunded)
}

// killedShop runs a shop for a moment and gives the lines that arrived whole.
func killedShop(t *testing.T, dir string) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out := must[io.ReadCloser](t)(child.StdoutPipe())
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1<<16)
	go func() {
		defer close(lines)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return // a line without its end was not said
			}
			lines <- strings.TrimSpace(line)
		}
	}()
	if first := <-lines; first != "ready" {
		t.Fatalf("the shop did not open: %q", first)
	}
	time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for line := range lines {
		said = append(said, line)
	}
	_ = child.Wait() // killed
	return said
}

func checkTold(t *testing.T, s *Store, told map[string]string) {
	t.Helper()
	histories := map[string]map[string]paywall.Unlock{}
	for _, line := range told {
		f := strings.Fields(line)
		wallet, id := f[1], f[len(f)-1]
		if histories[wallet] == nil {
			histories[wallet] = map[string]paywall.Unlock{}
			for _, u := range must[[]paywall.Unlock](t)(s.Unlocks(t.Context(), wallet, 1<<20)) {
				histories[wallet][u.ID] = u
			}
		}
		u, ok := histories[wallet][id]
		switch {
		case !ok:
			t.Errorf("lost: %s", line)
		case f[0] == "refunded" && (u.RefundedAt.IsZero() || !s.Revoked(id)):
			t.Errorf("lost: %s", line)
		case f[0] == "bought" && (u.Offer != f[2] || u.Resource != f[3]):
			t.Errorf("told %s, has %+v", line, u)
		}
	}
}
