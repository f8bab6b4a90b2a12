package checkout

import (
	"errors"
	"maps"
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

var errDisk = errors.New("the disk is on fire")

// allPages is every page, some in several states.
func (s *site) allPages() map[string]*httptest.ResponseRecorder {
	key, _ := s.opened(5_000_000)
	poor, _ := s.opened(100_000)
	capped, w := s.opened(6_000_000)
	s.spends(w, 6_000_000)
	thrifty, w := s.opened(5_000_000)
	s.budget(w, 100_000)
	id := s.bought(key)
	s.bought(key, resource("/articles/two"))
	s.call("/.paywall/refund", object{"unlock_id": id}, bearer(key))
	pages := map[string]*httptest.ResponseRecorder{
		"purchase":      s.get("/.paywall/unlock?offer="+s.offer(), cookie(key)),
		"first":         s.get("/.paywall/unlock?offer=" + s.offer(func(o *paywall.Offer) { o.Access = 30 * 24 * time.Hour; o.Words = 1 })),
		"untitled":      s.get("/.paywall/unlock?offer=" + s.offer(func(o *paywall.Offer) { o.Title, o.Words = "", 0 })),
		"poor":          s.get("/.paywall/unlock?offer="+s.offer(), cookie(poor)),
		"insufficient":  s.post("/.paywall/unlock", []string{"offer", s.offer(price(3_000_000))}, cookie(poor)),
		"wallet":        s.get("/.paywall/wallet?notice=refunded", cookie(key)),
		"stranger":      s.get("/.paywall/wallet"),
		"wrong code":    s.post("/.paywall/wallet/recover", []string{"code", "x"}),
		"topup":         s.get("/.paywall/topup", cookie(key)),
		"first topup":   s.get("/.paywall/topup"),
		"wrong voucher": s.post("/.paywall/topup/voucher", []string{"code", "x"}, cookie(key)),
		"wrong limits":  s.post("/.paywall/wallet/settings", []string{"budget", "much", "per_article", "0.3", "per_week", "3"}, cookie(key)),
		"limits":        s.limited(),
		"receipt":       s.get("/.paywall/receipt?unlock="+s.bought(key, resource("/articles/three")), cookie(key)),
		"refunded":      s.get("/.paywall/receipt?unlock="+id, cookie(key)),
		"no receipt":    s.get("/.paywall/receipt?unlock=x", cookie(key)),
		"passkeys":      s.withPasskeys(),
		"wrong passkey": s.enters(&authenticator{id: []byte{1}, ec: newAuthenticator(s.t).ec, handle: []byte{1}, origin: testOrigin}),
		"erase":         s.get("/.paywall/wallet/erase", cookie(key)),
		"gift":          s.get(giftLink(s.given("/articles/four"))),
		"gift known":    s.get(giftLink(s.given("/articles/five", lasts)), cookie(poor)),
		"gift over":     s.get(giftLink(s.given("/articles/six", refunded))),
		"no gift":       s.get("/.paywall/gift?key=x"),
		"gift link":     s.post("/.paywall/wallet/gift", []string{"unlock_id", s.bought(key, resource("/articles/seven"))}, cookie(key)),
		"gifts":         s.generous(),
		"tip receipt":   s.tipReceipt(),
		"poor tip":      s.tipTooMuch(),
		"erase nothing": s.get("/.paywall/wallet/erase"),
		"no cookies":    s.get("/.paywall/wallet?notice=again"),
		"reset":         s.get("/.paywall/reset", cookie(key)),
		"reset nothing": s.get("/.paywall/reset"),
		"reset done":    s.post("/.paywall/reset", nil, cookie(key)),
		"capped":        s.get("/.paywall/unlock?offer="+s.offer(underCap(6_000_000)), cookie(key)),
		"to the cap":    s.get("/.paywall/unlock?offer="+s.offer(underCap(100_000)), cookie(key)),
		"at the cap":    s.get("/.paywall/unlock?offer="+s.offer(underCap(6_000_000)), cookie(capped)),
		"opens alone":   s.opensAlone(),
		"asks first":    s.asksFirst(),
		"suggestion":    s.suggested(),
		"over budget":   s.get("/.paywall/unlock?offer="+s.offer(), cookie(thrifty)),
		"404":           s.get("/.paywall/x"),
		"405":           s.get("/.paywall/refund"),
		"403":           s.post("/.paywall/refund", nil, header("Sec-Fetch-Site", "cross-site")),
		"415":           s.send(http.MethodPost, "/.paywall/refund", "text/plain", "x"),
		"413":           s.post("/.paywall/refund", []string{"x", strings.Repeat("a", maxBody)}),
		"425":           s.post("/.paywall/refund", nil, header("Early-Data", "1")),
		"400":           s.get("/.paywall/unlock"),
	}
	raw := s.offer()
	s.advance(time.Hour)
	pages["410"] = s.get("/.paywall/unlock?offer=" + raw)
	pages["409"] = s.post("/.paywall/refund", []string{"unlock_id", s.lateUnlock(key)}, cookie(key))
	s.breakWith(paywall.ErrUnavailable)
	pages["503"] = s.get("/.paywall/wallet")
	s.breakWith(errDisk)
	pages["500"] = s.get("/.paywall/unlock?offer="+s.offer(), cookie(key))
	s.repair()
	money := newFunded(s.t, func(o *Options) { o.Languages, o.Look = s.c.o.Languages, s.c.o.Look })
	s.pays, money.quiet = money.c.payPages(), s.quiet
	maps.Copy(pages, money.moneyPages())
	return pages
}

// limited is the wallet page of somebody who has set everything, and is let in
// twice.
func (s *site) limited() *httptest.ResponseRecorder {
	key, _ := s.opened(5_000_000)
	s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()})
	s.bought(key)
	s.call("/.paywall/wallet/settings", object{"budget": "3.00", "per_article": "0.30", "per_week": "3.00", "forget": true}, bearer(key))
	return s.get("/.paywall/wallet?notice=saved", cookie(key))
}

func (s *site) lateUnlock(key paywall.WalletKey) string {
	id := s.bought(key, resource("/articles/late"))
	s.advance(time.Hour)
	return id
}

func TestG13S04EveryPageIsSafeSmallAndCompleteInEveryLanguage(t *testing.T) {
	for _, tag := range page.Languages {
		t.Run(tag, func(t *testing.T) { checkPages(t, newSite(t, inLanguages(firstOf(tag)...)), catalogueOf(t, tag)) })
	}
}

func checkPages(t *testing.T, s *site, c *page.Catalogue) {
	missing := regexp.MustCompile(`%!|no value|\b(onward|navigation|language|money|number|date|month|unlock|wallet|voucher|topup|error|erase|recover|stranger|notice|reset|settings|budget|auto|memory|devices|export|receipt|tip|gift|giftlink|copy|qr|passkey|minutes|hours|days|words|reading|cap|overspent|add|intent|transfer|moving|owing|closed|cashout|cashedout)\.[a-zA-Z]+\b`)
	for name, w := range s.allPages() {
		t.Run(name, func(t *testing.T) {
			h, body := w.Header(), w.Body.String()
			for key, want := range map[string]string{
				"Content-Security-Policy":    s.policyOf(body),
				"X-Frame-Options":            "DENY",
				"X-Content-Type-Options":     "nosniff",
				"Referrer-Policy":            referrersOf(name),
				"Cross-Origin-Opener-Policy": "same-origin",
				"Cache-Control":              "no-store",
				"Vary":                       "Cookie, Authorization, Accept-Language",
				"Content-Type":               "text/html; charset=utf-8",
			} {
				if h.Get(key) != want {
					t.Errorf("%s: %q", key, h.Get(key))
				}
			}
			weight := len(body) + len(s.c.o.Look.Style().Body()) + len(page.Icon.Body())
			for _, a := range []page.Asset{page.WalletScript, page.PressGuard, page.TopUpScript, page.AutoScript} {
				if strings.Contains(body, a.URL()) {
					weight += len(a.Body())
				}
			}
			// Each purchase that is listed beyond the first has its forms.
			if more := strings.Count(body, "/.paywall/receipt?unlock=") - 1; weight > 26<<10+max(more, 0)*3<<9 {
				t.Errorf("%d bytes", weight)
			}
			text := strings.ReplaceAll(body, "/.paywall/wallet", "")
			if found := missing.FindString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")); found != "" {
				t.Errorf("a text is missing: %q", found)
			}
			if !strings.Contains(body, `<html lang="`+c.Tag+`" dir="`+c.Dir+`">`) {
				t.Error("the page does not name its language and direction")
			}
			checkMarkup(t, body)
			if strings.Contains(body, `method="post"`) && !strings.Contains(body, "/static/press.") {
				t.Error("a press that was meant for another page sends a form of this one")
			}
		})
	}
}

// policyOf is the policy that a page needs: scripts where it has one, the pages of payment
// where a form of it leads there.
func (s *site) policyOf(body string) string {
	var pays []string
	if strings.Contains(body, `action="/.paywall/topup/card"`) {
		pays = s.pays
	}
	return security(strings.Contains(body, "<script"), pays)
}

// referrersOf is to whom a page's address is told: that of a gift link or a payment to
// nobody.
func referrersOf(page string) string {
	switch page {
	case "gift", "gift known", "gift over", "no gift",
		"money waiting", "money pending", "money paid", "money paid elsewhere", "money failed", "money canceled", "money transfer", "money transfer elsewhere":
		return "strict-origin"
	}
	return "same-origin"
}

// checkMarkup walks a page: nothing inline that the CSP would block, nothing
// from elsewhere, a heading, a label for every field, text on every button.
func checkMarkup(t *testing.T, body string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	count, ids, labels := map[string]int{}, map[string]bool{}, map[string]bool{}
	var inputs []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("inline %s on %s", a.Key, n.Data)
			}
			if (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && a.Val != shop && !strings.HasPrefix(a.Val, "http://127.0.0.1:") {
				t.Errorf("%s leads to %q", a.Key, a.Val)
			}
		}
		if id := attrs["id"]; id != "" {
			if ids[id] {
				t.Errorf("id %s twice", id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "script":
			_, deferred := attrs["defer"]
			classic := slices.Contains([]string{page.WalletScript.URL(), page.PressGuard.URL(), page.TopUpScript.URL(), page.AutoScript.URL()}, attrs["src"]) && deferred
			module := attrs["src"] == page.PasskeyModule.URL() && attrs["type"] == "module"
			if !classic && !module || n.FirstChild != nil {
				t.Errorf("a script of %q", attrs["src"])
			}
		case "style", "iframe", "object", "base":
			t.Errorf("a page holds <%s>", n.Data)
		case "input":
			if attrs["type"] != "hidden" {
				inputs = append(inputs, attrs["id"])
			}
		case "label":
			labels[attrs["for"]] = true
		case "form":
			// The switch is the one form that changes nothing and may be a GET.
			if isSwitch := attrs["aria-label"] != ""; attrs["method"] != "post" && (!isSwitch || attrs["method"] != "get") {
				t.Errorf("form with method %q", attrs["method"])
			}
		}
	}
	for _, id := range inputs {
		if !labels[id] {
			t.Errorf("field %q has no label", id)
		}
	}
	if count["h1"] != 1 || count["title"] != 1 || count["main"] != 1 {
		t.Errorf("elements %v", count)
	}
}

func TestS03HostileTitlesStayText(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(50_000_000)
	for _, title := range []string{
		`<script>alert(1)</script>`, `"onx="alert(1)`, `'><img src=x onerror=alert(1)>`, `{{7*7}}`, `{{.NewWallet}}`, `{env.SECRET}`,
		`{http.vars.x}`, `</title><script>1</script>`, `%s %d %!s`, "a\u202Egnp.exe", "\x07bell", `javascript:alert(1)`, `<!--`, `${7*7}`,
	} {
		t.Run(title, func(t *testing.T) {
			raw := s.offer(resource("/articles/"+paywall.NewID()), func(o *paywall.Offer) { o.Title = title })
			pages := []string{s.get("/.paywall/unlock?offer="+raw, cookie(key)).Body.String()}
			wantStatus(t, s.post("/.paywall/unlock", []string{"offer", raw}, cookie(key)), http.StatusSeeOther)
			pages = append(pages, s.get("/.paywall/wallet", cookie(key)).Body.String())
			for _, sent := range pages {
				checkMarkup(t, sent)
				if strings.ContainsAny(sent, "\u202e\x07") {
					t.Error("control characters reached the page")
				}
				doc, _ := html.Parse(strings.NewReader(sent))
				if text := textOf(doc); !strings.Contains(text, page.DisplayTitle(title)) {
					t.Errorf("the title is not shown as it is: %s", text)
				}
			}
		})
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestNoticesCannotBeMadeUp(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(1)
	for _, notice := range []string{"<b>hello", "error.internal", "Send%20money%20to", "../x", ""} {
		body := s.get("/.paywall/wallet?notice="+notice, cookie(key)).Body.String()
		if strings.Contains(body, `class="notice"`) {
			t.Errorf("%q is shown", notice)
		}
	}
}

func TestPurchasesOnASisterSiteLinkThere(t *testing.T) {
	s := newSite(t)
	key, w := s.opened(5_000_000)
	s.boughtBehind(w, elsewhere, resource("/albums/x"))
	s.boughtBehind(w, func(o *paywall.Offer) { o.URL = "//evil.test" })
	page := s.get("/.paywall/wallet", cookie(key))
	wantText(t, page, `href="https://music.example/albums/x"`)
	if strings.Contains(page.Body.String(), "evil.test") {
		t.Error("a hostile link is shown")
	}
}

func TestPagesShowTheHost(t *testing.T) {
	s := newSite(t)
	wantText(t, s.get("/.paywall/wallet"), "<bdi>news.example</bdi>")
}
