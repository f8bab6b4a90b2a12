package checkout

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// The expected strings are those of Intl.NumberFormat("en"), Node 20 and later.
func TestAmountsReadAsEnglishReadersWriteThem(t *testing.T) {
	for _, test := range []struct {
		micros   int64
		currency paywall.Currency
		want     string
	}{
		{200_000, "EUR", "€0.20"}, {1_234_500_000, "USD", "$1,234.50"}, {1_000_000_000_000, "GBP", "£1,000,000.00"},
		{120_000_000, "JPY", "¥120"}, {1_500_000, "CHF", "CHF\u00a01.50"}, {1_250_000, "KWD", "KWD\u00a01.250"},
		{-200_000, "EUR", "-€0.20"}, {66_667, "EUR", "€0.066667"}, {0, "EUR", "€0.00"}, {999_000_000, "INR", "₹999.00"},
		{1_000_000, "CAD", "CA$1.00"}, {1_000_000_000, "XOF", "F\u202fCFA\u00a01,000"},
	} {
		if got := english.Money(paywall.Money{Micros: test.micros, Currency: test.currency}); got != test.want {
			t.Errorf("%d %s is %q, want %q", test.micros, test.currency, got, test.want)
		}
	}
}

func TestDurationsRoundUpToAPlainUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 minute", 30 * time.Minute: "30 minutes", 61 * time.Minute: "61 minutes", 2 * time.Hour: "2 hours",
		121 * time.Minute: "3 hours", 48 * time.Hour: "2 days", 30 * 24 * time.Hour: "30 days", 0: "0 minutes",
	} {
		if got := english.Duration(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// TestCatalogueHasEveryTextTheTemplatesAskFor, and none that nobody asks for.
func TestCatalogueHasEveryTextTheTemplatesAskFor(t *testing.T) {
	asked := map[string]bool{}
	call := regexp.MustCompile(`(?:\.T|\$\.T|\.N) "([^"]+)"`)
	files, err := embedded.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := embedded.ReadFile("templates/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(source), -1) {
			asked[m[1]] = true
		}
	}
	for key := range asked {
		_, plain := english.texts[key]
		_, counted := english.texts[key+".other"]
		if !plain && !counted {
			t.Errorf("no text for %q", key)
		}
	}
	dynamic := regexp.MustCompile(`^(error|notice|minutes|hours|days)\.|\.(one|other|wrong|title|untitled)$`)
	for key, text := range english.texts {
		if !asked[key] && !dynamic.MatchString(key) {
			t.Errorf("nobody asks for %q", key)
		}
		if strings.TrimSpace(text) != text || text == "" {
			t.Errorf("%q is %q", key, text)
		}
	}
}

func TestEveryErrorHasATitleAndANextStep(t *testing.T) {
	for _, code := range []paywall.Code{
		paywall.CodeMalformed, paywall.CodeNoWallet, paywall.CodeInsufficientFunds, paywall.CodeCrossSite, paywall.CodeNotFound,
		paywall.CodeMethodNotAllowed, paywall.CodeOfferChanged, paywall.CodeRefundClosed, paywall.CodeOfferExpired, paywall.CodeTooLarge,
		paywall.CodeUnsupportedMedia, paywall.CodeBadVoucher, paywall.CodeTooEarly, paywall.CodeRateLimited, paywall.CodeInternal, paywall.CodeUnavailable,
	} {
		for _, key := range []string{"error." + string(code), "error." + string(code) + ".next"} {
			if english.texts[key] == "" {
				t.Errorf("no text for %q", key)
			}
		}
	}
}
