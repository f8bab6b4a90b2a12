package caddymodule

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestLongSlugsInAnyAlphabetAreSold: 200 letters of three bytes each are 1,800 in
// an address. They are sold as any other page: to browsers, programs, and by the
// one tap in a teaser.
func TestLongSlugsInAnyAlphabetAreSold(t *testing.T) {
	longTitle := strings.Repeat("ข่าวยาว", 40)
	s := newSite(t, "welcome 5.00", `paywall /articles/* 0.20 {
		teaser article {
			paragraphs 1
		}
	}
	reverse_proxy UPSTREAM`, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>%s</title><article><p>The beginning is short.</p><p>%s</p><p>canary of %s</p></article>",
			longTitle, strings.Repeat("And the rest of it is long. ", 30), r.URL.Path)
	}))
	key := s.wallet()
	hidden := regexp.MustCompile(`name="offer" value="([^"]+)"`)
	for name, letter := range map[string]string{"Chinese": "書", "Thai": "ข", "Hindi": "क", "Japanese": "ひ", "Korean": "한", "emoji": "🎻"} {
		for i, slash := range []string{"", "/", "?utm_source=" + strings.Repeat("newsletter", 8)} {
			slug := strings.Repeat(letter, 200)
			if len(letter) > 3 {
				slug = strings.Repeat(letter, 140)
			}
			slug += fmt.Sprint(i) // each is another article
			path := "/articles/" + url.PathEscape(slug) + slash
			teased := s.get(path, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none", "Cookie", "paywall_wallet="+key)
			if teased.StatusCode != http.StatusOK && teased.StatusCode != http.StatusSeeOther || strings.Contains(teased.body, "canary") {
				t.Errorf("%s%s: %s: %.300s", name, slash, teased.Status, teased.body)
				continue
			}
			if slash == "" {
				offer := hidden.FindStringSubmatch(teased.body)
				if offer == nil {
					t.Errorf("%s: no form in the teaser: %s %.2000s", name, teased.Status, teased.body)
					continue
				}
			}
			_, r := s.unlock(key, s.offer(path))
			if want := "/articles/" + slug; r.Resource != want {
				t.Errorf("%s%s: bought %q", name, slash, r.Resource)
			}
			if a := s.get(path, "Authorization", "Bearer "+r.Token); !strings.Contains(a.body, "canary of /articles/"+slug) {
				t.Errorf("%s%s: %s", name, slash, a.Status)
			}
			sent := s.get(path, "Sec-Fetch-Mode", "navigate", "Accept", "text/html", "Cookie", "paywall_wallet="+key)
			if !strings.Contains(sent.body, "canary") {
				t.Errorf("%s%s, by its wallet: %s", name, slash, sent.Status)
			}
		}
	}
	s.verify()
}
