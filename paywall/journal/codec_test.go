package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

const eur paywall.Currency = "EUR"

var day = time.Date(2026, 11, 22, 18, 3, 15, 120e6, time.UTC)

func leg(account string, micros int64) paywall.Leg {
	return paywall.Leg{Account: account, Micros: micros}
}

func hash(s string) paywall.Hash { return sha256.Sum256([]byte(s)) }

// samples is one record of each kind and shape.
func samples() []Record {
	const wallet, site = "AAAAAAAAAAAAAAAAAAAAAA", "https://news.example"
	of := func(kind paywall.Kind, r Record, legs ...paywall.Leg) Record {
		r.Kind, r.Time, r.Legs = kind, day, legs
		return r
	}
	sale := []paywall.Leg{leg("wallet/"+wallet, -200_000), leg("creator/alice", 66_667), leg("site/"+site, 133_333)}
	return []Record{
		of(paywall.KindGenesis, Record{Currency: eur, Ledger: "ledger"}),
		of(paywall.KindOpen, Record{Wallet: wallet, Key: hash("k"), Code: hash("c")}),
		of(paywall.KindOpen, Record{Wallet: wallet, Key: hash("k"), Code: hash("c")}, leg("wallet/"+wallet, 600_000), leg("promo", -600_000)),
		of(paywall.KindOpen, Record{Wallet: wallet, Key: hash("k"), Code: hash("c"), Site: site}, leg("wallet/"+wallet, 600_000), leg("promo", -600_000)),
		of(paywall.KindKey, Record{Wallet: wallet, Key: hash("k2"), Code: hash("c2")}),
		of(paywall.KindPasskey, Record{Wallet: wallet, Passkey: "AP8", Data: `{"publicKey":"ü"}`}),
		of(paywall.KindPasskey, Record{Wallet: wallet, Passkey: "AP8"}),
		of(paywall.KindDrop, Record{Wallet: wallet, Key: hash("k2")}),
		of(paywall.KindDrop, Record{Wallet: wallet, Key: hash("k2"), Code: hash("c2")}),
		of(paywall.KindVoucher, Record{Vouchers: []paywall.Voucher{
			{Code: hash("1"), Amount: paywall.Money{Micros: 5e6, Currency: eur}},
			{Code: hash("2"), Amount: paywall.Money{Micros: 1, Currency: eur}, Campaign: "a \"b\" ü"},
			{Code: hash("3"), Amount: paywall.Money{Micros: 1 << 62, Currency: eur}, ExpiresAt: day},
			{Code: hash("4"), Amount: paywall.Money{Micros: 10, Currency: eur}, ExpiresAt: day, Campaign: "x"},
		}}),
		of(paywall.KindRedeem, Record{Wallet: wallet, Voucher: hash("1")}, leg("wallet/"+wallet, 5e6), leg("voucher", -5e6)),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u", Offer: "u", Site: site, Resource: "/a b", URL: "/a%20b", Title: "A & B",
			Access: 30 * 24 * time.Hour, Refund: 30 * time.Minute, Price: 200_000,
		}, sale...),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u2", Offer: "u", Site: site, Resource: "/", URL: "", Title: "\\ \" \x01 \u2028 é 😀",
			Access: 1500 * time.Microsecond, Price: 1,
		}, leg("wallet/"+wallet, -1), leg("creator/alice", 1)),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u3", Offer: "u3", Site: site, Resource: "/c", URL: "/c", Price: 500_000, Cap: 6e6,
		}, sale...),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u4", Offer: "u4", Site: site, Resource: "/d", URL: "/d", Price: 500_000, Cap: 6e6, Auto: true,
		}),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u6", Offer: "u6", Site: site, Resource: "/e", URL: "/e", Price: 500_000, Cap: 6e6, Auto: true,
			Free: 150_000, Shares: []paywall.Share{{Creator: "alice", PPM: 333_333}, {Creator: "bob", PPM: 500_000}},
		}, sale...),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u7", Offer: "u7", Site: site, Resource: "/f", URL: "/f", Price: 200_000, Free: 1,
		}, sale...),
		of(paywall.KindRefund, Record{Wallet: wallet, Unlock: "u", Site: site, Resource: "/a b", Free: 150_000, Limit: 5}, sale...),
		of(paywall.KindTip, Record{
			Wallet: wallet, Tip: "t2", Site: site, Free: 200_000, Shares: []paywall.Share{{Creator: "alice", PPM: 1_000_000}},
		}, sale...),
		of(paywall.KindRefund, Record{Wallet: wallet, Unlock: "u", Site: site, Resource: "/a b"}, sale...),
		of(paywall.KindRefund, Record{Wallet: wallet, Unlock: "u", Site: site, Resource: "/a b", Limit: 5}, sale...),
		of(paywall.KindTip, Record{Wallet: wallet, Tip: "a/b", Site: site, Resource: "/a b"}, sale...),
		of(paywall.KindTip, Record{Wallet: wallet, Tip: "t", Site: site}, leg("wallet/"+wallet, -1), leg("creator/alice", 1)),
		of(paywall.KindGift, Record{Wallet: wallet, Gift: hash("g"), Unlock: "u", Readers: 3, Limit: 5}),
		of(paywall.KindGift, Record{Wallet: wallet, Gift: hash("g2"), Unlock: "u", Readers: 1}),
		of(paywall.KindUnlock, Record{
			Wallet: wallet, Unlock: "u5", Offer: "u5", Site: site, Resource: "/a b", URL: "/a%20b", Gift: hash("g"), Access: time.Hour,
		}),
		of(paywall.KindSetting, Record{Wallet: wallet, Setting: &Setting{Budget: 2e6, Today: 10_000, Article: 300_000, Week: 3e6, Used: 1, Forget: true}}),
		of(paywall.KindSetting, Record{Wallet: wallet, Setting: &Setting{}}),
		of(paywall.KindErase, Record{Wallet: wallet}),
		of(paywall.KindRedeem, Record{Wallet: wallet, Voucher: hash("1")}, leg("wallet/"+wallet, 3e6), leg("voucher", -5e6), leg("receivable", 2e6)),
		of(paywall.KindRedeem, Record{Wallet: wallet, Voucher: hash("1")}, leg("voucher", -5e6), leg("receivable", 5e6)),
		of(paywall.KindIntent, Record{Wallet: wallet, Funding: &Funding{Intent: "2026.a", State: "open", Way: "stripe", Amount: 5e6, Until: day}}),
		of(paywall.KindIntent, Record{Wallet: wallet, Funding: &Funding{Intent: "2026.a", State: "offered", Object: "2026.b"}}),
		of(paywall.KindIntent, Record{Funding: &Funding{Intent: "2026.a", State: "expired"}}),
		of(paywall.KindTopUp, Record{Wallet: wallet, Funding: &Funding{Way: "stripe", ID: "2026.c", Payment: "2026.c", Intent: "2026.a"}}, leg("stripe", -5e6), leg("wallet/"+wallet, 5e6)),
		of(paywall.KindTopUp, Record{Wallet: wallet, Funding: &Funding{Way: "stripe", ID: "2026.t", Payment: "2026.c", Intent: "2026.a"}}, leg("stripe", -5e6), leg("receivable", 5e6)),
		of(paywall.KindFee, Record{Funding: &Funding{Way: "stripe", ID: "2026.d", Payment: "2026.c"}}, leg("fees", -325_000), leg("stripe", 325_000)),
		of(paywall.KindFee, Record{Funding: &Funding{Way: "stripe", ID: "txn_1"}}, leg("fees", -325_000), leg("stripe", 325_000)),
		of(paywall.KindReversal, Record{Wallet: wallet, Free: 1, Funding: &Funding{Way: "stripe", ID: "2026.e", Payment: "2026.c"}}, leg("stripe", 5e6), leg("wallet/"+wallet, -1e6), leg("receivable", -4e6)),
		of(paywall.KindReversal, Record{Funding: &Funding{Way: "stripe", ID: "2026.e", Payment: "2026.c"}}, leg("stripe", 5e6), leg("receivable", -5e6)),
		of(paywall.KindReversalFailed, Record{Wallet: wallet, Free: 1, Funding: &Funding{Way: "stripe", ID: "2026.e", Payment: "2026.c"}}, leg("stripe", -5e6), leg("wallet/"+wallet, 1e6), leg("receivable", 4e6)),
		of(paywall.KindDispute, Record{Wallet: wallet, Funding: &Funding{Way: "stripe", ID: "2026.f", Payment: "2026.c"}}, leg("stripe", 20e6), leg("fees", -15e6), leg("wallet/"+wallet, -1e6), leg("receivable", -4e6)),
		of(paywall.KindDisputeWon, Record{Wallet: wallet, Funding: &Funding{Way: "stripe", ID: "2026.f", Payment: "2026.c"}}, leg("stripe", -5e6), leg("wallet/"+wallet, 1e6), leg("receivable", 4e6)),
		of(paywall.KindDisputeLost, Record{Wallet: wallet, Funding: &Funding{Way: "stripe", ID: "2026.f", Payment: "2026.c"}}, leg("receivable", 4e6), leg("losses", -4e6)),
		of(paywall.KindDisputeLost, Record{Funding: &Funding{Way: "stripe", ID: "2026.f", Payment: "2026.c"}}),
		of(paywall.KindSettlement, Record{Funding: &Funding{Way: "stripe", ID: "po_1"}}, leg("stripe", 5e6), leg("bank", -5e6)),
		of(paywall.KindSettlementFailed, Record{Funding: &Funding{Way: "stripe", ID: "po_1"}}, leg("stripe", -5e6), leg("bank", 5e6)),
		of(paywall.KindUnclaimed, Record{Funding: &Funding{Way: "bank", ID: "2026.g", Payment: "2026.g"}}, leg("bank", -5e6), leg("unclaimed", 5e6)),
		of(paywall.KindUnclaimed, Record{Funding: &Funding{Way: "bank", ID: "2026.g", Payment: "2026.h", Intent: "2026.a"}}, leg("bank", -5e6), leg("unclaimed", 5e6)),
		of(paywall.KindAssign, Record{Wallet: wallet, Funding: &Funding{Way: "bank", ID: "2026.g", Intent: "2026.a"}}, leg("unclaimed", -5e6), leg("wallet/"+wallet, 5e6)),
		of(paywall.KindSendBack, Record{Funding: &Funding{Way: "bank", ID: "2026.g"}}, leg("unclaimed", -5e6), leg("bank", 5e6)),
		of(paywall.KindSuspense, Record{Funding: &Funding{Way: "stripe", ID: "a/b"}}, leg("stripe", 1), leg("suspense", -1)),
		of(paywall.KindCashOut, Record{Wallet: wallet, Funding: &Funding{CashOut: "c-0", State: "planned", Way: "stripe", Payment: "2026.c", Closes: true}}, leg("wallet/"+wallet, -1e6), leg("transit", 1e6)),
		of(paywall.KindCashOut, Record{Wallet: wallet, Funding: &Funding{CashOut: "c-0", State: "sent"}}),
		of(paywall.KindCashOut, Record{Wallet: wallet, Funding: &Funding{CashOut: "c-0", State: "done", ID: "2026.i"}}, leg("transit", -1e6), leg("stripe", 1e6)),
		of(paywall.KindCashOut, Record{Wallet: wallet, Funding: &Funding{CashOut: "c-0", State: "failed", ID: "2026.i"}}, leg("stripe", -1e6), leg("wallet/"+wallet, 1e6)),
		of(paywall.KindCashOut, Record{Funding: &Funding{CashOut: "c-0", State: "canceled"}}, leg("transit", -1e6), leg("unclaimed", 1e6)),
		of(paywall.KindRevoke, Record{Funding: &Funding{Batch: 6}}),
	}
}

func encode(r *Record, prev Hash) []byte {
	line, _ := Append(nil, r, eur, prev)
	return line
}

func TestEveryKindOfRecordIsReadAsItWasWritten(t *testing.T) {
	for i, want := range samples() {
		want.Seq = uint64(i + 1)
		line := encode(&want, sum([]byte{1}))
		got, err := Decode(line, eur)
		if err != nil {
			t.Errorf("%s: %v\n%s", want.Kind, err, line)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v\n%s", want.Kind, got, want, line)
		}
	}
}

// TestLinesAreJSONThatOthersCanCheck reads lines with nothing of this package.
func TestLinesAreJSONThatOthersCanCheck(t *testing.T) {
	prev := sum(nil)
	for i, r := range samples() {
		r.Seq = uint64(i + 1)
		line := encode(&r, prev)
		var l struct {
			Seq                     uint64
			Time                    time.Time
			Kind, Cause, Prev, Hash string
			Legs                    [][2]string
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		covered, _, _ := bytes.Cut(line, []byte(`,"hash":"`))
		digest := sha256.Sum256(covered)
		if l.Hash != base64.RawURLEncoding.EncodeToString(digest[:18]) || l.Prev != prev.String() {
			t.Errorf("the chain cannot be checked: %s", line)
		}
		if l.Seq != r.Seq || !l.Time.Equal(r.Time) || l.Kind != string(r.Kind) || l.Cause != r.Cause || len(l.Legs) != len(r.Legs) {
			t.Errorf("the line is %s", line)
		}
		if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
			t.Errorf("a record is not one line: %q", line)
		}
		_, prev, _ = Hashes(line)
	}
}

func TestAmountsAreWrittenAsMoneyWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := paywall.Money{
			Micros:   rapid.Int64().Draw(t, "micros"),
			Currency: rapid.SampledFrom([]paywall.Currency{"EUR", "JPY", "KWD", "CLF"}).Draw(t, "currency"),
		}
		if got := string(appendAmount(nil, m.Micros, m.Currency.Decimals())); got != m.String() {
			t.Fatalf("%d is %q, money says %q", m.Micros, got, m)
		}
	})
}

func TestStringsAreReadByOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		token := appendString(nil, s)
		var got string
		if err := json.Unmarshal(token, &got); err != nil || got != strings.ToValidUTF8(s, "\uFFFD") && len(s) > 0 && !strings.Contains(got, "\uFFFD") {
			t.Fatalf("%q was written %s, read %q, %v", s, token, got, err)
		}
		p := parser{rest: token}
		if own := p.text(); own != got || p.err != nil {
			t.Fatalf("%s is %q to others, %q to us (%v)", token, got, own, p.err)
		}
	})
}

// FuzzDecode reads a line that anybody may have made, with a right hash.
func FuzzDecode(f *testing.F) {
	for i, r := range samples() {
		r.Seq = uint64(i + 1)
		f.Add(encode(&r, Hash{}))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		_, _ = Decode(line, eur)
		if len(line) > tailBytes+2 { // repair what a fuzzer cannot guess
			body := line[:len(line)-tailBytes]
			line = append(bytes.Clone(body), prevKey...)
			line = base64.RawURLEncoding.AppendEncode(line, make([]byte, len(Hash{})))
			own := sum(append(bytes.Clone(line), '"'))
			line = base64.RawURLEncoding.AppendEncode(append(line, hashKey...), own[:])
			line = append(line, lineEnd...)
		}
		r, err := Decode(line, eur)
		if err != nil {
			return
		}
		again, err := Decode(encode(&r, Hash{}), eur)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%s\nwas read as   %+v\nand again as %+v, %v", line, r, again, err)
		}
	})
}
