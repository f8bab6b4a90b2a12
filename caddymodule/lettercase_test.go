package caddymodule

import "testing"

// TestALinkInCapitalsIsNotPaidTwice: on a site that ignores case, whoever owns an
// article reads it at every spelling, and one who comes from a shop that takes the
// offer for the other spelling is not charged.
func TestALinkInCapitalsIsNotPaidTwice(t *testing.T) {
	s := newSite(t, "welcome 0.60", "paywall /articles/* 0.20\nreverse_proxy UPSTREAM", new(articles))
	b := s.reader()
	b.buy("/articles/p1")
	for _, path := range []string{"/Articles/P1", "/articles/P1", "/articles/p1"} {
		b.reads(path)
	}
	var offer struct{ Offer string }
	s.get("/ARTICLES/p1", "Accept", "application/json").json(t, &offer)
	b.wantArticle(b.press("/.paywall/unlock", "offer", offer.Offer), "/ARTICLES/p1")
	var wallet struct{ Balance string }
	s.get("/.paywall/wallet", "Accept", "application/json", "Cookie", b.cookieLine("/.paywall/wallet")).json(t, &wallet)
	if wallet.Balance != "0.40" {
		t.Errorf("the balance is %s, want 0.40", wallet.Balance)
	}
}
