package pathtest_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/pathtest"
)

func TestFlavoursAgreeOnOrdinaryTargets(t *testing.T) {
	for _, flavour := range pathtest.Flavours() {
		for _, target := range []string{"/", "/articles/p1", "/articles/p1?x=/../y#z", "http://site.test/articles/p1", "/albums/x/1.mp3"} {
			want := target
			switch target {
			case "/articles/p1?x=/../y#z", "http://site.test/articles/p1":
				want = "/articles/p1"
			}
			if got := flavour.Read(target); got != want {
				t.Errorf("%s reads %s as %s", flavour.Name, target, got)
			}
		}
	}
}

// TestFlavoursAreLenient holds each flavour to the trick that it stands for.
func TestFlavoursAreLenient(t *testing.T) {
	tricks := map[string]string{
		"literal":             "/%61rticles/p1",
		"router":              "/articles/p1/../../free",
		"clean":               "/free/%2e%2e/articles/p1",
		"clean-first":         "/free/x%2fy/../../articles/p1",
		"rfc3986":             "/x/../articles//../p1",
		"dec2":                "/%2561rticles/p1",
		"dec3-clean-between":  "/free/%25252e%25252e/articles/p1",
		"slash-only":          "/articles%2fp1",
		"tomcat":              "/free/..;x/articles;y/p1",
		"tomcat-decode-first": "/free/..%3Bx/articles/p1",
		"iis":                 "/ARTICLES%5cp1.::$DATA",
		"windows-files":       `/articles.\P1%20`,
		"nfkc":                "/articles%EF%BC%8Fp1",
		"nfkc-decode-again":   "/%EF%BC%8561rticles/p1",
		"nfkc-casefold":       "/article%C5%BF/P1",
		"lower":               "/ARTICLES/p1",
		"upper-lower":         "/art%C4%B1cles/p1",
		"hfs":                 "/art%E2%80%8Dicles/p1",
		"nul":                 "/articles/p1%23x",
		"nul-decode-again":    "/articles/p1%2500.css",
		"fragment":            "/articles/p1#x",
		"trim":                "/free/..%20/articles/p1",
		"symfony":             "/index.php/articles/p1",
		"php":                 "//x/articles/p1",
		"node":                `/\x/free/%2e%2e/articles/p1`,
		"dot-filter":          "/articles/../p1",
		"apache-path-info":    "/articles/p1.php/x",
		"front-controller":    "/articles/index.php/p1",
		"nginx-alias":         "/free../articles/p1",
		"aspnet-cookieless":   "/(S(x))/arti/(A(y)F(z))cles/P1",
		"spring":              "/articles;x=y//p1;z",
		"rails":               "//articles/%70%31/",
		"python":              "/%61rticles//p1",
		"go":                  "/x/../articles/p1",
		"overlong":            "/articles%c0%afp1",
		"invalid-dropped":     "/arti%ffcles/p1",
		"controls-dropped":    "/arti%0acles/p1",
	}
	for _, flavour := range pathtest.Flavours() {
		target, ok := tricks[flavour.Name]
		if got := strings.Replace(flavour.Read(target), "p1.php", "p1", 1); ok && got != "/articles/p1" {
			t.Errorf("%s reads %s as %s", flavour.Name, target, got)
		}
		delete(tricks, flavour.Name)
	}
	if len(tricks) > 0 {
		t.Errorf("no such flavours: %v", tricks)
	}
}

func TestTargetsRepeatWithTheirSeed(t *testing.T) {
	first, second := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		if a, b := pathtest.Target(first), pathtest.Target(second); a != b {
			t.Fatalf("%q and %q", a, b)
		}
	}
}
