package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a disk of so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	notShort(t, "root")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Fatalf("mounting a small disk: %v (this needs root, in a container CAP_SYS_ADMIN)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes to the disk until it takes no more, and gives the way to undo it.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	junk := filepath.Join(dir, "junk")
	f, err := os.Create(junk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(junk); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullDiskStopsSalesOnly fills the disk of a running server, and starts one
// on a full disk. Readers are served throughout; sales come back by themselves.
func TestAFullDiskStopsSalesOnly(t *testing.T) {
	disk := smallDisk(t, "320m") // the reserve is 256 MB
	s := startShop(t, "0.20")
	s.kill()
	s.write(strings.Replace(s.readConfig(), "currency EUR", "currency EUR\n\t\tstorage badger "+filepath.Join(disk, "data"), 1))
	s.start()
	wallet := s.openWallet()
	s.topUp(wallet.Key, "10.00")
	first, err := s.buy(wallet.Key, "/articles/first")
	if err != nil {
		t.Fatal(err)
	}

	empty := fill(t, disk)
	s.wantSalesStopped(wallet.Key, first.Token)
	s.mustRun("reload", "--force", "--config", s.config, "--adapter", "caddyfile")
	s.wantSalesStopped(wallet.Key, first.Token)
	if got := s.balance(wallet.Key); got != "9.80" {
		t.Errorf("on a full disk the balance reads %s", got)
	}
	empty()
	s.wantSalesBack(wallet.Key, "/articles/second")

	empty = fill(t, disk)
	s.kill()
	s.start()
	s.wantSalesStopped(wallet.Key, first.Token)
	if !strings.Contains(s.log.String(), "THE LEDGER IS CLOSED") || !strings.Contains(s.log.String(), "make room") {
		t.Error("the log does not say that the disk is full, and what to do")
	}
	if out, err := s.run("paywall", "verify"); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("verify on a full disk: %s, %v", out, err)
	}
	s.mustRun("reload", "--force", "--config", s.config, "--adapter", "caddyfile")
	s.wantSalesStopped(wallet.Key, first.Token)
	empty()
	s.wantSalesBack(wallet.Key, "/articles/third")
	if got := s.balance(wallet.Key); got != "9.40" {
		t.Errorf("after three purchases the balance is %s", got)
	}
	s.wantSound()

	fill(t, disk)
	s.stop()
	if log := s.log.String(); strings.Contains(log, "fatal error") || strings.Contains(log, "panic") {
		t.Error("stopping on a full disk:\n" + log)
	}
}

// wantSalesStopped waits until purchases are refused, and looks at the rest.
func (s *server) wantSalesStopped(key, token string) {
	s.t.Helper()
	var problem struct{ Offer string }
	if status, err := s.call(http.MethodGet, "/articles/other", "", nil, &problem); err != nil || status != http.StatusPaymentRequired {
		s.t.Fatalf("asking for an offer: %d, %v", status, err)
	}
	body := strings.NewReader(`{"offer":"` + problem.Offer + `"}`)
	req, err := http.NewRequest(http.MethodPost, s.url+"/.paywall/unlock", body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		s.t.Errorf("a purchase without a ledger: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	for path, bearer := range map[string]string{"/articles/first": token, "/about": ""} {
		if status, err := s.call(http.MethodGet, path, bearer, nil, nil); err != nil || status != http.StatusOK {
			s.t.Errorf("%s without a ledger: %d, %v", path, status, err)
		}
	}
}

// wantSalesBack waits until a purchase goes through.
func (s *server) wantSalesBack(key, path string) {
	s.t.Helper()
	var err error
	if !waitFor(60*time.Second, func() bool { _, err = s.buy(key, path); return err == nil }) {
		s.t.Fatalf("sales do not come back: %v\n%s", err, s.log.String())
	}
}

// stop ends the server as a service manager does, and fails if it dies of it.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("the server ended with %d:\n%s", code, s.log.String())
	}
}
