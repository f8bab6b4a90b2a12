package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// authServer says yes to whoever brings a cookie of its own, and writes down what
// it was sent.
type authServer struct {
	mu   sync.Mutex
	sent []http.Header
}

func (a *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	head := r.Header.Clone()
	head.Set("Target", r.URL.RequestURI())
	a.sent = append(a.sent, head)
	if c, err := r.Cookie("session"); err != nil || c.Value != "alice" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Remote-User", "alice")
}

// take answers what was sent since it was last asked.
func (a *authServer) take() []http.Header {
	a.mu.Lock()
	defer a.mu.Unlock()
	sent := a.sent
	a.sent = nil
	return sent
}

// TestWhoIsAskedBeforeTheGateLearnsNoKey: neither a wallet's nor a token, wherever
// forward_auth stands, while the site gets what it copies.
func TestWhoIsAskedBeforeTheGateLearnsNoKey(t *testing.T) {
	auth := new(authServer)
	asked := httptest.NewServer(auth)
	defer asked.Close()
	ask := "forward_auth " + asked.Listener.Addr().String() + " {\n\t\turi /auth\n\t\tcopy_headers Remote-User\n\t}"
	article := "paywall /articles/* 0.20 {\n\t\tgift_links 5 per month\n\t}\n\treverse_proxy UPSTREAM"
	var user string
	s := newSite(t, "welcome 5.00", article, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user = r.Header.Get("Remote-User")
		new(articles).ServeHTTP(w, r)
	}))
	key := s.wallet()
	_, bought := s.unlock(key, s.offer("/articles/a"))

	for name, body := range map[string]string{
		"by directive order": ask + "\n\t" + article,
		"in a route":         "route {\n\t" + ask + "\n\t" + article + "\n\t}",
		"for some paths":     strings.Replace(ask, "forward_auth ", "forward_auth /* ", 1) + "\n\t" + article,
		"in a block":         "route {\n\troute {\n\t" + ask + "\n\t}\n\t" + article + "\n\t}",
		"above its host":     "@here host localhost\n\t" + ask + "\n\thandle @here {\n\t" + article + "\n\t}",
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if err := s.load(body); err != nil {
				t.Fatal(err)
			}
			wallet := "session=alice; paywall_wallet=" + key + "; __Host-paywall_wallet=" + key
			for _, tc := range []struct {
				path    string
				status  int
				headers []string
			}{
				{"/articles/a", 200, []string{"Cookie", wallet + "; paywall_access=" + bought.Token + "; theme=dark"}},
				{"/articles/a", 200, []string{"Cookie", wallet}},
				{"/articles/a", 200, []string{"Cookie", "session=alice", "Authorization", "Bearer " + bought.Token}},
				{"/articles/b", 402, []string{"Cookie", "session=alice", "Authorization", "Bearer " + key}},
				{"/articles/b", 402, []string{"Cookie", "session=alice", "Authorization", "bearer  " + key}},
				{"/.paywall/wallet", 200, []string{"Accept", "application/json", "Cookie", "session=alice", "Authorization", "Bearer " + key}},
				{"/.paywall/wallet", 200, []string{"Accept", "application/json", "Cookie", wallet}},
				{"/about", 200, []string{"Cookie", wallet, "Referer", s.url + "/.paywall/gift?key=" + key}},
				{"/.paywall/gift?key=" + key, 410, []string{"Cookie", "session=alice"}},
				{"/articles/a", 401, []string{"Cookie", "paywall_wallet=" + key}},
			} {
				user = ""
				a := s.get(tc.path, tc.headers...)
				if a.StatusCode != tc.status {
					t.Errorf("%s %v: %s: %.200s", tc.path, tc.headers, a.Status, a.body)
				}
				if tc.status == 200 && !strings.HasPrefix(tc.path, "/.paywall/") && user != "alice" {
					t.Errorf("%s: the site was told %q", tc.path, user)
				}
				sent := auth.take()
				if len(sent) == 0 {
					t.Errorf("%s: nobody was asked", tc.path)
				}
				for _, head := range sent {
					for field, values := range head {
						if all := strings.Join(values, " "); strings.Contains(all, key) || strings.Contains(all, bought.Token) || strings.Contains(all, "paywall_") {
							t.Errorf("%s: the authorization was sent %s: %s", tc.path, field, all)
						}
					}
					if strings.Contains(strings.Join(tc.headers, " "), "session=alice") && !strings.Contains(head.Get("Cookie"), "session=alice") {
						t.Errorf("%s: the authorization was sent no session: %v", tc.path, head)
					}
				}
			}
			s.get("/about", "Cookie", "session=alice; theme=dark", "Authorization", "Bearer somebody-elses")
			if sent := auth.take(); sent[0].Get("Authorization") != "Bearer somebody-elses" || sent[0].Get("Cookie") != "session=alice; theme=dark" {
				t.Errorf("what is not ours was taken away: %v", sent)
			}
		})
	}
	s.t = t
	s.verify()
}

// TestAForwardAuthOutOfReachIsRefused: one whose transport the gate cannot change.
func TestAForwardAuthOutOfReachIsRefused(t *testing.T) {
	expectRefusal(t, "&(auth) {\n\tforward_auth localhost:3 {\n\t\turi /auth\n\t}\n}\n"+block("http://a.example", "route {\n\t\tinvoke auth\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}"),
		"it stands in the named route auth; write it into the site's own block")
}

// TestNoPlaceholderTellsWhoIsAskedAKey: wherever the config puts what the client sent.
func TestNoPlaceholderTellsWhoIsAskedAKey(t *testing.T) {
	auth := new(authServer)
	asked := httptest.NewServer(auth)
	defer asked.Close()
	article := "paywall /articles/* 0.20 {\n\t\tgift_links 5 per month\n\t}\n\treverse_proxy UPSTREAM"
	s := newSite(t, "welcome 5.00", article, new(articles))
	key, gift := s.wallet(), strings.Repeat("giftlink", 5)+"abc"
	_, bought := s.unlock(key, s.offer("/articles/a"))
	placeholders := []string{
		"{http.request.header.Cookie}", "{http.request.cookie.paywall_wallet}", "x-{http.request.cookie.paywall_access}-x", "{http.request.header.Authorization}", "{uri}", "{http.request.uri}", "{http.request.uri_escaped}",
		"{http.request.uri.query}", "{http.request.uri.prefixed_query}", "{http.request.uri.query.key}", "{http.request.orig_uri}", "{http.request.orig_uri.query}", "{http.request.header.Referer}",
	}
	for i, extra := range []string{"", "header_up -Cookie\n\t\theader_up -Authorization\n\t\theader_up -Referer"} {
		for _, uri := range []string{"/auth", "/auth?c={http.request.cookie.paywall_wallet}&u={http.request.uri.query.key}", "/auth/{http.request.cookie.paywall_wallet}/{http.request.uri.query.key}"} {
			ask := "forward_auth " + asked.Listener.Addr().String() + " {\n\t\turi " + uri + "\n\t\t" + extra
			for j, placeholder := range placeholders {
				ask += "\n\t\theader_up X-Put-" + string(rune('A'+j)) + " " + placeholder
			}
			if err := s.load(ask + "\n\t}\n\t" + article); err != nil {
				t.Fatal(err)
			}
			for _, tc := range [][]string{
				{"/articles/a", "Cookie", "session=alice; theme=dark; paywall_wallet=" + key + "; paywall_access=" + bought.Token},
				{"/articles/a", "Cookie", "session=alice; theme=dark; paywall_wallet=\"" + key + "\"", "Cookie", "paywall_wallet=" + key},
				{"/articles/a", "Cookie", "session=alice; theme=dark", "Authorization", "Bearer " + bought.Token},
				{"/articles/a", "Cookie", "session=alice; theme=dark", "Authorization", "Bearer " + key, "Authorization", "bearer " + bought.Token},
				{"/.paywall/wallet", "Cookie", "session=alice; theme=dark", "Authorization", "Bearer " + key},
				{"/about", "Cookie", "session=alice; theme=dark", "Referer", s.url + "/.paywall/gift?key=" + gift},
				{"/.paywall/gift?key=" + gift, "Cookie", "session=alice; theme=dark"},
				{"/.PAYWALL/gift?key=" + strings.Replace(gift, "g", "%67", 1), "Cookie", "session=alice; theme=dark"},
			} {
				s.get(tc[0], tc[1:]...)
				sent := auth.take()
				if len(sent) != 1 {
					t.Fatalf("%v: %d were asked", tc, len(sent))
				}
				for field, values := range sent[0] {
					for _, secret := range []string{key, bought.Token, gift, gift[1:]} {
						if all := strings.Join(values, " "); strings.Contains(all, secret) {
							t.Errorf("%s, %v: the authorization was sent %s: %s", uri, tc, field, all)
						}
					}
				}
				if got := sent[0].Get("X-Put-A"); !strings.Contains(got, "session=alice; theme=dark") || i == 0 && sent[0].Get("Cookie") == "" {
					t.Errorf("%v: the authorization was sent no session: %v", tc, sent[0])
				}
			}
			s.get("/about?key=short", "Cookie", "session=alice", "Authorization", "Bearer somebody-elses-token", "Referer", "https://www.example/?q=somebody-elses-token")
			if sent := auth.take(); sent[0].Get("X-Put-D") != "Bearer somebody-elses-token" || sent[0].Get("X-Put-J") != "short" || sent[0].Get("X-Put-M") != "https://www.example/?q=somebody-elses-token" {
				t.Errorf("what is not ours was taken away: %v", sent)
			}
		}
	}
}
