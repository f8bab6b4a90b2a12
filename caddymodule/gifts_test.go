package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/gate"
)

// TestN06AGiftLinkIsNoErrorWhileTheServerStarts: the server would log it.
func TestN06AGiftLinkIsNoErrorWhileTheServerStarts(t *testing.T) {
	h := &Handler{app: &App{ready: make(chan struct{})}, gate: new(atomic.Pointer[gate.Gate])}
	for target, isError := range map[string]bool{"/.paywall/gift?key=x": false, "/.paywall/wallet": true, "/articles/a": true} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the visitor has no patience
		vars := map[string]any{}
		r := httptest.NewRequestWithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, vars), http.MethodGet, target, nil)
		w := httptest.NewRecorder()
		err := h.ServeHTTP(w, r, nil)
		if (err != nil) != isError || !isError && (w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "") {
			t.Errorf("%s: %v, %d %v", target, err, w.Code, w.Header())
		}
		if skipped := vars[caddyhttp.LogSkipVar] == true; skipped == isError {
			t.Errorf("%s: left out of the access log: %v", target, skipped)
		}
	}
}

// TestN06ARewrittenGiftLinkIsLeftOutOfTheLog: a config may send all paths to a front
// page, and the log has the address as it was sent.
func TestN06ARewrittenGiftLinkIsLeftOutOfTheLog(t *testing.T) {
	for target, want := range map[string]bool{
		"/.paywall/gift?key=x": true, "/.paywall/gift": true, "http://news.example/.paywall/gift?key=x": true, "//.paywall/gift?key=x": true,
		"/.paywall/wallet/gift": false, "/articles/a?key=/.paywall/gift": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/index.php?key=x", nil)
		original := http.Request{RequestURI: target}
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, original))
		if got := tellsGiftLink(r); got != want {
			t.Errorf("%s: left out: %v", target, got)
		}
	}
}

// TestN06WhoComesFromAGiftLinkIsLeftOutOfTheLog: the log has the Referer, and w3m
// says in it where it was.
func TestN06WhoComesFromAGiftLinkIsLeftOutOfTheLog(t *testing.T) {
	for from, want := range map[string]bool{"http://news.example/.paywall/gift?key=x": true, "http://news.example/.paywall/wallet": false, "": false} {
		r := httptest.NewRequest(http.MethodGet, "/articles/a", nil)
		r.Header.Set("Referer", from)
		if got := tellsGiftLink(r); got != want {
			t.Errorf("from %s: left out: %v", from, got)
		}
	}
}
