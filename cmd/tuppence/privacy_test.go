package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/dgraph-io/badger/v4"
	"github.com/klauspost/compress/zstd"

	"github.com/tuppence/tuppence/paywall"
	statements "github.com/tuppence/tuppence/paywall/topup/bank/pretend"
	cards "github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// What the payers of these tests are called, at the provider and in the bank's statements.
var payers = []string{
	"Hildegard Quastenflosser", "Quastenflosser", "hildegard@quastenflosser.example", "4242424242424242", "Xt5EWLLDS7FJjR1c",
	"DE75512108001245126199", "512108001245126199", "Greetings from the Quastenflossers", "KARTE-QUASTE-77",
}

// watchedShop is the demo with an access log, and with a pretend bank that keeps all that
// it is sent. The bank has another host than the site, as in life: a browser sends cookies
// of localhost to all its ports.
type watchedShop struct {
	*server
	bank *cards.Bank

	mu   sync.Mutex
	sent bytes.Buffer
}

func startWatched(t *testing.T) *watchedShop {
	t.Helper()
	w := &watchedShop{server: startDemo(t, "")}
	w.bank = cards.New(cards.Options{Received: func(r cards.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent.WriteString(r.Method + " " + r.URL + "\n")
		_ = r.Header.Write(&w.sent) // a buffer takes everything
		w.sent.WriteString(r.Body + "\n")
	}})
	api := httptest.NewServer(w.bank)
	t.Cleanup(func() { w.bank.Close(); api.Close() })
	w.bank.Subscribe(cards.Endpoint{URL: w.url + "/.paywall/webhook/stripe", Secrets: []string{"whsec_pretend"}})
	w.kill()
	w.write(strings.NewReplacer(
		"endpoint "+w.server.bank, "endpoint "+api.URL,
		"bind 127.0.0.1 {$TUPPENCE_LOOPBACK6}", "bind 127.0.0.1 {$TUPPENCE_LOOPBACK6}\n\tlog",
		"{\n\tadmin ", "{\n\tdebug\n\tadmin ",
	).Replace(w.readConfig()))
	w.start()
	return w
}

// settle waits until the bank has told all that happened.
func (w *watchedShop) settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	if err := w.bank.Wait(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// last is the bank's newest object of a kind.
func (w *watchedShop) last(kind string) string {
	w.t.Helper()
	all := w.bank.IDs(kind)
	if len(all) == 0 {
		w.t.Fatalf("the bank has no %s", kind)
	}
	return all[len(all)-1]
}

// identify has the payer type a name, an e-mail address and a card into the bank's page.
func (w *watchedShop) identify(session, charge string) {
	w.t.Helper()
	person := map[string]any{"name": payers[0], "email": payers[2], "address": nil, "phone": nil}
	if err := w.bank.Edit(session, func(o map[string]any) { o["customer_details"], o["customer_email"] = person, payers[2] }); err != nil {
		w.t.Fatal(err)
	}
	if charge == "" {
		return
	}
	if err := w.bank.Edit(charge, func(o map[string]any) {
		o["billing_details"], o["receipt_email"] = person, payers[2]
		o["payment_method_details"] = map[string]any{"type": "card", "card": map[string]any{"number": payers[3], "fingerprint": payers[4]}}
	}); err != nil {
		w.t.Fatal(err)
	}
}

// payByCard tops a wallet up as a program does, and answers the payment.
func (w *watchedShop) payByCard(key string) (payment string) {
	w.t.Helper()
	if status, err := w.call(http.MethodPost, "/.paywall/topup/card", key, map[string]string{"amount": "5.00"}, nil); err != nil || status != http.StatusOK {
		w.t.Fatal(status, err)
	}
	session := w.last("checkout.session")
	w.identify(session, "")
	if _, err := w.bank.Press(session, cards.Pay); err != nil {
		w.t.Fatal(err)
	}
	w.identify(session, w.last("charge"))
	w.settle()
	return w.last("payment_intent")
}

// moves has a reader's balance become that.
func (w *watchedShop) moves(key, balance string) {
	w.t.Helper()
	if !waitFor(20*time.Second, func() bool { return w.balance(key) == balance }) {
		w.t.Fatalf("the wallet has %s instead of %s", w.balance(key), balance)
	}
}

// transfer is an entry of the statement that names its payer wherever banks do.
func transfer(amount paywall.Money, debit bool, bankReference, reference string) statements.Entry {
	e := statements.Transferred(bankReference, amount, time.Now().UTC(), reference)
	e.Debit, e.Info = debit, "Transfer from "+payers[0]
	e.Transfers[0].Payer, e.Transfers[0].PayerIBAN, e.Transfers[0].EndToEnd = payers[0], payers[5], payers[8]
	e.Transfers[0].Text = []string{payers[7], payers[2]}
	return e
}

// imports has the command read a statement with these entries.
func (w *watchedShop) imports(entries ...statements.Entry) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "statement.xml")
	content := statements.Statement{IBAN: demoIBAN, Currency: "EUR", Made: time.Now(), Entries: entries}.XML()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if out, err := w.run("paywall", "bank", "import", file); !strings.Contains(out, entries[0].Reference) {
		w.t.Fatalf("imported: %s, %v", out, err)
	}
}

// cashOut takes back what a reader has not spent.
func (w *watchedShop) cashOut(key string) {
	w.t.Helper()
	if status, err := w.call(http.MethodPost, "/.paywall/wallet/cash-out", key, struct{}{}, nil); err != nil || status != http.StatusOK {
		w.t.Fatal(status, err)
	}
}

// walletKey is what the browser keeps of its wallet.
func (b *browser) walletKey() string {
	b.t.Helper()
	res, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.url}})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range res.Cookies {
		if c.Name == "paywall_wallet" {
			return c.Value
		}
	}
	b.t.Fatal("the browser has no wallet")
	return ""
}

// readers is what the readers of a test have that nobody else may learn.
type readers struct {
	wallets, intents, codes []string
	warned                  string // a payment that the log names, beside no wallet: whoever keeps the shop looks at it
}

// TestNobodyLearnsWhatIsReadAndByWhom: a payment service learns no wallet, path or title,
// and neither data folder, backup, log nor the commands say who paid, or lead from a
// payment to a wallet. It is row K08 for vouchers.
func TestNobodyLearnsWhatIsReadAndByWhom(t *testing.T) {
	w := startWatched(t)
	var all readers
	w.bank.Move("topup", 10_000, "eur") // to refund from
	all.byCardFromAnArticle(w)
	all.byTransfer(w)
	all.takenBack(w)
	all.byVoucher(w)
	w.wantSound()
	if out, err := w.run("paywall", "reconcile"); err != nil {
		t.Errorf("reconciled: %s, %v", out, err)
	}
	w.bankLearnsNothing(&all)
	w.houseLearnsNothing(&all)
}

// byCardFromAnArticle is a reader in Chromium who buys with the welcome, tops up, buys and
// takes the rest back.
func (all *readers) byCardFromAnArticle(w *watchedShop) {
	w.t.Helper()
	b := newBrowser(w.t, w.url, true)
	for _, article := range demoArticles[:3] {
		b.open("/")
		b.read(`a[href="`+article+`"]`, article)
	}
	b.open(demoArticles[3])
	b.click(addButton)
	session := w.last("checkout.session")
	w.identify(session, "")
	b.click(bankButton)
	w.identify(session, w.last("charge"))
	if b.path() != demoArticles[3] {
		b.click(goOnButton)
	}
	b.wantOn(demoArticles[3])
	key := b.walletKey()
	w.settle()
	w.moves(key, "4.80")
	var wallet openedWallet
	if status, err := w.call(http.MethodGet, "/.paywall/wallet", key, nil, &wallet); err != nil || status != http.StatusOK {
		w.t.Fatal(status, err)
	}
	all.wallets = append(all.wallets, wallet.ID, key)
	w.cashOut(key)
	if !waitFor(20*time.Second, func() bool { return len(w.bank.IDs("refund")) == 1 }) {
		w.t.Fatal("nothing was sent back")
	}
	w.settle()
	w.moves(key, "0.00")
}

// byTransfer is a reader whose money comes in a statement, and goes back in another.
func (all *readers) byTransfer(w *watchedShop) {
	w.t.Helper()
	wallet := w.openWallet()
	all.wallets = append(all.wallets, wallet.ID, wallet.Key)
	var asked struct{ Intent, Reference string }
	if status, err := w.call(http.MethodPost, "/.paywall/topup/bank", wallet.Key, map[string]string{"amount": "5.00"}, &asked); err != nil || status != http.StatusOK {
		w.t.Fatal(status, err)
	}
	all.intents = append(all.intents, asked.Intent, asked.Reference)
	five := paywall.Money{Micros: 5_000_000, Currency: "EUR"}
	w.imports(transfer(five, false, "QUASTE-IN-1", asked.Reference), transfer(five, false, "QUASTE-RENT", "RENT FOR MAY"))
	w.moves(wallet.Key, "5.60")
	for _, article := range demoArticles[:5] { // 0.60 of them the welcome
		if _, err := w.buy(wallet.Key, article); err != nil {
			w.t.Fatal(err)
		}
	}
	w.cashOut(wallet.Key)
	rest := paywall.Money{Micros: 4_600_000, Currency: "EUR"}
	w.imports(transfer(rest, true, "QUASTE-OUT-1", asked.Reference))
	w.moves(wallet.Key, "0.00")
	if out := w.mustRun("paywall", "bank", "cashouts"); strings.Contains(out, asked.Reference) {
		w.t.Errorf("a cash-out that a statement has waits on:\n%s", out)
	}
}

// takenBack is readers whose payments the provider gives back, disputes and calls a fraud.
func (all *readers) takenBack(w *watchedShop) {
	w.t.Helper()
	for _, undo := range []func(payment string) (id string, err error){
		func(payment string) (string, error) { return w.bank.Refund(payment, 200) },
		func(payment string) (string, error) { return w.bank.Dispute(payment, 500, "needs_response") },
		func(payment string) (string, error) {
			all.warned = payment
			return w.bank.Warn(payment)
		},
	} {
		wallet := w.openWallet()
		all.wallets = append(all.wallets, wallet.ID, wallet.Key)
		payment := w.payByCard(wallet.Key)
		w.moves(wallet.Key, "5.60")
		id, err := undo(payment)
		if err != nil {
			w.t.Fatal(err)
		}
		w.settle()
		if !waitFor(20*time.Second, func() bool { return w.balance(wallet.Key) < "5.00" }) {
			w.t.Fatalf("%s took nothing back", id)
		}
	}
}

// byVoucher is a code that was redeemed and one that was not.
func (all *readers) byVoucher(w *watchedShop) {
	w.t.Helper()
	wallet := w.openWallet()
	used, kept := w.voucher("5.00"), w.voucher("5.00")
	if status, err := w.call(http.MethodPost, "/.paywall/topup/voucher", wallet.Key, map[string]string{"code": used}, nil); err != nil || status != http.StatusOK {
		w.t.Fatal(status, err)
	}
	all.wallets = append(all.wallets, wallet.ID, wallet.Key)
	for _, code := range []string{used, kept} {
		all.codes = append(all.codes, code, strings.ReplaceAll(code, "-", ""))
	}
}

// bankLearnsNothing searches all that the pretend bank was sent.
func (w *watchedShop) bankLearnsNothing(all *readers) {
	w.t.Helper()
	w.mu.Lock()
	sent := w.sent.Bytes()
	w.mu.Unlock()
	for _, known := range []string{"POST /v1/checkout/sessions", "Reading+credit", "POST /v1/refunds", "/pay/cs_test_"} {
		if !bytes.Contains(sent, []byte(known)) {
			w.t.Errorf("not everything was kept that the bank was sent: no %q", known)
		}
	}
	secrets := append([]string{"/articles", "paywall_", "Penny Post", "The note that is not there"}, all.wallets...)
	for _, article := range demoArticles {
		secrets = append(secrets, strings.TrimPrefix(article, "/articles/"))
	}
	for _, secret := range append(secrets, all.codes...) {
		if at := bytes.Index(sent, []byte(secret)); at >= 0 {
			w.t.Errorf("the bank was sent %q: …%s…", secret, sent[max(0, at-100):min(len(sent), at+100)])
		}
	}
}

// houseLearnsNothing searches all that the server keeps and says.
func (w *watchedShop) houseLearnsNothing(all *readers) {
	w.t.Helper()
	secrets := append(append([]string{"QUASTE-IN-1", "QUASTE-OUT-1"}, payers...), all.codes...)
	for _, kind := range []string{"checkout.session", "payment_intent", "charge", "refund", "dispute"} {
		secrets = append(secrets, w.bank.IDs(kind)...)
	}
	for _, session := range w.bank.IDs("checkout.session") {
		if err := w.bank.Edit(session, func(o map[string]any) { secrets = append(secrets, o["client_reference_id"].(string)) }); err != nil {
			w.t.Fatal(err)
		}
	}
	places := w.places()
	for place, content := range places {
		for _, secret := range append(secrets, all.intents...) {
			if at := bytes.Index(content, []byte(secret)); at >= 0 && (secret != all.warned || place != "the log") {
				w.t.Errorf("%q stands in %s: …%q…", secret, place, content[max(0, at-200):min(len(content), at+100)])
			}
		}
	}
	for place, known := range map[string]string{"the log": `"uri":"/articles/bells"`, "the export": "/articles/bells", "backup.tar: journal/00000001.jsonl": "/articles/bells", "badger": "stripe"} {
		if !bytes.Contains(places[place], []byte(known)) {
			w.t.Errorf("%s was not read: it has no %q", place, known)
		}
	}
}

// places are all that the server keeps and says, by name, as plain as it gets. The server
// is stopped.
func (w *watchedShop) places() map[string][]byte {
	w.t.Helper()
	backup := filepath.Join(w.t.TempDir(), "backup.tar")
	w.mustRun("paywall", "backup", backup, "--with-keys", filepath.Join(w.home, "caddy", "paywall"))
	places := map[string][]byte{
		"the export": []byte(w.mustRun("paywall", "export")),
		"the stats":  []byte(w.mustRun("paywall", "stats")),
	}
	w.kill()
	places["the log"] = []byte(w.log.String())
	tarball, err := os.ReadFile(backup)
	if err != nil {
		w.t.Fatal(err)
	}
	for in := tar.NewReader(bytes.NewReader(tarball)); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			w.t.Fatal(err)
		}
		places["backup.tar: "+header.Name] = plain(w.t, content)
	}
	if err := filepath.WalkDir(w.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		places[path] = plain(w.t, content)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	places["badger"] = w.states()
	return places
}

// plain is a file's content, decompressed if Zstandard did compress it.
func plain(t *testing.T, content []byte) []byte {
	t.Helper()
	if !bytes.HasPrefix(content, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return content
	}
	decoder, err := zstd.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	read, err := io.ReadAll(decoder)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// states is what Badger has, whose files are compressed block by block: all keys and
// values, those that were replaced too.
func (w *watchedShop) states() []byte {
	w.t.Helper()
	db, err := badger.Open(badger.DefaultOptions(filepath.Join(w.home, "caddy", "paywall", "badger")).WithLogger(nil))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var all bytes.Buffer
	if err := db.View(func(txn *badger.Txn) error {
		options := badger.DefaultIteratorOptions
		options.AllVersions = true
		it := txn.NewIterator(options)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			all.Write(it.Item().Key())
			if err := it.Item().Value(func(v []byte) error { all.Write(v); return nil }); err != nil {
				return err
			}
			all.WriteByte('\n')
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return all.Bytes()
}
