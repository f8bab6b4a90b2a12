package paywall

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAccessCookieIsSentWhereItsPageIs(t *testing.T) {
	for _, tc := range []struct{ resource, page, path string }{
		{"/articles/tea", "/articles/tea", "/articles/tea"},
		{"/articles/tea", "/articles/tea/?ref=front", "/articles/tea"},
		{"/articles/tea", "", "/articles/tea"},
		{"/articles/Ōe", "/articles/%C5%8Ce", "/articles/%C5%8Ce"},
		{"/articles/Ōe", "/articles/%c5%8ce", "/articles/%c5%8ce"},
		{"/articles/Ōe", "/articles/%c5%8Ce/?x=%c5", "/articles/%c5%8Ce"},
		{"/albums/Ōe", "/albums/%c5%8ce/1%c5%8c.mp3", "/albums/%c5%8ce"},
		{"/albums/Ōe/*", "/albums/%c5%8ce/1.mp3", "/albums/%c5%8ce"},
		{"/Ōe?p=7", "/%c5%8ce?p=7", "/%c5%8ce"},
		{"/articles/tea", "/t%c3%a9", "/t%c3%a9"},
		{"/albums/x", "/albums/x/1.mp3", "/albums/x"},
		{"/albums/x/*", "/albums/x/1.mp3?a", "/albums/x"},
		{"/albums/x", "/albums/xy", "/albums/xy"},
		{"/index.php?p=7", "/index.php?p=7&ref=front", "/index.php"},
		{"/index.php?p=7", "/2026/tea", "/2026/tea"},
		{"/articles/tea", "/tea?a=/b", "/tea"},
		{"/articles/today", "/?a", "/articles/today"}, // not to every page
		{"/", "/", "/"},
		{"/", "/a", "/"},
	} {
		if c := NewAccessCookie(true, tc.resource, tc.page, "t", time.Now()); c.Path != tc.path {
			t.Errorf("%s asked for as %q: path %q, want %q", tc.resource, tc.page, c.Path, tc.path)
		}
	}
}

// TestTheWalletOutlivesOtherCookies: browsers drop those of a lower priority first.
func TestTheWalletOutlivesOtherCookies(t *testing.T) {
	for cookie, high := range map[*http.Cookie]bool{
		NewWalletCookie(true, NewWalletKey(), time.Now()): true, NewWalletCookie(false, NewWalletKey(), time.Now()): true,
		NewAccessCookie(true, "/a", "/a", "t", time.Now()): false, NewLanguageCookie(true, "de", time.Now()): false,
	} {
		h := make(http.Header)
		SetCookie(h, cookie)
		if line := h.Get("Set-Cookie"); !strings.HasPrefix(line, cookie.String()) || strings.HasSuffix(line, "; Priority=High") != high {
			t.Error(line)
		}
	}
}
