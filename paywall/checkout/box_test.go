package checkout

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// box is the offer in an article, as the gate asks for it.
func (s *site) box(raw string, form bool, change ...func(*paywall.Offer)) string {
	s.t.Helper()
	o := s.quote()
	for _, f := range change {
		f(o)
	}
	r := httptest.NewRequest(http.MethodGet, testOrigin+"/articles/tea", nil)
	r.Header.Set("Sec-Fetch-Site", "none")
	b, err := s.c.Box(r, o, raw, form)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func TestTheBoxHasThePriceOnItsButton(t *testing.T) {
	s := newSite(t)
	raw := s.offer()
	form, link := s.box(raw, true), s.box(raw, false)
	for _, want := range []string{
		`<form method="post" action="/.paywall/unlock">`, `<input type="hidden" name="offer" value="` + raw + `">`, `<button class="paywall-pay">Pay €0.20 and read</button>`,
		`href="/.paywall/unlock?offer=` + raw + `"`, "1,240 words", "6 minutes to read", "Yours to keep", "undo it within 30 minutes",
	} {
		if !strings.Contains(form, want) {
			t.Errorf("no %s in\n%s", want, form)
		}
	}
	for _, want := range []string{`<a class="paywall-pay" href="/.paywall/unlock?offer=` + raw + `" rel="nofollow">Read on for €0.20</a>`, "1,240 words"} {
		if !strings.Contains(link, want) {
			t.Errorf("no %s in\n%s", want, link)
		}
	}
	for _, gone := range []string{"<form", "<input", "<button"} {
		if strings.Contains(link, gone) {
			t.Errorf("%s in\n%s", gone, link)
		}
	}
	if got := s.box(raw, true, func(o *paywall.Offer) { o.Words, o.Access = 0, 30*24*time.Hour }); !strings.Contains(got, "Yours for 30 days") || strings.Contains(got, "word") {
		t.Errorf("%s", got)
	}
	if got := s.box(`"><script>`, true); strings.Contains(got, "<script>") {
		t.Errorf("%s", got)
	}
}

func TestTheBoxBringsItsStyleAlong(t *testing.T) {
	s := newSite(t)
	_, rest, _ := strings.Cut(s.box(s.offer(), true), `<link rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	w := s.get(path)
	wantStatus(t, w, http.StatusOK)
	if got := w.Header().Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("%s is %s", path, got)
	}
	for line := range strings.SplitSeq(w.Body.String(), "\n") { // nothing in it touches the site's own page, but that the text before the cut is seen
		if selector, _, rule := strings.Cut(line, "{"); rule && !strings.HasPrefix(line, ".paywall-offer") && !strings.HasPrefix(line, "@media") && !strings.Contains(line, ":has(> .paywall-cut)") {
			t.Errorf("a rule for %s", selector)
		}
	}
}

func TestAReaderWithAWalletBuysFromTheBox(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	raw := s.offer()
	w := s.post("/.paywall/unlock", []string{"offer", hidden(t, s.box(raw, true), "offer")}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if got := w.Header().Get("Location"); got != "/articles/tea?ref=front" || cookieNamed(w, accessCookie) == nil {
		t.Errorf("to %s with %v", got, w.Result().Cookies())
	}
	if got := s.balance(key); got != "4.80" {
		t.Errorf("balance %s", got)
	}
}

// TestAWalletThatIsGoneBuysNothingFromTheBox: the box knows of a cookie only. A
// double click would open two wallets, and buy twice.
func TestAWalletThatIsGoneBuysNothingFromTheBox(t *testing.T) {
	s := newSite(t)
	raw := s.offer()
	var wg sync.WaitGroup
	gone := paywall.NewWalletKey()
	for range 10 {
		wg.Go(func() {
			w := s.post("/.paywall/unlock", []string{"offer", raw}, cookie(gone))
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/.paywall/unlock?offer="+raw || len(w.Result().Cookies()) > 0 {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		})
	}
	wg.Wait()
	if writes, debits, wallets := s.counts(); writes != 0 || debits != 0 || wallets != 0 {
		t.Errorf("%d writes, %d debits, %d wallets", writes, debits, wallets)
	}
}

func TestRememberedBoxesAreBounded(t *testing.T) {
	s := newSite(t)
	for i := range 3 * maxBoxes {
		if got := s.box("an.offer", true, func(o *paywall.Offer) { o.Words = i + 1 }); !strings.Contains(got, catalogueOf(t, "en").N("words", i+1)) {
			t.Fatalf("%d words: %s", i+1, got)
		}
	}
	if n := len(s.c.boxes.made); n > maxBoxes {
		t.Errorf("%d boxes are remembered", n)
	}
}

func BenchmarkBox(b *testing.B) {
	c := newSite(b).c
	r := httptest.NewRequest(http.MethodGet, testOrigin+"/articles/tea", nil)
	o := &paywall.Offer{Words: 1240, Price: euro(200_000)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Box(r, o, "eyJ.eyJ.sig", false); err != nil {
			b.Fatal(err)
		}
	}
}
