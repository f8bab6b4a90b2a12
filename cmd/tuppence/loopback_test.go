package main

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// lastMessage is what the server's log said last.
func lastMessage(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	var line struct{ Msg string }
	_ = json.Unmarshal([]byte(lines[len(lines)-1]), &line) // another line is no message
	return line.Msg
}

// TestDemoSaysLastWhereItIs: a newcomer looks at the end of the log.
func TestDemoSaysLastWhereItIs(t *testing.T) {
	s := startDemo(t, "")
	if !waitFor(10*time.Second, func() bool { return strings.Contains(s.log.String(), "open "+s.url) }) {
		t.Fatalf("the log does not say where the demo is:\n%s", s.log.String())
	}
	time.Sleep(time.Second) // whatever Caddy still has to say
	if got := lastMessage(s.log.String()); got != "open "+s.url {
		t.Errorf("the last message is %q:\n%s", got, s.log.String())
	}
	s.mustRun("reload", "--config", s.config, "--adapter", "caddyfile", "--force")
	time.Sleep(time.Second)
	if n := strings.Count(s.log.String(), "open "+s.url); n != 1 {
		t.Errorf("after a reload it was said %d times", n)
	}
}

// TestOnlyAddressesOfThisMachineAreSaid: what others can open has an address that
// the operator knows.
func TestOnlyAddressesOfThisMachineAreSaid(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", "respond ok")
	_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
	s.kill()
	s.write(strings.Replace(s.readConfig(), "http://localhost:"+port, "http://localhost:"+port+", http://news.example:"+port, 1))
	s.start()
	if !waitFor(10*time.Second, func() bool { return strings.Contains(s.log.String(), "open "+s.url) }) {
		t.Fatalf("the log does not say where the site is:\n%s", s.log.String())
	}
	if strings.Contains(s.log.String(), "open http://news.example") {
		t.Error("the address of a public site is said")
	}
}

// TestDemoIsOnThisMachineOnly: under both loopback addresses, and no other.
func TestDemoIsOnThisMachineOnly(t *testing.T) {
	s := startDemo(t, "")
	_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		ip := a.(*net.IPNet).IP
		if ip.IsLinkLocalUnicast() {
			continue // needs a zone
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), port), 5*time.Second)
		if (err == nil) != ip.IsLoopback() {
			t.Errorf("%s: %v", ip, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// TestDemoStartsWithoutIPv6: in many containers there is none.
func TestDemoStartsWithoutIPv6(t *testing.T) {
	t.Setenv("TUPPENCE_LOOPBACK6", "") // as main leaves it there
	s := startDemo(t, "")
	if status, err := s.call(http.MethodGet, "/", "", nil, nil); err != nil || status != http.StatusOK {
		t.Error(status, err)
	}
}
