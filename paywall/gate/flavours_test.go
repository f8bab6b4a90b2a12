package gate

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pathtest"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// Area A through the whole gate, against every way of reading a target that is known.

// spellings are the rows of area A, in the form in which a client sends them.
var spellings = []string{
	"/articles/p1", "/articles/p10", "/articles/p1x", "/articles/p1/extra", "/articles/dear", // A01 to A04
	"/Articles/p1", "/ARTICLES/P1", "/articles/P1", "/articles/DEAR", // A05
	"/%61rticles/p1", "/articles/%70%31", // A06
	"/articles%2fp1", "/articles%2Fp1", // A07
	"/free/../articles/p1", "/./articles/p1", "/articles/../articles/p1", "/_next/../articles/p1", // A08
	"/free/%2e%2e/articles/p1", "/free/..%2farticles/p1", "/%2e%2e/articles/p1", // A09
	"//articles/p1", "/articles//p1", "/articles/p1//", "///articles/p1", // A12
	"/free/..;/articles/p1", "/free/%2e%2e;/articles/p1", "/articles/..;/articles/p1", // A14
	"/articles/p1;jsessionid=1", "/articles/p1;.css", // A15
	`/articles\p1`, "/articles%5cp1", `/\articles\p1`, // A16
	"/articles./p1", "/articles%20/p1", "/articles/p1.", "/articles/p1%20", "/articles/p1::$DATA", // A17
	"/articles/p1%00", "/articles%00/p1", "/articles/p1%00.css", "/articles/p1%0a", "/articles/p1%0d%0aX-A:1", "/articles/p1%09", "/articles/p1%7f", // A19
	"/free#/articles/p1", "/free%23/../articles/p1", "/articles/p1#x", // A20
	"/%c0%afarticles/p1", "/articles%ef%bc%8fp1", "/article%C5%BF/p1", "/art%C4%B1cles/p1", "/%E2%80%AEarticles/p1", // A21
	"http://site.test/articles/p1", "http://other.test/articles/p1", // A23
	"*", "site.test:443", // A24
	"/articles/p1?utm=1", "/articles/p1?", "/articles/p1?amp=1", "/articles/p1?/../../free", // A25
	"/articles/p1.json", "/articles/p1/amp", "/articles/p1/index.html", "/articles/p1/feed", // A26
	"/articles/p1/", "/articles/", "/articles", "/articles?/p1", // A27
}

// reading is a site of one flavour, whose pages with a price are marked with
// their names.
func reading(table *pricing.Table, flavour pathtest.Flavour) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		read := flavour.Read(r.RequestURI)
		if !strings.Contains(read, "/..") {
			read = path.Clean("/" + read)
		}
		read = norm.NFC.String(read)
		w.Header().Set("Content-Type", "text/html")
		if name, err := url.PathUnescape(read); flavour.Undecoded && err == nil && paywall.EscapePath(name) != read {
			w.WriteHeader(http.StatusNotFound) // no page of this site has such a name
			return nil
		}
		if status, _ := table.Lookup(r, read); status != pricing.Priced {
			_, err := fmt.Fprint(w, "free")
			return err
		}
		w.Header().Set("Etag", "CANARY")
		_, err := fmt.Fprintf(w, "<title>CANARY %s</title><p>CANARY %s.", read, read)
		return err
	}
}

// follow asks as a browser does: redirects to another spelling are followed.
func (s *site) follow(method, target string, header ...string) (*http.Response, string) {
	for hop := 0; ; hop++ {
		res := s.do(method, target, header...)
		b := body(s.t, res)
		location := res.Header.Get("Location")
		if res.StatusCode != http.StatusPermanentRedirect {
			return res, b
		}
		if hop > 0 || !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") {
			s.t.Errorf("%s leads to %s", target, location)
			return res, b
		}
		target = location
	}
}

func TestANoFlavourGivesAwayAPage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	targets := spellings
	for range 400 {
		targets = append(targets, pathtest.Target(rng))
	}
	for _, flavour := range pathtest.Flavours() {
		t.Run(flavour.Name, func(t *testing.T) {
			s := newSite(t)
			s.upstream = reading(s.gate.o.Table, flavour)
			owner := accessCookie(s.access(pagePath, nil))
			answers := map[int]int{}
			for i, target := range targets {
				method := []string{"GET", "HEAD", "POST"}[i%3]
				res, b := s.follow(method, target)
				answers[res.StatusCode]++
				// An offer names its page by a title, which is not sold.
				if etag := res.Header.Get("Etag"); res.StatusCode/100 == 2 && strings.Contains(b, "CANARY") || etag != "" {
					t.Errorf("%s %q was given away: %d %s", method, target, res.StatusCode, b)
				}
				_, b = s.follow("GET", target, owner)
				if _, page, _ := strings.Cut(b, "<p>CANARY "); page != "" && !strings.EqualFold(page, pagePath+".") && others[strings.TrimSuffix(page, ".")] {
					t.Errorf("%q was opened with the token of %s: %s", target, pagePath, page)
				}
			}
			if answers[200] == 0 || answers[400] == 0 || answers[402] == 0 {
				t.Errorf("an outcome is missing: %v", answers)
			}
		})
	}
}

// others are the pages of the site that the owner of pagePath has not bought.
var others = map[string]bool{
	"/articles/p10": true, "/articles/dear": true, "/articles/cheap": true, "/articles/dürer": true, "/articles": true,
	"/albums/x/1.mp3": true, "/albums/y/2.mp3": true, "/index?p=1": true, "/index?p=2": true,
}

func TestA03A04ATokenOpensItsPageOnly(t *testing.T) {
	s := newSite(t)
	owner := accessCookie(s.access(pagePath, nil))
	for _, target := range []string{"/articles/dear", "/articles/p10", "/articles/p1x", "/articles/p1/extra", "/articles/P1", "/Articles/p1", "/articles/DEAR"} {
		wantPaywall(t, s.do("GET", target, owner))
	}
	for _, target := range []string{pagePath, pagePath + "/", pagePath + "?utm=1", pagePath + "?", "http://site.test" + pagePath} {
		wantPaid(t, s.do("GET", target, owner))
	}
}
