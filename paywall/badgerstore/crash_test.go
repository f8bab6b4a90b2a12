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

// roles are what this binary can be started again as, by a test that wants a
// process of its own: to kill it, or because a fault would end it. The key is the
// environment variable that names the folder.
var roles = map[string]func(dir string) error{crashDir: runShop}

func TestMain(m *testing.M) {
	for variable, run := range roles {
		dir := os.Getenv(variable)
		if dir == "" {
			continue
		}
		if err := run(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runShop sells until it is killed, and says what was answered, after it was.
func runShop(dir string) error {
	s, err := openKept(context.Background(), crashOptions(dir))
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
			w, err := s.OpenWallet(context.Background(), keys, paywall.Welcome{Amount: euro(100_000)})
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
					if _, err := s.Refund(context.Background(), w.ID, r.Unlock.ID, 0); err != nil {
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
	notShort(t, "a minute")
	dir := t.TempDir()
	log := newCustomerLog()
	for n := range often(20, 200) {
		log.add(t, killedShop(t, dir))
		if n%5 == 4 { // half a purchase would not add up
			s := open(t, crashOptions(dir))
			verified(t, s)
			closed(t, s)
		}
	}
	if log.bought < 200 || log.refunded < 20 {
		t.Fatalf("%d purchases and %d refunds are no load", log.bought, log.refunded)
	}
	s := open(t, crashOptions(dir))
	verified(t, s)
	log.check(t, s)
	log.retry(t, s)
	verified(t, s)
	t.Logf("%d purchases and %d refunds acknowledged, %d without an answer; lost, doubled, half: 0, 0, 0", log.bought, log.refunded, len(log.asked))
}

func crashOptions(dir string) Options {
	o := testOptions(dir)
	o.SegmentBytes = 64 << 10
	return o
}

// shopProcess is a shop in a process of its own.
type shopProcess struct {
	cmd   *exec.Cmd
	lines chan string
}

func startShop(t *testing.T, dir string) *shopProcess {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out := must[io.ReadCloser](t)(child.StdoutPipe())
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	p := &shopProcess{child, make(chan string, 1<<18)}
	go func() {
		defer close(p.lines)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return // a line without its end was not said
			}
			p.lines <- strings.TrimSpace(line)
		}
	}()
	if first := <-p.lines; first != "ready" {
		t.Fatalf("the shop did not open: %q", first)
	}
	return p
}

// said gives the lines that arrived so far, once some purchases are among them:
// a slow machine has to come to them first.
func (p *shopProcess) said(t *testing.T, purchases int) (lines []string) {
	t.Helper()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatal("the shop ended by itself")
			}
			if strings.HasPrefix(line, "bought ") {
				purchases--
			}
			lines = append(lines, line)
			continue
		default:
		}
		if purchases <= 0 {
			return lines
		}
		time.Sleep(time.Millisecond)
	}
}

// kill ends the shop and gives the rest of the lines that arrived whole.
func (p *shopProcess) kill(t *testing.T) (lines []string) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for line := range p.lines {
		lines = append(lines, line)
	}
	_ = p.cmd.Wait() // killed
	return lines
}

// killedShop runs a shop for a moment and gives what it said.
func killedShop(t *testing.T, dir string) []string {
	t.Helper()
	p := startShop(t, dir)
	time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond)
	return append(p.said(t, rand.IntN(200)), p.kill(t)...)
}
