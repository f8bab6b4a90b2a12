package pricing_test

import (
	"testing"

	"github.com/tuppence/tuppence/paywall/pricing"
)

func TestPatternsMeanWhatTheyMeanToCaddy(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		fits    []string
		not     []string
	}{
		{"/a", []string{"/a", "/A", "/a/"}, []string{"/", "/ab", "/a/b", "/b/a"}},
		{"/A/", []string{"/a", "/a/"}, []string{"/", "/a/b"}},
		{"/", []string{"/"}, []string{"/a", ""}},
		{"*", []string{"/", "/a/b", ""}, nil},
		{"/*", []string{"/", "/a/b"}, []string{""}},
		{"/articles/*", []string{"/articles/", "/articles/p1", "/ARTICLES/a/b"}, []string{"/articles", "/article/p1", "/x/articles/p1"}},
		{"/articles*", []string{"/articles", "/articles2", "/articles/p1"}, []string{"/article"}},
		{"*.pdf", []string{"/x/y.pdf", "/Y.PDF", "/y.pdf/"}, []string{"/x.pdf.txt", "/pdf"}},
		{"*/draft*", []string{"/x/draft", "/draft/1", "/x/DRAFTS"}, []string{"/xdraft"}},
		{"/a/*/c", []string{"/a/b/c", "/a/b/c/"}, []string{"/a/c", "/a/b/b/c", "/a/b/c/d"}},
		{"/a?c/[xy]", []string{"/abc/x", "/abc/Y"}, []string{"/a/c/x", "/abc/z"}},
		{`/a\*`, []string{`/a\b`}, []string{"/a*"}}, // one star at the end is a prefix, the backslash plain
		{"/Dürer/*", []string{"/dürer/x", "/DÜRER/x"}, []string{"/durer/x"}},
		{"/a%2fb", []string{"/a%2fb"}, []string{"/a/b"}},
	} {
		for _, path := range tc.fits {
			if !(pricing.Paths{"/nothing", tc.pattern}).Match(nil, path) {
				t.Errorf("%q does not match %q", tc.pattern, path)
			}
		}
		for _, path := range tc.not {
			if (pricing.Paths{tc.pattern, "/nothing"}).Match(nil, path) {
				t.Errorf("%q matches %q", tc.pattern, path)
			}
		}
	}
}
