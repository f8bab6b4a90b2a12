package gate

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// scrub takes from an answer, its trailers included, what is not the site's to say:
// our cookies and our headers. From a paid one it also takes whatever would let a
// cache keep it: each CDN has its own name for that, and they go before Cache-Control
// (RFC 9213). spared says that the site wanted the browser's cookies cleared, ours
// among them, and that it was not let.
func scrub(h http.Header, paid bool) (spared bool) {
	for name := range h {
		switch name {
		case "Set-Cookie":
			scrubCookies(h)
			continue
		case "Trailer":
			scrubTrailer(h)
			continue
		case "Clear-Site-Data":
			spared = spareCookies(h)
			continue
		case "Expires", "Age", "Pragma", "Surrogate-Control", "X-Accel-Expires", "Edge-Control":
			if paid {
				delete(h, name)
			}
			continue
		}
		if ours(name) || strings.HasPrefix(name, http.TrailerPrefix) && ours(name[len(http.TrailerPrefix):]) || paid && strings.HasSuffix(name, "-Cache-Control") {
			delete(h, name)
		}
	}
	return spared
}

func scrubCookies(h http.Header) {
	lines := h["Set-Cookie"]
	for i, line := range lines {
		if !setsOurs(line) {
			continue
		}
		kept := append([]string(nil), lines[:i]...)
		for _, line := range lines[i+1:] {
			if !setsOurs(line) {
				kept = append(kept, line)
			}
		}
		if len(kept) == 0 {
			delete(h, "Set-Cookie")
			return
		}
		h["Set-Cookie"] = kept
		return
	}
}

// setsOurs also sees through a cookie without a name whose value looks like one
// of ours: it comes back from a browser as if it had been (RFC 6265bis, 5.7).
func setsOurs(line string) bool {
	pair, _, _ := strings.Cut(strings.TrimLeft(line, " \t="), ";")
	name, _, _ := strings.Cut(pair, "=")
	name = strings.TrimRight(name, " \t")
	if len(name) < len("paywall_") {
		return false
	}
	for _, c := range [...]paywall.CookieName{paywall.AccessCookie, paywall.WalletCookie, paywall.LanguageCookie, paywall.TestCookie, paywall.CSRFCookie, paywall.ConsentCookie} {
		if strings.EqualFold(name, c.On(true)) || strings.EqualFold(name, c.On(false)) {
			return true
		}
	}
	return false
}

// scrubTrailer takes our names from the trailers that an answer announces. What is
// not announced is not sent (net/http), but for what has its prefix.
func scrubTrailer(h http.Header) {
	var kept []string
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.Trim(name, " \t"); !ours(name) {
				kept = append(kept, name)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Trailer")
		return
	}
	h["Trailer"] = kept
}

// allButCookies is what Clear-Site-Data: "*" clears beside cookies.
const allButCookies = `"cache", "storage", "executionContexts", "clientHints", "prefetchCache", "prerenderCache"`

// spareCookies leaves the reader's cookies alone when a site has the browser clear
// what it keeps: the wallet's is money. Browsers cannot be told to spare one.
func spareCookies(h http.Header) bool {
	var kept []string
	spared := false
	for _, line := range h["Clear-Site-Data"] {
		for kind := range strings.SplitSeq(line, ",") {
			switch kind = strings.Trim(kind, " \t"); kind {
			case `"cookies"`:
				spared = true
			case `"*"`:
				spared = true
				kept = append(kept, allButCookies)
			default:
				kept = append(kept, kind)
			}
		}
	}
	switch {
	case !spared:
	case len(kept) == 0:
		delete(h, "Clear-Site-Data")
	default:
		h["Clear-Site-Data"] = []string{strings.Join(kept, ", ")}
	}
	return spared
}

// noteClearSiteData tells the operator, once, that the site's own cookies stay too.
func noteClearSiteData(g *Gate) {
	if g.told.first("Clear-Site-Data") {
		g.o.Logger.LogAttrs(context.Background(), slog.LevelWarn,
			"took cookies out of a Clear-Site-Data of the site, which would have cost its reader the wallet; end a login with Set-Cookie and Max-Age=0")
	}
}

// keptOpener is the opener policy of an answer for something that has a price. A
// site that lets its pages open windows of others, as for a login, keeps that: such a
// page is cut off from whoever opened it just as well.
func keptOpener(h http.Header) string {
	if values := h["Cross-Origin-Opener-Policy"]; len(values) == 1 {
		if policy, _, _ := strings.Cut(values[0], ";"); strings.TrimRight(policy, " \t") == "same-origin-allow-popups" {
			return "same-origin-allow-popups"
		}
	}
	return openerPolicy
}

// sandboxed reports whether a page's policy puts it in a sandbox. Browsers refuse to
// show one that has an opener policy as well (HTML, 7.4.5).
func sandboxed(h http.Header) bool {
	for _, line := range h["Content-Security-Policy"] {
		for directive := range strings.FieldsFuncSeq(line, func(c rune) bool { return c == ';' || c == ',' }) {
			if name, _, _ := strings.Cut(strings.TrimSpace(directive), " "); strings.EqualFold(name, "sandbox") {
				return true
			}
		}
	}
	return false
}
