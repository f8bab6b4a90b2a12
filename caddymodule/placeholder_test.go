package caddymodule

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestS03PlaceholdersOfAVisitorAreNeverExpanded: nor those of the site's pages,
// wherever Caddy would expand its own: address, title, code, language, gift.
func TestS03PlaceholdersOfAVisitorAreNeverExpanded(t *testing.T) {
	const secret = "hunter2-of-the-server"
	t.Setenv("PAYWALL_TEST_SECRET", secret)
	const bait = "{env.PAYWALL_TEST_SECRET}{http.request.remote.host}{{.NewWallet}}{{7*7}}"
	s := newSite(t, "welcome 0.60", articlesFor20, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>%s</title><article>words</article>", bait)
	}))
	key := s.wallet()
	cookie := "paywall_wallet=" + key
	escaped := url.PathEscape(bait)
	var seen []*answer
	look := func(a *answer) *answer {
		seen = append(seen, a)
		return a
	}
	for _, path := range []string{"/articles/" + escaped, "/articles/a?x=" + url.QueryEscape(bait), "/articles/a?x=" + bait} {
		sent := look(s.get(path, "Accept", "text/html", "Sec-Fetch-Mode", "navigate"))
		if to := sent.Header.Get("Location"); to != "" {
			page := look(s.get(to, "Accept", "text/html", "Cookie", cookie))
			if strings.HasPrefix(to, "/.paywall/") && !strings.Contains(html.UnescapeString(page.body), bait) {
				t.Errorf("the title is not shown as it is: %s", page.body)
			}
		}
		look(s.get(path, "Accept", "application/json"))
	}
	_, r := s.unlock(key, s.offer("/articles/a"))
	for _, to := range []string{
		"wallet", "wallet?notice=" + url.QueryEscape(bait), "wallet?lang=" + url.QueryEscape(bait), "wallet/export",
		"receipt?unlock=" + r.UnlockID, "receipt?unlock=" + escaped, "unlock?offer=" + escaped, "gift?key=" + escaped, escaped, "static/" + escaped,
	} {
		look(s.get("/.paywall/"+to, "Accept", "text/html", "Cookie", cookie))
		look(s.get("/.paywall/"+to, "Accept", "application/json", "Authorization", "Bearer "+key))
	}
	for _, path := range []string{"topup/voucher", "wallet/recover", "unlock", "refund", "wallet/settings"} {
		form := url.Values{}
		for _, field := range []string{"code", "offer", "unlock_id", "budget", "new_wallet", "shown"} {
			form.Set(field, bait)
		}
		look(s.do(http.MethodPost, "/.paywall/"+path, form.Encode(), "Accept", "text/html", "Cookie", cookie,
			"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"))
	}
	for _, a := range seen {
		if strings.Contains(a.body+fmt.Sprint(a.Header), secret) {
			t.Errorf("%s tells the server's secret: %v %s", a.Request.URL, a.Header, a.body)
		}
		if a.StatusCode >= http.StatusInternalServerError {
			t.Errorf("%s: %s", a.Request.URL, a.Status)
		}
	}
	s.verify()
}
