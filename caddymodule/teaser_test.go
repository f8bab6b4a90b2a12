package caddymodule

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const teasing = `encode zstd gzip
	paywall /articles/* 0.20 {
		teaser article {
			paragraphs 1
		}
	}
	handle {
		encode zstd gzip
		reverse_proxy UPSTREAM
	}`

// magazine is an upstream with articles of several paragraphs, which it
// compresses whether it was asked to or not.
func magazine(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Etag", `"canary"`)
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("Link", "</canary.json>; rel=preload; as=fetch")
	h.Set("Content-Encoding", "gzip")
	gz := gzip.NewWriter(w)
	defer gz.Close()
	fmt.Fprintf(gz, `<!doctype html><title>On %[1]s</title><meta name=description content="canary"><body class=look><article><p>The free part of %[1]s is this.</p>%[2]s</article>
<script>canary</script>`, r.URL.Path, strings.Repeat("<p>The canary of "+r.URL.Path+" sings on and on.</p>", 200))
}

// decoded is the body of an answer without its content coding.
func decoded(t *testing.T, a *answer) string {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch coding := a.Header.Get("Content-Encoding"); coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	case "":
	default:
		t.Fatalf("Content-Encoding %q", coding)
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestD11ATeaserIsCompressedOnItsWayOnly(t *testing.T) {
	s := newSite(t, "welcome 0.60", teasing, http.HandlerFunc(magazine))
	for _, coding := range []string{"gzip", "zstd", "identity"} {
		for range 2 {
			a := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Accept", "text/html", "Accept-Encoding", coding)
			body := decoded(t, a)
			if a.StatusCode != http.StatusOK || !strings.Contains(body, "The free part of /articles/a is this.") || !strings.Contains(body, "Read on for €0.20") || !strings.Contains(body, `<body class="look">`) {
				t.Fatalf("%s: %s %v: %s", coding, a.Status, a.Header, body)
			}
			if strings.Contains(body+fmt.Sprint(a.Header), "canary") {
				t.Errorf("%s: a canary in %v: %s", coding, a.Header, body)
			}
			if got := a.Header["Cache-Control"]; len(got) != 1 || got[0] != "private, no-store" {
				t.Errorf("Cache-Control %q", got)
			}
			if vary := strings.Join(a.Header["Vary"], ", "); !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Authorization") || !strings.Contains(vary, "Accept-Encoding") {
				t.Errorf("Vary %q", vary)
			}
		}
	}
	if a := s.get("/articles/a", "Accept", "application/json"); a.StatusCode != http.StatusPaymentRequired || strings.Contains(a.body, "canary") {
		t.Errorf("%s: %s", a.Status, a.body)
	}
	get, head := s.get("/articles/a", "Accept", "text/html", "Accept-Encoding", "identity"), s.do(http.MethodHead, "/articles/a", "", "Accept", "text/html", "Accept-Encoding", "identity")
	if head.StatusCode != http.StatusOK || head.body != "" || get.ContentLength != head.ContentLength || head.ContentLength < 500 {
		t.Errorf("HEAD: %s, %d bytes; GET: %d", head.Status, head.ContentLength, get.ContentLength)
	}
}

func TestReaderWithAWalletBuysFromTheTeaser(t *testing.T) {
	s := newSite(t, "welcome 0.60", teasing, http.HandlerFunc(magazine))
	key := s.wallet()
	page := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Cookie", "paywall_wallet="+key, "Accept-Encoding", "identity")
	_, rest, ok := strings.Cut(page.body, `<form method="post" action="/.paywall/unlock">`)
	if !ok || !strings.Contains(rest, ">Pay €0.20 and read</button>") {
		t.Fatalf("no form: %s: %s", page.Status, page.body)
	}
	_, offer, _ := strings.Cut(rest, `name="offer" value="`)
	offer, _, _ = strings.Cut(offer, `"`)
	for range 2 { // a double click
		a := s.do(http.MethodPost, "/.paywall/unlock", url.Values{"offer": {offer}}.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Site", "same-origin", "Accept", "text/html", "Cookie", "paywall_wallet="+key)
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/articles/a" {
			t.Fatalf("%s to %s: %s", a.Status, a.Header.Get("Location"), a.body)
		}
		var access string
		for _, c := range a.Cookies() {
			if c.Name == "paywall_access" {
				access = c.Value
			}
		}
		whole := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Cookie", "paywall_access="+access, "Accept-Encoding", "identity")
		if body := decoded(t, whole); !strings.Contains(body, "The canary of /articles/a") || strings.Contains(body, "paywall-cut") {
			t.Errorf("%s: %.300s", whole.Status, body)
		}
	}
	s.wantBalance(key, "0.40")
	s.verify()
}

// TestTheTeaserSpeaksTheLanguageThatWasChosen at the checkout, whatever the
// browser asks for.
func TestTheTeaserSpeaksTheLanguageThatWasChosen(t *testing.T) {
	s := newSite(t, "welcome 0.60", teasing, http.HandlerFunc(magazine))
	for cookie, want := range map[string]string{"a=b": "Read on for €0.20", "a=b; paywall_lang=de": `lang="de"`} {
		page := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Accept-Language", "en", "Cookie", cookie, "Accept-Encoding", "identity")
		if page.StatusCode != http.StatusOK || !strings.Contains(page.body, want) {
			t.Errorf("%s: %s: %.600s", cookie, page.Status, page.body)
		}
	}
}
