package gate

import (
	"net/http"
	"testing"

	"github.com/tuppence/tuppence/paywall/token"
)

// TestPartsOfAPageOpenWithIt: the picture beside an article, with the right to the
// article; never another page, nor what somebody buys by itself.
func TestPartsOfAPageOpenWithIt(t *testing.T) {
	s := newSite(t)
	page := accessCookie(s.access("/articles/ferry", nil))
	s.upstream = served("image/jpeg", "JFIF")
	for _, part := range []string{"/articles/ferry/pic.jpg", "/articles/ferry/img/deep/pic.png", "/articles/ferry/style.css", "/articles/ferry/f.woff2"} {
		res := s.do("GET", part, page)
		wantStatus(t, res, 200)
		if got := s.last().Header; got.Get("Paywall-Status") != "paid" || got.Get("Paywall-Resource") != "/articles/ferry" {
			t.Errorf("%s: the site got %v", part, got)
		}
		if got := res.Header.Get("Cache-Control"); got != "private, no-store" {
			t.Errorf("%s: Cache-Control: %s", part, got)
		}
		wantPaywall(t, s.do("GET", part))
		wantPaywall(t, s.do("GET", part, accessCookie(s.access("/articles/other", nil))))
		wantStatus(t, s.do("GET", part, "Authorization: Bearer "+s.access("/articles/ferry", nil)), 200)
		wantStatus(t, s.do("GET", part, "Authorization: Bearer "+s.access("/articles/other", nil)), 403)
	}
	for _, other := range []string{
		"/articles/ferry/song.mp3", "/articles/ferry/book.pdf", "/articles/ferry/all.zip", "/articles/ferry/next", "/articles/ferry/data.json",
		"/articles/pic.jpg", "/articles/ferry2/pic.jpg", "/articles/dear/pic.jpg",
	} {
		wantPaywall(t, s.do("GET", other, page))
	}
	// A right to the picture opens the picture alone.
	wantPaywall(t, s.do("GET", "/articles/ferry", accessCookie(s.access("/articles/ferry/pic.jpg", nil))))
	// A site that delivers an article under the name of a picture gives nothing away.
	s.upstream = article
	res := s.do("GET", "/articles/ferry/other/x.jpg", page)
	wantNoCanary(t, res, wantStatus(t, res, 402))
	// Who bought it by its own name has what there is.
	wantPaid(t, s.do("GET", "/articles/ferry/other/x.jpg", accessCookie(s.access("/articles/ferry/other/x.jpg", nil))))
}

// TestRevokedPageClosesItsParts: an undone purchase opens no picture either.
func TestRevokedPageClosesItsParts(t *testing.T) {
	s := newSite(t)
	s.upstream = served("image/jpeg", "JFIF")
	undone := s.access("/articles/ferry", func(a *token.Access) { a.ID = "undone" })
	wantStatus(t, s.do("GET", "/articles/ferry/pic.jpg", accessCookie(undone)), 200)
	s.ledger.revoked = map[string]bool{"undone": true}
	wantPaywall(t, s.do("GET", "/articles/ferry/pic.jpg", accessCookie(undone)))
}

// served is a site that answers every path with this.
func served(contentType, body string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", contentType)
		_, err := w.Write([]byte(body))
		return err
	}
}
