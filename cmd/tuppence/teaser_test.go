package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startTeasing runs the demo with the line of the README that shows the
// beginning of each article, on ports of its own.
func startTeasing(t *testing.T) *server {
	t.Helper()
	port, upstream, admin := freePort(t), freePort(t), freePort(t)
	s := &server{t: t, home: t.TempDir(), admin: fmt.Sprintf("localhost:%d", admin), url: fmt.Sprintf("http://localhost:%d", port)}
	s.config = filepath.Join(s.home, "Caddyfile")
	example, err := os.ReadFile(filepath.Join("..", "..", "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(strings.NewReplacer(
		"{\n\tpaywall {", "{\n\tadmin "+s.admin+"\n\tpaywall {",
		"localhost:8402", fmt.Sprintf("localhost:%d", port), "localhost:8403", fmt.Sprintf("localhost:%d", upstream),
		"paywall @paid {", "encode zstd gzip\n\tpaywall @paid {\n\t\tteaser article {\n\t\t\tparagraphs 2\n\t\t}",
	).Replace(string(example)))
	s.start()
	return s
}

// TestReaderBuysFromTheTeaser: the first time over the purchase page, then with
// one tap in the article.
func TestReaderBuysFromTheTeaser(t *testing.T) {
	s := startTeasing(t)
	b := newBrowser(t, s.url, true)
	const free, paid = "It cannot be shut when somebody refuses.", "A lighthouse tells you where the rock is."

	if status := b.open(demoArticles[0]); status != http.StatusOK {
		t.Errorf("the teaser answers %d", status)
	}
	b.wantOn(demoArticles[0])
	b.wantText(free)
	b.wantText("Read on for €0.20")
	if strings.Contains(b.text("html"), paid) {
		t.Error("the paid part is there")
	}
	b.click(".paywall-pay")
	b.wantOn("/.paywall/unlock")
	b.click(payButton)
	b.wantOn(demoArticles[0])
	b.wantText(free)
	b.wantText(paid)

	b.open(demoArticles[1])
	b.wantText("Pay €0.20 and read")
	b.click(payButton)
	b.wantOn(demoArticles[1])
	if strings.Contains(b.text("body"), "Pay €0.20") {
		t.Error("the article is not whole")
	}
	b.open("/.paywall/wallet")
	b.wantText("€0.20") // of 0.60, twice 0.20 less
	s.wantSound()
}
