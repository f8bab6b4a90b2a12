package gate

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// exceptFiles is what a publisher writes as "not path *.jpg *.css".
type exceptFiles struct{ pricing.Paths }

func (m exceptFiles) Match(r *http.Request, path string) bool {
	return m.Paths.Match(r, path) && !pricing.Paths{"*.jpg", "*.css"}.Match(r, path)
}

func newSiteWithFiles(t *testing.T) *site {
	t.Helper()
	table, err := pricing.NewTable(exceptFiles{pricing.Paths{"/articles/*"}}, []pricing.Rule{
		{Match: pricing.Paths{"*.svg"}, Free: true}, {Price: price("0.20")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return newSiteWith(t, table)
}

const filePage = "<!doctype html><title>The Penny Post</title>" + canary

// TestNoPageIsReadUnderTheNameOfAFile: a site that overlooks what stands after a
// page's name has the page at "/articles/p1/x.jpg", which nobody meant to leave out.
func TestNoPageIsReadUnderTheNameOfAFile(t *testing.T) {
	typed := func(kind string, write func(http.ResponseWriter) error) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, r *http.Request) error {
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.Header().Set("X-Page", canary)
			return write(w)
		}
	}
	whole := func(w http.ResponseWriter) error { _, err := io.WriteString(w, filePage); return err }
	for name, upstream := range map[string]func(http.ResponseWriter, *http.Request) error{
		"HTML":         typed("Text/HTML; charset=utf-8", whole),
		"XHTML":        typed("application/xhtml+xml", whole),
		"Markdown":     typed("text/markdown", whole),
		"no type":      typed("", whole),
		"ranges":       typed("multipart/byteranges; boundary=x", whole),
		"status first": typed("", func(w http.ResponseWriter) error { w.WriteHeader(http.StatusOK); return whole(w) }),
		"status twice": typed("", func(w http.ResponseWriter) error { w.WriteHeader(200); w.WriteHeader(404); return whole(w) }),
		"flushed first": typed("", func(w http.ResponseWriter) error {
			w.(http.Flusher).Flush()
			return whole(w)
		}),
		"copied": typed("", func(w http.ResponseWriter) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader(filePage))
			return err
		}),
		"coded, no type": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Encoding", "br")
			return whole(w)
		},
		"a range, no type": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Page", canary)
			w.WriteHeader(http.StatusPartialContent)
			_, err := io.WriteString(w, filePage[10:])
			return err
		},
		"a blank first": typed("", func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, "\n")
			return whole(w)
		}),
		"a part of a page": typed("", func(w http.ResponseWriter) error { _, err := io.WriteString(w, "<main>"+canary); return err }),
		"storage": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Location", "https://bucket.example/p1?X-Amz-Signature="+canary)
			w.WriteHeader(http.StatusFound)
			return nil
		},
		"handed over": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/css")
			w.Header().Set("X-Accel-Redirect", "/protected/"+canary)
			w.WriteHeader(http.StatusOK)
			return nil
		},
		"hints first": typed("text/html", func(w http.ResponseWriter) error { w.WriteHeader(http.StatusEarlyHints); return whole(w) }),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSiteWithFiles(t)
			s.upstream = upstream
			for _, target := range []string{"/articles/p1/x.jpg", "/articles/p1.jpg/", "/articles/p1.jpg.jpg", "/articles/p1/a.css", "/articles/p1.svg"} {
				for range 2 {
					res := s.do("GET", target)
					wantNoCanary(t, res, wantStatus(t, res, http.StatusForbidden))
				}
			}
			if n := strings.Count(s.logs.String(), "withheld a page"); n != 1 {
				t.Errorf("told the operator %d times:\n%s", n, &s.logs)
			}
		})
	}
}

// TestFilesThatAnEndingLeavesOutPass: whatever they are, and whatever a site answers
// where there is none.
func TestFilesThatAnEndingLeavesOutPass(t *testing.T) {
	s := newSiteWithFiles(t)
	for kind, content := range map[string]string{
		"text/css": "p{}", "image/jpeg": "\xff\xd8\xff", "text/plain; charset=utf-8": "p{}", "": "p{}", "application/octet-stream": "<html>",
	} {
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.WriteHeader(http.StatusOK)
			if r.Method == http.MethodHead {
				return nil
			}
			_, err := io.WriteString(w, content)
			return err
		}
		if got := wantStatus(t, s.do("GET", "/articles/p1/x.css"), http.StatusOK); got != content {
			t.Errorf("%q: %q", kind, got)
		}
		wantStatus(t, s.do("HEAD", "/articles/p1/x.css"), http.StatusOK)
	}
	s.upstream = article
	wantStatus(t, s.do("GET", "/elsewhere/page.jpg"), http.StatusOK)
	s.upstream = status(http.StatusNotFound)
	wantStatus(t, s.do("GET", "/articles/p1/x.css"), http.StatusNotFound)
	s.upstream = func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusNoContent); return nil }
	wantStatus(t, s.do("GET", "/articles/p1/x.css"), http.StatusNoContent)
}

// TestPartOfABoughtPageIsNoPage: who owns a page gets its pictures, and no other page
// that the site delivers under a picture's name, whether it says so or not.
func TestPartOfABoughtPageIsNoPage(t *testing.T) {
	key := paywall.NewWalletKey()
	for name, c := range map[string]struct {
		kind, content string
		want          int
	}{
		"picture":          {"image/jpeg", "\xff\xd8\xff", http.StatusOK},
		"page":             {"text/html", filePage, http.StatusPaymentRequired},
		"page as JSON":     {"application/activity+json", `{"text":"` + canary + `"}`, http.StatusPaymentRequired},
		"page, no type":    {"", filePage, http.StatusPaymentRequired},
		"picture, no type": {"", "\xff\xd8\xff", http.StatusOK},
	} {
		s := newSite(t)
		s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
		s.upstream = func(w http.ResponseWriter, _ *http.Request) error {
			if c.kind != "" {
				w.Header().Set("Content-Type", c.kind)
			}
			_, err := io.WriteString(w, c.content)
			return err
		}
		res := s.do("GET", pagePath+"/pic.jpg", "Cookie: __Host-paywall_wallet="+string(key))
		if b := wantStatus(t, res, c.want); c.want != http.StatusOK && strings.Contains(b, canary) {
			t.Errorf("%s leaked", name)
		}
	}
}
