package checkout

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

func inLanguages(tags ...string) func(*Options) {
	return func(o *Options) { o.Languages = tags }
}

// firstOf is all languages with one of them first.
func firstOf(tag string) []string {
	return slices.Concat([]string{tag}, slices.DeleteFunc(slices.Clone(page.Languages), func(s string) bool { return s == tag }))
}

func acceptLanguage(value string) change { return header("Accept-Language", value) }

func spoke(value string) change {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-paywall_lang", Value: value}) }
}

func wantLanguage(t *testing.T, body, tag string) {
	t.Helper()
	if !strings.Contains(body, `<html lang="`+tag+`"`) {
		t.Errorf("the page is not in %q: %.80s", tag, body)
	}
}

func TestTheBrowserChoosesTheLanguage(t *testing.T) {
	s := newSite(t)
	for accept, want := range map[string]string{
		"": "en", "*": "en", "de": "de", "de-CH,de;q=0.9,en;q=0.8": "de", "fr-CA": "fr", "es-419,es;q=0.9": "es", "nl-BE": "nl",
		"ar-EG,ar;q=0.9,en-US;q=0.8": "ar", "he-IL": "he", "iw": "he", "en-GB,en;q=0.9,de;q=0.8": "en", "zh-TW,ja;q=0.9": "en",
		"ja,fr;q=0.5": "fr", "de;q=0.1,nl;q=0.9": "nl", "DE-de": "de", "not a language;;q=x": "en", "de;q=0,en": "en",
		"de," + strings.Repeat("x-y,", 1000): "en", strings.Repeat("de-", 300): "en",
	} {
		wantLanguage(t, s.get("/.paywall/wallet", acceptLanguage(accept)).Body.String(), want)
	}
	german := newSite(t, inLanguages("de", "ar"))
	wantLanguage(t, german.get("/.paywall/wallet", acceptLanguage("fr")).Body.String(), "de")
	wantLanguage(t, german.get("/.paywall/wallet", acceptLanguage("fr,ar;q=0.2,en")).Body.String(), "ar")
}

func TestLanguagesThatDoNotExistAreRefused(t *testing.T) {
	valid := newSite(t).c.o
	for want, tags := range map[string][]string{
		`there are no pages in the language "pt"; write some of en de fr es nl ar he`: {"en", "pt"},
		`there are no pages in the language ""; write some of en de fr es nl ar he`:   {""},
		`there are no pages in the language "DE"; write some of en de fr es nl ar he`: {"DE"},
		`the language "de" is given twice; write it once`:                             {"de", "en", "de"},
	} {
		o := valid
		o.Languages = tags
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("%q: %v", tags, err)
		}
	}
}

// submit is what the switch of a page sends for a language.
func submit(t *testing.T, page, tag string) string {
	t.Helper()
	_, form, ok := strings.Cut(page, `<form method="get" action="`)
	if !ok {
		t.Fatalf("no switch in\n%s", page)
	}
	form, _, _ = strings.Cut(form, "</form>")
	action, rest, _ := strings.Cut(form, `"`)
	if !strings.Contains(rest, `<button name="lang" value="`+tag+`" lang="`+tag+`">`) {
		t.Fatalf("no %s in the switch\n%s", tag, rest)
	}
	target := html.UnescapeString(action) + "?"
	if m := regexp.MustCompile(`name="offer" value="([^"]*)"`).FindStringSubmatch(rest); m != nil {
		target += "offer=" + m[1] + "&"
	}
	return target + "lang=" + tag
}

// TestTheSwitchStaysOnThePageAndIsRemembered, without a script, from the pages
// that answer a form too, and with the article kept.
func TestTheSwitchStaysOnThePageAndIsRemembered(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(100_000)
	raw := s.offer()
	expired := s.offer(func(o *paywall.Offer) {
		o.IssuedAt, o.ExpiresAt = s.now().Add(-time.Hour), s.now().Add(-45*time.Minute)
	})
	wrong := []string{"code", "x"}
	for name, tc := range map[string]struct{ page, target, text string }{
		"purchase":       {s.get("/.paywall/unlock?offer="+raw, cookie(key)).Body.String(), "/.paywall/unlock?offer=" + raw, "The last tea shop"},
		"insufficient":   {s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)).Body.String(), "/.paywall/unlock?offer=" + raw, "The last tea shop"},
		"wrong voucher":  {s.post("/.paywall/topup/voucher", append(wrong, "offer", raw), cookie(key)).Body.String(), "/.paywall/unlock?offer=" + raw, "The last tea shop"},
		"expired":        {s.get("/.paywall/unlock?offer=" + expired).Body.String(), "/.paywall/unlock?offer=" + expired, "abgelaufen"},
		"wrong top-up":   {s.post("/.paywall/topup/voucher", wrong, cookie(key)).Body.String(), "/.paywall/topup?", "Guthaben aufladen"},
		"wrong recovery": {s.post("/.paywall/wallet/recover", wrong).Body.String(), "/.paywall/wallet?", "Wiederherstellungscode"},
		"wallet":         {s.get("/.paywall/wallet?notice=refunded", cookie(key)).Body.String(), "/.paywall/wallet?", "Ihre Geldbörse"},
		"erase":          {s.get("/.paywall/wallet/erase", cookie(key)).Body.String(), "/.paywall/wallet/erase?", "Endgültig löschen"},
		"nothing there":  {s.get("/.paywall/no%22such").Body.String(), "/.paywall/no%22such?", "Hier ist nichts"},
		"forged offer":   {s.get("/.paywall/unlock?offer=" + raw + "x").Body.String(), "/.paywall/unlock?", "Dieser Link funktioniert nicht"},
	} {
		t.Run(name, func(t *testing.T) {
			target := submit(t, tc.page, "de")
			if !strings.HasPrefix(target, tc.target) {
				t.Errorf("the switch leads to %s", target)
			}
			w := s.get(target, cookie(key), header("Sec-Fetch-Site", "same-origin"))
			wantLanguage(t, w.Body.String(), "de")
			wantText(t, w, tc.text, `<span aria-current="true">Deutsch</span>`)
			c := cookieNamed(w, "__Host-paywall_lang")
			if c == nil || c.Value != "de" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Fatalf("cookie %v", c)
			}
			if cookieNamed(w, walletCookie) != nil {
				t.Error("choosing a language touched the wallet")
			}
			wantLanguage(t, s.get("/.paywall/wallet", spoke(c.Value), acceptLanguage("fr")).Body.String(), "de")
		})
	}
	if got := s.balance(key); got != "0.10" {
		t.Errorf("balance %s", got)
	}
}

func TestOverPlainHTTPTheLanguageCookieHasItsBareName(t *testing.T) {
	const origin = "http://localhost:8402"
	s := newSite(t, func(o *Options) { o.Origin = func(*http.Request) string { return origin } })
	c := cookieNamed(s.get("/.paywall/wallet?lang=nl"), "paywall_lang")
	if c == nil || c.Secure {
		t.Fatalf("cookie %v", c)
	}
	wantLanguage(t, s.get("/.paywall/wallet", func(r *http.Request) { r.AddCookie(c) }).Body.String(), "nl")
	wantLanguage(t, s.get("/.paywall/wallet", spoke("nl")).Body.String(), "en")
}

// TestNobodyElseChoosesTheLanguageForGood: a link elsewhere may lead to a page
// in some language, but only our own pages change what is remembered.
func TestNobodyElseChoosesTheLanguageForGood(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(1)
	page := "/.paywall/wallet?lang=ar"
	for name, w := range map[string]*httptest.ResponseRecorder{
		"another site's link":   s.get(page, header("Sec-Fetch-Site", "cross-site")),
		"a sister site's link":  s.get(page, header("Sec-Fetch-Site", "same-site")),
		"an address typed":      s.get(page, header("Sec-Fetch-Site", "none")),
		"a prefetch":            s.get(page, header("Sec-Purpose", "prefetch")),
		"HEAD":                  s.send(http.MethodHead, page, "", ""),
		"a program with bearer": s.get(page, bearer(key)),
		"a program":             s.get(page, asJSON),
		"a POST":                s.post("/.paywall/wallet/recover?lang=ar", []string{"code", "x"}),
		"a language not there":  s.get("/.paywall/wallet?lang=pt"),
		"no language":           s.get("/.paywall/wallet?lang="),
		"a header in disguise":  s.get("/.paywall/wallet?lang=de%0d%0aSet-Cookie:%20a=b"),
		"a file that is cached": s.get(s.c.o.Look.Style().URL() + "?lang=ar"),
		"public keys":           s.get("/.paywall/jwks.json?lang=ar"),
	} {
		if c := cookieNamed(w, "__Host-paywall_lang"); c != nil {
			t.Errorf("%s set %v", name, c)
		}
	}
	wantLanguage(t, s.get(page, header("Sec-Fetch-Site", "cross-site")).Body.String(), "ar")
	for _, planted := range []string{"pt", "", "<b>", "DE", "de,nl"} {
		wantLanguage(t, s.get("/.paywall/wallet", spoke(planted), acceptLanguage("fr")).Body.String(), "fr")
	}
}

func TestOneLanguageNeedsNoSwitch(t *testing.T) {
	s := newSite(t, inLanguages("he"))
	w := s.get("/.paywall/wallet?lang=de", acceptLanguage("de"))
	wantLanguage(t, w.Body.String(), "he")
	wantText(t, w, `dir="rtl"`)
	if strings.Contains(w.Body.String(), `class="languages"`) {
		t.Error("there is a switch")
	}
}

func TestProgramsReadEnglish(t *testing.T) {
	s := newSite(t, inLanguages("de", "fr"))
	v := wantProblem(t, s.get("/.paywall/wallet?lang=de", asJSON, acceptLanguage("de"), spoke("de")), http.StatusUnauthorized, "no-such-wallet")
	if v["title"] != "No wallet in this browser" || v["detail"] != "no such wallet" {
		t.Errorf("problem %v", v)
	}
}

func TestTitlesKeepTheirOwnDirection(t *testing.T) {
	s := newSite(t, inLanguages("ar"))
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	wantText(t, s.get("/.paywall/unlock?offer="+raw, cookie(key)), "<h1><bdi>The last tea shop</bdi></h1>", `<title dir="auto">`)
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusSeeOther)
	wantText(t, s.get("/.paywall/wallet", cookie(key)), "<bdi>The last tea shop</bdi>", "\u2068The last tea shop\u2069")
}

// TestCodesReadFromLeftToRight: in a page from right to left "01234-ABCDE" would
// otherwise be shown as "ABCDE-01234" (UAX 9, N1: digits count as right to left).
func TestCodesReadFromLeftToRight(t *testing.T) {
	s := newSite(t, inLanguages("ar"))
	key, _ := s.opened(1)
	page := s.get("/.paywall/wallet", cookie(key))
	wantText(t, page, `<code dir="ltr">`)
	if body := page.Body.String(); strings.Count(body, `<input class="code" dir="ltr"`) != 2 || strings.Count(body, `class="code"`) != 2 {
		t.Errorf("a code's field turns around:\n%s", body)
	}
}

func BenchmarkPurchasePage(b *testing.B) {
	for _, tag := range []string{"en", "ar"} {
		b.Run(tag, func(b *testing.B) {
			s := newSite(b, func(o *Options) { o.LimitFactor = MaxLimitFactor })
			key, _ := s.opened(5_000_000)
			target := "/.paywall/unlock?offer=" + s.offer()
			b.ReportAllocs()
			for b.Loop() {
				if w := s.get(target, cookie(key), acceptLanguage(tag+",en;q=0.5")); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkAnswerOnLoopback prints how long a browser waits for a purchase page,
// from the request to its last byte, in the middle of some hundred.
func BenchmarkAnswerOnLoopback(b *testing.B) {
	s := newSite(b, func(o *Options) { o.LimitFactor = MaxLimitFactor })
	key, _ := s.opened(5_000_000)
	server := httptest.NewServer(s.c)
	defer server.Close()
	req, err := http.NewRequest(http.MethodGet, server.URL+"/.paywall/unlock?offer="+s.offer(), nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	cookie(key)(req)
	times := make([]time.Duration, 300)
	for b.Loop() {
		for i := range times {
			start := time.Now()
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
				b.Fatal(resp.Status, err)
			}
			resp.Body.Close()
			times[i] = time.Since(start)
		}
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms/page")
}
