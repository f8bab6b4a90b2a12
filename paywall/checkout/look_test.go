package checkout

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// lookOf is an option of newSite.
func lookOf(t testing.TB, o page.Options) func(*Options) {
	t.Helper()
	look, err := NewLook(o)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Look = look }
}

func ours(t testing.TB) *page.Look {
	t.Helper()
	look, err := NewLook(page.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return look
}

// TestAnAccentIsAFileOfItsOwn: no style within a page, and a name that changes
// with the color, since browsers keep the file for good.
func TestAnAccentIsAFileOfItsOwn(t *testing.T) {
	seen := map[string]bool{ours(t).Style().URL(): true, ours(t).BoxStyle().URL(): true}
	for _, accent := range []string{"#7a1f4d", "#ffd400"} {
		s := newSite(t, lookOf(t, page.Options{Accent: accent}))
		unlock := s.get("/.paywall/unlock?offer=" + s.offer()).Body.String()
		for _, html := range []string{unlock, s.box(s.offer(), true)} {
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
		if len(unlock)+len(s.c.o.Look.Style().Body())+len(page.Icon.Body()) > 20<<10 {
			t.Error("the page weighs too much")
		}
	}
}

// TestOwnTemplatesTakeThePlaceOfOursOneByOne, ours stay around them.
func TestOwnTemplatesTakeThePlaceOfOursOneByOne(t *testing.T) {
	s := newSite(t, lookOf(t, page.Options{Name: "The Ferry", Templates: fstest.MapFS{
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
	s := newSite(t, lookOf(t, page.Options{Templates: fstest.MapFS{
		"forms.html": {Data: []byte(`{{define "secrets"}}{{end}}{{define "voucher"}}<p>Ours</p>{{end}}{{define "recover"}}{{end}}`)},
	}}))
	key, _ := s.opened(5_000_000)
	page := s.get("/.paywall/wallet", cookie(key), quietly)
	wantText(t, page, "<p>Ours</p>", `action="/.paywall/wallet/settings"`)
	hidden(t, page.Body.String(), "form_token")
}

// TestATemplateThatFailsIsReplacedByOurs: what only some data shows.
func TestATemplateThatFailsIsReplacedByOurs(t *testing.T) {
	s := newSite(t, lookOf(t, page.Options{Templates: fstest.MapFS{
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
