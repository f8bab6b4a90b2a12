package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// statementOf has the demo's bank write what a transfer with that reference becomes.
func (s *server) statementOf(reference, amount string) (file string) {
	s.t.Helper()
	resp, err := http.Get(s.bank + "/statement?" + url.Values{"reference": {reference}, "amount": {amount}}.Encode())
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	out, err := os.Create(filepath.Join(s.t.TempDir(), "statement.xml"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.ReadFrom(resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return out.Name()
}

var ourReference = regexp.MustCompile(`\bRF[0-9]{2}[A-Z0-9]{16}\b`)

// TestW3mPaysByTransfer: from an article with an empty wallet over the bank's numbers, as
// text, to the statement that has the transfer, and into the article.
func TestW3mPaysByTransfer(t *testing.T) {
	s := startDemo(t, "")
	r := newTextReader(t, s, "w3m", demoArticles[0])
	for i, path := range demoArticles[:3] { // what the welcome pays for
		if i > 0 {
			r.open(path)
		}
		r.see("Pay €0.20 and read")
		r.follow("Pay €0.20 and read")
		r.see("How this is paid for")
	}
	r.open(demoArticles[3])
	r.see("Your wallet is empty.", "Another amount or another way to pay")
	r.follow("Another amount or another way to pay")
	r.see("By bank transfer", "The note that is not there")
	r.press("/By bank transfer"+enter, tab, enter) // the first amount
	r.see("Pay by bank transfer", "The Penny Post", demoIBAN, "€5.00", "Look again")
	reference := ourReference.FindString(r.text())
	if reference == "" {
		t.Fatalf("the page has no reference:\n%s", r.text())
	}
	r.follow("Look again")
	r.see("Pay by bank transfer", reference)
	s.mustRun("paywall", "bank", "import", s.statementOf(reference, "5.00"))
	r.follow("Look again")
	r.see("Your payment is here", "Balance €5.00")
	r.follow("Go on to the article")
	r.see("The note that is not there", "Loughborough")
	r.open("/.paywall/wallet")
	r.see("Balance €4.80")
	s.wantSound()
}
