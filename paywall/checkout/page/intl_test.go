package page

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// locale is what Intl is asked for: the digits of "ar" are 0 to 9 in newer
// releases of CLDR and Arabic ones in older (measured: 48 and 42); dates in
// English are the world's, not the United States'.
type locale struct {
	Locale string `json:"locale"`
	Dates  string `json:"dates"`
}

func localeOf(tag string) locale {
	switch tag {
	case "ar":
		return locale{"ar-u-nu-latn", "ar-u-nu-latn"}
	case "en":
		return locale{"en", "en-001"}
	}
	return locale{tag, tag}
}

type intlQuestion struct {
	Languages  map[string]locale        `json:"languages"`
	Currencies map[paywall.Currency]int `json:"currencies,omitempty"`
	Amounts    []string                 `json:"amounts,omitempty"`
	Counts     []int                    `json:"counts,omitempty"`
	Days       []string                 `json:"days,omitempty"`
}

type intlAnswer struct {
	CLDR      string `json:"cldr"`
	Languages map[string]struct {
		Supported  bool                          `json:"supported"`
		Name       string                        `json:"name"`
		Money      map[paywall.Currency][]string `json:"money"`
		Integers   []string                      `json:"integers"`
		Plurals    []string                      `json:"plurals"`
		Categories []string                      `json:"categories"`
		Dates      []string                      `json:"dates"`
	} `json:"languages"`
}

// allCurrencies asks the parser for every code that three letters can make.
func allCurrencies() map[paywall.Currency]int {
	all := map[paywall.Currency]int{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				if currency, err := paywall.ParseCurrency(string([]rune{a, b, c})); err == nil {
					all[currency] = currency.Decimals()
				}
			}
		}
	}
	return all
}

// intl asks Node, whose Intl is made of CLDR by others than us.
func intl(t *testing.T, q intlQuestion) intlAnswer {
	t.Helper()
	notShort(t, "node")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test compares with Node's Intl and needs node; on Debian: apt-get install nodejs")
	}
	q.Languages = map[string]locale{}
	for _, tag := range Languages {
		q.Languages[tag] = localeOf(tag)
	}
	question, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "testdata/intl.js")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(question), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var a intlAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	for tag, l := range a.Languages {
		if !l.Supported {
			t.Fatalf("this node knows no %q: it was built with a part of ICU; install one with all of it, as Debian's is", tag)
		}
	}
	return a
}

// newSymbols came into CLDR after release 42, the one in Debian 12. A Node with
// older data shows their codes.
var newSymbols = []paywall.Currency{"XCG", "ZWG"}

func TestAmountsAreWrittenAsIntlWritesThem(t *testing.T) {
	q := intlQuestion{
		Currencies: allCurrencies(),
		Amounts: []string{
			"0", "0.05", "0.20", "1", "12", "999", "1234.5", "12345.67", "1234567.891234", "-0.20", "-1234.5", "-12345.67",
			"0.001", "0.066667", "-0.000001", "1000.001", // below the minor unit: all digits
		},
	}
	if len(q.Currencies) < 150 {
		t.Fatalf("%d currencies only", len(q.Currencies))
	}
	a := intl(t, q)
	release, _ := strconv.ParseFloat(a.CLDR, 64)
	for tag, l := range a.Languages {
		c := catalogueOf(t, tag)
		for currency, wants := range l.Money {
			for i, want := range wants {
				m, err := paywall.ParseMoney(q.Amounts[i], currency)
				if err != nil {
					t.Fatal(err)
				}
				got := c.Money(m)
				if release < 48 && slices.Contains(newSymbols, currency) && c.symbols[currency] != "" && !strings.Contains(want, c.symbols[currency]) {
					got = strings.ReplaceAll(got, c.symbols[currency], string(currency))
				}
				if got != want {
					t.Errorf("%s: %s %s is %+q, Intl (CLDR %s) says %+q", tag, q.Amounts[i], currency, got, a.CLDR, want)
				}
			}
		}
	}
}

func TestNumbersDatesAndNamesAreThoseOfIntl(t *testing.T) {
	q := intlQuestion{Counts: []int{0, 1, 12, 999, 1000, 1240, 9999, 10000, 123456, 1234567}}
	for month := range 12 {
		q.Days = append(q.Days, time.Date(2026, time.Month(month+1), 1+month*2, 12, 0, 0, 0, time.UTC).Format(time.RFC3339))
	}
	for tag, l := range intl(t, q).Languages {
		c := catalogueOf(t, tag)
		if !strings.EqualFold(ownNames[tag], l.Name) {
			t.Errorf("%s calls itself %q, Intl says %q", tag, ownNames[tag], l.Name)
		}
		for i, want := range l.Integers {
			if got := c.numbers.format(strconv.Itoa(q.Counts[i])); got != want {
				t.Errorf("%s: %d is %+q, Intl says %+q", tag, q.Counts[i], got, want)
			}
		}
		for i, want := range l.Dates {
			day, _ := time.Parse(time.RFC3339, q.Days[i])
			if got := c.Date(day); got != want {
				t.Errorf("%s: %s is %q, Intl says %q", tag, q.Days[i], got, want)
			}
		}
	}
}

// TestPluralFormsAreThoseOfIntl: every counted message has exactly the forms
// that the language has, and each number gets its own.
func TestPluralFormsAreThoseOfIntl(t *testing.T) {
	q := intlQuestion{Counts: []int{1_000, 1_001, 1_002, 10_000, 1_000_000, 2_000_000, 1_000_001}}
	for n := range 320 {
		q.Counts = append(q.Counts, n)
	}
	for tag, l := range intl(t, q).Languages {
		c := catalogueOf(t, tag)
		for id, forms := range messagesOf(t, tag) {
			if len(forms) < 2 {
				continue
			}
			for _, category := range l.Categories {
				if forms[category] == "" {
					t.Errorf("%s: %s lacks the form %q", tag, id, category)
				}
			}
			if len(forms) != len(l.Categories) {
				t.Errorf("%s: %s has forms that the language has not; it has %q", tag, id, l.Categories)
			}
			for i, category := range l.Plurals {
				count := c.numbers.format(strconv.Itoa(q.Counts[i]))
				want := strings.ReplaceAll(forms[category], "{{.Count}}", count)
				if got := c.N(id, q.Counts[i]); got != want {
					t.Errorf("%s: %d of %s is %q, by Intl's rule %q", tag, q.Counts[i], id, got, want)
				}
				// A form may do without its number only where it means just one.
				if !strings.Contains(forms[category], "{{.Count}}") && countOf(l.Plurals, category) > 1 {
					t.Errorf("%s: %s: the form %q stands for several numbers and must show which", tag, id, category)
				}
			}
		}
	}
}

func countOf(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
