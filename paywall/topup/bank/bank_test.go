package bank_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
)

const account = "DE89370400440532013000"

// newWay is the account of a publisher in Germany.
func newWay(t testing.TB) *bank.Way {
	t.Helper()
	w, err := bank.New(bank.Config{Name: "Example Press GmbH", IBAN: "DE89 3704 0044 0532 0130 00", Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func euros(t testing.TB, s string) paywall.Money { return money(t, s, "EUR") }

func money(t testing.TB, s string, c paywall.Currency) paywall.Money {
	t.Helper()
	m, err := paywall.ParseMoney(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newIntent() string { return rand.Text()[:16] }

func reference(t testing.TB, intent string) string {
	t.Helper()
	r, err := bank.Reference(intent)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSameIntentIsToldTheSameTransfer: the page can be shown as often as a reader wants.
func TestSameIntentIsToldTheSameTransfer(t *testing.T) {
	w := newWay(t)
	in := topup.Begin{ID: newIntent(), Amount: euros(t, "5"), Expires: time.Now().Add(w.Life())}
	first, err := w.Begin(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := newWay(t).Begin(t.Context(), in)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Fatalf("asked again: %+v, %v; first %+v", again, err, first)
	}
	want := "BCD\n002\n1\nSCT\n\nExample Press GmbH\n" + account + "\nEUR5.00\n\n" + reference(t, in.ID)
	if first.Transfer.Code != want {
		t.Errorf("code %q, want %q", first.Transfer.Code, want)
	}
	if first.Transfer.Reference != first.Object || first.Transfer.IBAN != account || first.Transfer.Name != "Example Press GmbH" ||
		first.Transfer.Amount != in.Amount || !first.ExpiresAt.Equal(in.Expires) || first.URL != "" {
		t.Errorf("transfer %+v of %+v", first.Transfer, first)
	}
}

// TestBankCodeIsForEurosInSEPAOnly: banking apps would read something else as a mistake.
func TestBankCodeIsForEurosInSEPAOnly(t *testing.T) {
	for _, c := range []struct {
		config bank.Config
		amount string
		coded  bool
	}{
		{bank.Config{Name: "A", IBAN: account, Currency: "EUR"}, "5", true},
		{bank.Config{Name: "A", IBAN: "CH9300762011623852957", BIC: "UBSWCHZH80A", Currency: "EUR"}, "5", true},
		{bank.Config{Name: "A", IBAN: "CH9300762011623852957", Currency: "CHF"}, "5", false},
		{bank.Config{Name: "A", IBAN: "PL61109010140000071219812874", Currency: "PLN"}, "20", false},
		{bank.Config{Name: "A", IBAN: "AE070331234567890123456", Currency: "EUR"}, "5", false},
	} {
		w, err := bank.New(c.config)
		if err != nil {
			t.Errorf("%+v: %v", c.config, err)
			continue
		}
		next, err := w.Begin(t.Context(), topup.Begin{ID: newIntent(), Amount: money(t, c.amount, c.config.Currency)})
		if err != nil || next.Transfer == nil || next.Transfer.Code != "" != c.coded {
			t.Errorf("%+v: %+v, %v", c.config, next.Transfer, err)
			continue
		}
		if c.coded && strings.Split(next.Transfer.Code, "\n")[4] != c.config.BIC {
			t.Errorf("%+v: the code has no BIC: %q", c.config, next.Transfer.Code)
		}
	}
}

// TestTransferThatNoBankMakesIsRefused before a reader sees it.
func TestTransferThatNoBankMakesIsRefused(t *testing.T) {
	for name, in := range map[string]topup.Begin{
		"other currency": {ID: newIntent(), Amount: money(t, "5", "USD")},
		"nothing":        {ID: newIntent(), Amount: euros(t, "0")},
		"below zero":     {ID: newIntent(), Amount: euros(t, "-5")},
		"half a cent":    {ID: newIntent(), Amount: euros(t, "5.005")},
		"foreign id":     {ID: "cs_test_1234567890", Amount: euros(t, "5")},
		"no id":          {Amount: euros(t, "5")},
	} {
		if next, err := newWay(t).Begin(t.Context(), in); !errors.Is(err, topup.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, next, err)
		}
	}
}

// TestBankIsNeverAsked: what is known comes from statements, money back from a person.
func TestBankIsNeverAsked(t *testing.T) {
	w := newWay(t)
	if w.Name() != paywall.AccountBank || len(w.Origins()) != 0 {
		t.Errorf("name %q, origins %q", w.Name(), w.Origins())
	}
	for _, state := range []paywall.IntentState{paywall.IntentOpen, paywall.IntentOffered, paywall.IntentExpired, paywall.IntentPaid} {
		found, err := w.Look(t.Context(), paywall.Intent{ID: newIntent(), State: state})
		if err != nil || found.State != state || len(found.Movements) != 0 || found.URL != "" {
			t.Errorf("look at an intent that is %s: %+v, %v", state, found, err)
		}
	}
	for _, err := range w.Movements(t.Context(), time.Time{}) {
		if !errors.Is(err, topup.ErrManual) {
			t.Errorf("movements: %v", err)
		}
	}
	if _, err := w.Return(t.Context(), paywall.CashOutPart{}); !errors.Is(err, topup.ErrManual) {
		t.Errorf("return: %v", err)
	}
	answer := httptest.NewRecorder()
	named, err := w.Hook(answer, httptest.NewRequest("POST", "/", strings.NewReader("{}")))
	if paywall.ErrorCode(err) != paywall.CodeNotFound || answer.Code != http.StatusNotFound || !reflect.DeepEqual(named, topup.Named{}) {
		t.Errorf("hook: %d, %+v, %v", answer.Code, named, err)
	}
}

// TestConfigurationErrorsSayWhatToWrite for each mistake that people make.
func TestConfigurationErrorsSayWhatToWrite(t *testing.T) {
	for _, c := range []struct {
		config bank.Config
		want   string
	}{
		{bank.Config{IBAN: account, Currency: "EUR"}, "name is missing; write it as it is registered"},
		{bank.Config{Name: "Müller & Söhne KG", IBAN: account, Currency: "EUR"}, `write "Mueller + Soehne KG"`},
		{bank.Config{Name: "Café Crème", IBAN: account, Currency: "EUR"}, `write "Cafe Creme"`},
		{bank.Config{Name: "Газета", IBAN: account, Currency: "EUR"}, "letters A-Z, digits, spaces and / - ? : ( ) . , ' + only"},
		{bank.Config{Name: strings.Repeat("x", 71), IBAN: account, Currency: "EUR"}, "71 characters, and banks take 70"},
		{bank.Config{Name: "/Press/", IBAN: account, Currency: "EUR"}, "slash"},
		{bank.Config{Name: "A\xff", IBAN: account, Currency: "EUR"}, "save the configuration as UTF-8"},
		{bank.Config{Name: "A", Currency: "EUR"}, "IBAN is missing; write it as the bank shows it"},
		{bank.Config{Name: "A", IBAN: "021000021", Currency: "USD"}, "is no IBAN"},
		{bank.Config{Name: "A", IBAN: "DE8937040044053201300", Currency: "EUR"}, "has 21 characters, and those of DE have 22"},
		{bank.Config{Name: "A", IBAN: "DE89370400440532013001", Currency: "EUR"}, "check digits"},
		{bank.Config{Name: "A", IBAN: "DE98370400440532013000", Currency: "EUR"}, "check digits"},
		{bank.Config{Name: "A", IBAN: account, BIC: "COBADE", Currency: "EUR"}, "leave it out if you do not know it"},
		{bank.Config{Name: "A", IBAN: "CH9300762011623852957", Currency: "EUR"}, "an account in CH needs the bank's BIC"},
		{bank.Config{Name: "A", IBAN: account}, "write an ISO 4217 code such as EUR"},
	} {
		if _, err := bank.New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c.config, err, c.want)
		}
	}
}

// TestIBANsOfTheRegistryAreTaken in any case, with spaces.
func TestIBANsOfTheRegistryAreTaken(t *testing.T) {
	for _, iban := range []string{
		"AT61 1904 3002 3457 3201", "BE68 5390 0754 7034", "CH93 0076 2011 6238 5295 7", "de89 3704 0044 0532 0130 00", "ES91 2100 0418 4502 0005 1332",
		"FI21 1234 5600 0007 85", "FR14 2004 1010 0505 0001 3M02 606", "GB29 NWBK 6016 1331 9268 19", "IE29 AIBK 9311 5212 3456 78", "IT60 X054 2811 1010 0000 0123 456",
		"MT84 MALT 0110 0001 2345 MTLC AST0 01S", "NL91 ABNA 0417 1643 00", "NO93 8601 1117 947", "PL61 1090 1014 0000 0712 1981 2874", "SE45 5000 0000 0583 9825 7466",
	} {
		if got, err := bank.ParseIBAN(iban); err != nil || got != strings.ToUpper(strings.ReplaceAll(iban, " ", "")) {
			t.Errorf("%s: %q, %v", iban, got, err)
		}
	}
}
