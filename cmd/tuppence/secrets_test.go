package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestS01NoSecretLeavesTheProgram: not into its log and the access log, metrics,
// journal, database and backup; nor does a reader's address. It is a part of row K08.
func TestS01NoSecretLeavesTheProgram(t *testing.T) {
	s := startSite(t, "log\n\tmetrics /metrics\n\tpaywall /articles/* 0.20", `respond "<!doctype html><title>Tea</title>the paid words"`)
	w := s.openWallet()
	code := strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", "5.00"))
	const visitor = "203.0.113.77"
	req, err := http.NewRequest(http.MethodPost, s.url+"/.paywall/topup/voucher", strings.NewReader(`{"code":"`+code+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.Key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", visitor)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	bought, err := s.buy(w.Key, "/articles/a")
	if err != nil {
		t.Fatal(err)
	}
	var back openedWallet
	if status, err := s.call(http.MethodPost, "/.paywall/wallet/recover", "", map[string]string{"code": w.Code}, &back); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	for _, cookie := range []string{"paywall_wallet=" + w.Key, "paywall_access=" + bought.Token} {
		req, err := http.NewRequest(http.MethodGet, s.url+"/articles/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", cookie)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	backup := filepath.Join(t.TempDir(), "backup.tar")
	s.mustRun("paywall", "backup", backup)
	resp, err = http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // the access log is written after the answer

	places := map[string][]byte{"the log": []byte(s.log.String()), "the metrics": metrics, "the commands": []byte(s.mustRun("paywall", "stats") + s.mustRun("paywall", "export"))}
	if !bytes.Contains(places["the log"], []byte("/articles/a")) {
		t.Fatal("there is no access log")
	}
	files := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		places[path], err = os.ReadFile(path)
		return err
	}
	if err := filepath.WalkDir(s.home, files); err != nil {
		t.Fatal(err)
	}
	if places[backup], err = os.ReadFile(backup); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{
		"a wallet's key": w.Key, "another": back.Key, "its recovery code": w.Code, "the same without dashes": strings.ReplaceAll(w.Code, "-", ""),
		"a voucher": code, "the same without dashes, too": strings.ReplaceAll(code, "-", ""), "a token": bought.Token, "a visitor's address": visitor,
	}
	for place, content := range places {
		for what, secret := range secrets {
			if place == "the log" && secret == visitor {
				continue // Caddy's access log is the operator's own choice
			}
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s stands in %s", what, place)
			}
		}
	}
	if len(places) < 8 {
		t.Errorf("only %d places were looked at", len(places))
	}
}
