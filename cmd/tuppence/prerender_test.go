package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// loose opens a page in a Chromium that nobody looks into: while one does, it
// renders nothing ahead.
func loose(t *testing.T, url string) {
	t.Helper()
	cmd := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children to end
	if err := cmd.Start(); err != nil {
		t.Fatal("this test needs Chromium: ", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
}

// seen is a line of an access log.
type seen struct {
	Request struct {
		Method  string
		URI     string
		Headers http.Header
	}
}

// readLog answers the requests of an access log.
func readLog(t *testing.T, file string) (all []seen) {
	t.Helper()
	log, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var line seen
		if json.Unmarshal(lines.Bytes(), &line) == nil { // the last line may be half written
			all = append(all, line)
		}
	}
	return all
}

// TestG03ArticleRenderedAheadIsNotBought: by Chromium itself, with speculation
// rules, until the reader really goes there.
func TestG03ArticleRenderedAheadIsNotBought(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := startSite(t, "log {\n\t\toutput file "+log+"\n\t}\n\tpaywall /articles/* 0.20", "header Content-Type text/html\n"+
		"\trespond / `<!doctype html><title>Front</title><a href=/articles/a>one</a><script>"+
		`document.cookie = "paywall_wallet=" + location.hash.slice(1) + "; path=/"`+"\n"+
		`const rules = document.createElement("script")`+"\n"+
		`rules.type = "speculationrules"`+"\n"+
		`rules.textContent = JSON.stringify({prerender: [{urls: ["/articles/a"], eagerness: "immediate"}]})`+"\n"+
		`document.head.append(rules)`+"\n"+
		`setTimeout(() => document.querySelector("a").click(), 6000)`+"</script>`\n"+
		"\trespond `<!doctype html><title>Shop</title><body><article>the paid words</article>`")
	wallet := newScript(s, "1.00")
	wallet.easygoing()
	loose(t, s.url+"/#"+wallet.key)

	ahead := func() (pages, bought int) {
		for _, line := range readLog(t, log) {
			switch {
			case !strings.HasPrefix(line.Request.URI, "/.paywall/unlock"):
			case line.Request.Method == http.MethodPost:
				bought++
			case strings.Contains(line.Request.Headers.Get("Sec-Purpose"), "prerender"):
				pages++
			default:
				pages += 100 // it was asked for again, and not rendered ahead
			}
		}
		return pages, bought
	}
	begun := time.Now()
	for pages, _ := ahead(); pages == 0; pages, _ = ahead() {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("Chromium did not render the article ahead")
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(2 * time.Second) // time enough for its script
	if pages, bought := ahead(); pages != 1 || bought != 0 {
		t.Fatalf("rendered ahead, the purchase page was asked for %d times, and sent its form %d times", pages, bought)
	}
	wallet.wantBalance("1.00")
	for _, bought := ahead(); bought == 0; _, bought = ahead() {
		if time.Since(begun) > 60*time.Second {
			t.Fatal("when the reader came, nothing was bought")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if pages, bought := ahead(); pages != 1 || bought != 1 {
		t.Errorf("when the reader came, the purchase page was asked for %d times, and sent its form %d times", pages, bought)
	}
	wallet.wantBalance("0.80")
	s.wantSound()
}
