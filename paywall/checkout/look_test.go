package checkout

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// lookOf is an option of newSite.
func lookOf(t testing.TB, o LookOptions) func(*Options) {
	t.Helper()
	look, err := NewLook(o)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Look = look }
}

// TestGroundsAreThoseOfTheStylesheet keeps the two places together.
func TestGroundsAreThoseOfTheStylesheet(t *testing.T) {
	for i, name := range []string{"--paper", "--card"} {
		want := fmt.Sprintf("%s: light-dark(%s, %s);", name, grounds[0][i], grounds[1][i])
		if !strings.Contains(string(stylesheet.body), want) {
			t.Errorf("the stylesheet does not say %q", want)
		}
	}
}

// TestEveryAccentCanBeRead: whatever a publisher chooses, on a button and as a
// link, in both themes.
func TestEveryAccentCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, "accent"))
		accent, err := parseColor(written)
		if err != nil || accent.String() != written {
			t.Fatal(accent, err)
		}
		text, hover := accent.button()
		if contrast(text, accent) < textContrast || contrast(text, hover) < textContrast {
			t.Fatalf("%s on %s or %s", text, accent, hover)
		}
		var links, washes [2]color
		var read []string
		rules := strings.NewReplacer("light-dark(", "", ")", "", ",", "", ";", "").Replace(pageColors(accent))
		for field := range strings.FieldsSeq(rules) {
			if strings.HasPrefix(field, "#") {
				read = append(read, field)
			}
		}
		for theme := range links {
			links[theme], washes[theme] = mustColor(read[theme]), mustColor(read[theme+2])
			for _, ground := range []color{grounds[theme][0], grounds[theme][1], washes[theme]} {
				if got := contrast(links[theme], ground); got < textContrast {
					t.Fatalf("%s on %s is %.2f", links[theme], ground, got)
				}
			}
		}
		_, rest, _ := strings.Cut(boxColors(accent), "outline-color: ")
		focus := mustColor(rest[:7])
		if contrast(focus, white) < focusContrast || contrast(focus, black) < focusContrast {
			t.Fatalf("focus %s", focus)
		}
	})
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want string
	}{{"#000", "#fff", "21.00"}, {"#777777", "#ffffff", "4.48"}, {"#0b6047", "#ffffff", "7.56"}, {"#fff", "#fff", "1.00"}} {
		if got := fmt.Sprintf("%.2f", contrast(mustColor(tc.a), mustColor(tc.b))); got != tc.want {
			t.Errorf("%s on %s is %s, want %s", tc.a, tc.b, got, tc.want)
		}
	}
}

// TestAnAccentIsAFileOfItsOwn: no style within a page, and a name that changes
// with the color, since browsers keep the file for good.
func TestAnAccentIsAFileOfItsOwn(t *testing.T) {
	seen := map[string]bool{stylesheet.URL(): true, boxStyle.URL(): true}
	for _, accent := range []string{"#7a1f4d", "#ffd400"} {
		s := newSite(t, lookOf(t, LookOptions{Accent: accent}))
		page := s.get("/.paywall/unlock?offer=" + s.offer()).Body.String()
		for _, html := range []string{page, s.box(s.offer(), true)} {
			_, rest, _ := strings.Cut(html, `<link rel="stylesheet" href="`)
			path, _, _ := strings.Cut(rest, `"`)
			if seen[path] {
				t.Errorf("%s again", path)
			}
			seen[path] = true
			w := s.get(path)
			wantStatus(t, w, http.StatusOK)
			wantText(t, w, accent)
		}
		if len(page)+len(s.c.Look.style.body)+len(icon.body) > 20<<10 {
			t.Error("the page weighs too much")
		}
	}
}

// TestOwnTemplatesTakeThePlaceOfOursOneByOne, ours stay around them.
func TestOwnTemplatesTakeThePlaceOfOursOneByOne(t *testing.T) {
	s := newSite(t, lookOf(t, LookOptions{Name: "The Ferry", Templates: fstest.MapFS{
		"erase.html": {Data: []byte(`{{define "content"}}<h1>Really?</h1>{{end}}`)},
		"box.html":   {Data: []byte(`{{define "box"}}<p>{{.Money .Price}} at {{.Offer}}</p>{{end}}`)},
	}}))
	key, _ := s.opened(5_000_000)
	erase := s.get("/.paywall/wallet/erase", cookie(key))
	wantText(t, erase, "<h1>Really?</h1>")
	wantText(t, erase, "<bdi>The Ferry</bdi>")
	wantText(t, s.get("/.paywall/wallet", cookie(key)), `class="balance"`)
	if box := s.box("raw", true); box != "<p>€0.20 at raw</p>" {
		t.Error(box)
	}
}

// TestG08OwnFormsMayKnowNothingOfTokens: a publisher's were written before there were
// any. Those of other files have theirs.
func TestG08OwnFormsMayKnowNothingOfTokens(t *testing.T) {
	s := newSite(t, lookOf(t, LookOptions{Templates: fstest.MapFS{
		"forms.html": {Data: []byte(`{{define "secrets"}}{{end}}{{define "voucher"}}<p>Ours</p>{{end}}{{define "recover"}}{{end}}`)},
	}}))
	key, _ := s.opened(5_000_000)
	page := s.get("/.paywall/wallet", cookie(key), quietly)
	wantText(t, page, "<p>Ours</p>", `action="/.paywall/wallet/settings"`)
	hidden(t, page.Body.String(), "form_token")
}

// TestATemplateThatFailsIsReplacedByOurs: what only some data shows.
func TestATemplateThatFailsIsReplacedByOurs(t *testing.T) {
	s := newSite(t, lookOf(t, LookOptions{Templates: fstest.MapFS{
		"wallet.html": {Data: []byte(`{{define "content"}}<h1>Half</h1>{{range .Unlocks}}{{index .Title 1000}}{{end}}{{end}}`)},
		"box.html":    {Data: []byte(`{{define "box"}}<p>Half</p>{{if .Words}}{{index .Tag 1000}}{{end}}{{end}}`)},
	}}))
	key, _ := s.opened(5_000_000)
	wantText(t, s.get("/.paywall/wallet", cookie(key)), "Half")
	s.bought(key)
	whole := s.get("/.paywall/wallet", cookie(key))
	wantStatus(t, whole, http.StatusOK)
	if body := whole.Body.String(); strings.Contains(body, "Half") || !strings.Contains(body, `class="balance"`) {
		t.Error("not our page:", body)
	}
	if !strings.Contains(s.logs.String(), "a template of the ui failed") {
		t.Error("nobody was told")
	}
	s.logs.Reset()
	if box := s.box(s.offer(), true); strings.Contains(box, "Half") || !strings.Contains(box, "paywall-pay") {
		t.Error("not our box:", box)
	}
	if !strings.Contains(s.logs.String(), "a template of the ui failed") {
		t.Error("nobody was told of the box")
	}
}

// TestOurTemplatesNameOnlyWhatIsThere, on every page, as a publisher's must.
func TestOurTemplatesNameOnlyWhatIsThere(t *testing.T) {
	given := views(speaking(t, "en"))
	for page := range pages {
		view, ok := given[page]
		if !ok {
			t.Errorf("nobody says what %s.html is given", page)
			continue
		}
		set, err := parsePage(page, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(set, "layout", view); err != nil {
			t.Error(page, err)
		}
	}
	if err := names(boxTemplate, "box", boxView{}); err != nil {
		t.Error(err)
	}
}
