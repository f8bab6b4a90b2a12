package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// loose opens a page in a Chromium that nobody looks into: while one does, it
// renders nothing ahead. A busy machine's may not come up, or not for long.
func loose(t *testing.T, url string, came func() bool) {
	t.Helper()
	notShort(t, "Chromium")
	for range 3 {
		cmd := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), url)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children to end
		if err := cmd.Start(); err != nil {
			t.Fatal("this test needs Chromium: ", err)
		}
		end := sync.OnceFunc(func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		})
		t.Cleanup(end)
		if waitFor(30*time.Second, came) {
			return
		}
		end()
		t.Logf("a Chromium that asked for nothing said:\n%s", said.String())
	}
	t.Fatal("no Chromium came")
}

// seen is a line of an access log.
type seen struct {
	Status  int
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
// rules, until the reader really goes there. What it asks for ahead is refused.
func TestG03ArticleRenderedAheadIsNotBought(t *testing.T) {
	log, signs := filepath.Join(t.TempDir(), "log"), t.TempDir()
	s := startSite(t, "log {\n\t\toutput file "+log+"\n\t}\n\tpaywall /articles/* 0.20", "header Content-Type text/html\n"+
		"\trespond / `<!doctype html><title>Front</title><a href=/articles/a>one</a><script>"+
		`document.cookie = "paywall_wallet=" + location.hash.slice(1) + "; path=/"`+"\n"+
		`const rules = document.createElement("script")`+"\n"+
		`rules.type = "speculationrules"`+"\n"+
		`rules.textContent = JSON.stringify({prerender: [{urls: ["/articles/a"], eagerness: "immediate"}]})`+"\n"+
		`document.head.append(rules)`+"\n"+
		`setInterval(async () => (await fetch("/go")).ok && document.querySelector("a").click(), 500)`+"</script>`\n"+
		"\thandle /go {\n\t\troot * "+signs+"\n\t\tfile_server\n\t}\n"+
		"\trespond `<!doctype html><title>Shop</title><body><article>the paid words</article>`")
	wallet := newScript(s, "1.00")
	wallet.easygoing()

	seen := func() (ahead, pages, bought int) {
		for _, line := range readLog(t, log) {
			switch {
			case line.Request.Headers.Get("Sec-Purpose") != "":
				ahead++
				if line.Status < 400 {
					t.Errorf("%s is answered with %d ahead", line.Request.URI, line.Status)
				}
			case !strings.HasPrefix(line.Request.URI, "/.paywall/unlock"):
			case line.Request.Method == http.MethodPost:
				bought++
			default:
				pages++
			}
		}
		return ahead, pages, bought
	}
	loose(t, s.url+"/#"+wallet.key, func() bool { ahead, _, _ := seen(); return ahead > 0 })
	time.Sleep(2 * time.Second) // time enough for its script
	if _, pages, bought := seen(); pages != 0 || bought != 0 {
		t.Fatalf("ahead, the purchase page was asked for %d times, and sent its form %d times", pages, bought)
	}
	wallet.wantBalance("1.00")
	if err := os.WriteFile(filepath.Join(signs, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !waitFor(30*time.Second, func() bool { _, _, bought := seen(); return bought > 0 }) {
		t.Fatal("when the reader came, nothing was bought")
	}
	if _, pages, bought := seen(); pages != 1 || bought != 1 {
		t.Errorf("when the reader came, the purchase page was asked for %d times, and sent its form %d times", pages, bought)
	}
	wallet.wantBalance("0.80")
	s.wantSound()
}
