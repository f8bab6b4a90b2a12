package page

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"

	"github.com/tuppence/tuppence/paywall"
)

// catalogueOf is the catalogue of a language.
func catalogueOf(t testing.TB, tag string) *Catalogue {
	t.Helper()
	return catalogues[tag]()
}

// messagesOf are the texts of a language by key and plural form, symbols of
// currencies left out: those differ by language.
func messagesOf(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	path := "messages/" + tag + ".toml"
	source, err := embedded.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := i18n.ParseMessageFileBytes(source, path, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for _, m := range file.Messages {
		if strings.HasPrefix(m.ID, "money.symbol.") {
			continue
		}
		all[m.ID] = map[string]string{}
		for form, text := range map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other} {
			if text != "" {
				all[m.ID][form] = text
			}
		}
	}
	return all
}

var place = regexp.MustCompile(`{{.*?}}`)

func placesOf(forms map[string]string) []string {
	var all []string
	for _, text := range forms {
		all = append(all, place.FindAllString(text, -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestEveryLanguageSaysEverything: every message, every place, nothing else,
// and nothing left in English by mistake.
func TestEveryLanguageSaysEverything(t *testing.T) {
	files, err := embedded.ReadDir("messages")
	if err != nil || len(files) != len(Languages) {
		t.Fatalf("%d message files for %d languages: %v", len(files), len(Languages), err)
	}
	source := messagesOf(t, "en")
	format := regexp.MustCompile(`^(language|number|money|date|month)\.`)
	for _, tag := range Languages {
		translated := messagesOf(t, tag)
		for id, forms := range translated {
			if source[id] == nil {
				t.Errorf("%s: nobody asks for %q", tag, id)
			}
			if got, want := placesOf(forms), placesOf(source[id]); !slices.Equal(got, want) {
				t.Errorf("%s: %s has the places %q, in English %q", tag, id, got, want)
			}
			for form, text := range forms {
				if form != "other" && len(source[id]) < 2 {
					t.Errorf("%s: %s has plural forms, in English none", tag, id)
				}
				if !format.MatchString(id) && strings.TrimSpace(text) != text || strings.Contains(text, "  ") || strings.ContainsAny(text, "\n\t<>&") {
					t.Errorf("%s: %s is %q", tag, id, text)
				}
				cognate := tag == "fr" && id == "minutes" || (tag == "de" || tag == "nl") && id == "passkey.title"
				if tag != "en" && text == source[id][form] && !format.MatchString(id) && !cognate {
					t.Errorf("%s: %s is the English %q", tag, id, text)
				}
			}
		}
		for id := range source {
			if len(translated[id]) == 0 {
				t.Errorf("%s: no text for %q", tag, id)
			}
		}
	}
}

// TestTitlesCannotTurnASentenceAround: a title in another direction stands
// between isolates (UAX 9, 2.3), which no element does inside an attribute.
func TestTitlesCannotTurnASentenceAround(t *testing.T) {
	for _, tag := range Languages {
		for id, forms := range messagesOf(t, tag) {
			for _, text := range forms {
				if strings.Count(text, "{{.Title}}") != strings.Count(text, "\u2068{{.Title}}\u2069") {
					t.Errorf("%s: %s has a bare title: %+q", tag, id, text)
				}
			}
		}
	}
}

// TestFrenchMarksKeepTheirSpace: a line must not begin with one of ? ! ; :.
func TestFrenchMarksKeepTheirSpace(t *testing.T) {
	bare := regexp.MustCompile(`[^\x{202f}][?!;]|[^\x{a0}]:( |$)`)
	for id, forms := range messagesOf(t, "fr") {
		for _, text := range forms {
			if bare.MatchString(text) {
				t.Errorf("%s is %+q", id, text)
			}
		}
	}
}

func TestDurationsRoundUpToAPlainUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 minute", 30 * time.Minute: "30 minutes", 61 * time.Minute: "61 minutes", 2 * time.Hour: "2 hours",
		121 * time.Minute: "3 hours", 48 * time.Hour: "2 days", 30 * 24 * time.Hour: "30 days", 0: "0 minutes",
	} {
		if got := catalogueOf(t, "en").Duration(d); got != want {
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
	texts := messagesOf(t, "en")
	for key := range asked {
		if texts[key] == nil {
			t.Errorf("no text for %q", key)
		}
	}
	dynamic := regexp.MustCompile(`^(error|notice|minutes|hours|days|language|number|money|date|month|intent|moving)(\.|$)|\.(wrong|used|expired|revoked|lead|title|untitled|ready|changed|stopped|again|name|final|once|spent)$`)
	for key := range texts {
		if !asked[key] && !dynamic.MatchString(key) {
			t.Errorf("nobody asks for %q", key)
		}
	}
}

func TestEveryErrorHasATitleAndANextStep(t *testing.T) {
	for _, code := range []paywall.Code{
		paywall.CodeMalformed, paywall.CodeNoWallet, paywall.CodeInsufficientFunds, paywall.CodeCrossSite, paywall.CodeNotFound,
		paywall.CodeMethodNotAllowed, paywall.CodeOfferChanged, paywall.CodeConflict, paywall.CodeRefundClosed, paywall.CodeOfferExpired, paywall.CodeTooLarge,
		paywall.CodeOverBudget, paywall.CodeAskFirst, paywall.CodeOwing, paywall.CodeWalletClosed, paywall.CodeTooManyTopUps, paywall.CodeGiftOver, paywall.CodeTooManyRefunds, paywall.CodeTooManyGifts,
		paywall.CodeUnsupportedMedia, paywall.CodeBadVoucher, paywall.CodeTooEarly, paywall.CodeRateLimited, paywall.CodeInternal, paywall.CodeUnavailable,
	} {
		for _, key := range []string{"error." + string(code) + ".title", "error." + string(code) + ".next"} {
			if messagesOf(t, "en")[key] == nil {
				t.Errorf("no text for %q", key)
			}
		}
	}
}
