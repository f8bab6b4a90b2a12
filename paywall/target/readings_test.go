package target_test

import (
	"slices"
	"testing"
)

func TestWhatSitesReadInTwoWaysIsAmbiguous(t *testing.T) {
	for _, raw := range []string{
		"/articles/p1%00", "/articles%00/p1", "/articles/p1%00.css", "/p1%0a", "/p1%0d%0aX-A:1", "/p1%09", "/p1%7f", "/p1%C2%80", // A19
		"/%c0%afarticles/p1", "/articles/\xff", "/%ED%A0%80", "/caf%E9/", // A21
		"/articles%2fp1", "/articles%2Fp1", // A07
		"/free/%2e%2e/articles/p1", "/free/..%2farticles/p1", "/%2e%2e/articles/p1", "/a/%2e", "/a/.%2E/b", // A09
		"/free/..;/articles/p1", "/free/%2e%2e;/articles/p1", "/articles/p1;jsessionid=1", "/articles/p1%3Bx", // A14, A15
		`/articles\p1`, "/articles%5cp1", `/\articles\p1`, // A16
		"/articles./p1", "/articles%20/p1", "/articles/p1.", "/articles/p1%20", "/articles/p1::$DATA", "/articles:$i30:$INDEX_ALLOCATION/p1", "/.../x", // A17
		"/free%23/../articles/p1", "/articles/p1%3fx", "/articles/p1%3Fx", // A20
		"/%2561rticles/p1", "/articles%252fp1", "/%25u0061rticles/p1", "/free%25%32%65", // M2
		"/articles/p1%CD%BEx",                                                                                       // the Greek question mark, whose NFC is ";"
		"/albums/x/%EF%BC%8E%EF%BC%8E/y", "/albums/x/%E2%80%A5/y", "/albums/x/.%E2%80%8B./y", "/albums/x/%20%2e./y", // dots in disguise
	} {
		if !parse(t, canonicalizer, raw).Ambiguous {
			t.Errorf("%q is not ambiguous", raw)
		}
	}
}

func TestOrdinaryNamesAreNotAmbiguous(t *testing.T) {
	for _, raw := range []string{
		"/articles/C%23-intro", "/articles/%C3%9Cn%C3%AFcode", "/articles/Wait%E2%80%A6", "/articles/c++", "/articles/a:b", "/articles/$5",
		"/articles/100%25", "/articles/50%25-off", "/articles/%E6%9D%B1%E4%BA%AC%EF%BC%8F%E5%A4%A7%E9%98%AA", "/articles/v1.2/x.tar.gz", "/.hidden/..x", "/a/b/../c", "//a",
		"/articles/p1?a;b&x=%2f..%2e;\\",
	} {
		if parse(t, canonicalizer, raw).Ambiguous {
			t.Errorf("%q is ambiguous", raw)
		}
	}
}

func TestEveryLenientReadingIsSeen(t *testing.T) {
	for _, tc := range []struct{ row, raw string }{
		{"A05", "/ARTICLES/P1"},
		{"A07", "/articles%2fp1"},
		{"A07", "/x%2fy/../../articles/p1"}, // resolved before it is decoded
		{"A08", "/x/../articles//../p1"},    // RFC 3986 counts the empty segment
		{"A08", "/articles/../p1"},          // "../" deleted
		{"A08", "/articles/p1/../../free"},  // a router that stops at the dots
		{"A09", "/free/%2e%2e/articles/p1"},
		{"A09", "/free/..%2farticles/p1"},
		{"A12", "//host/articles/p1"}, // taken for a URL without its scheme
		{"A12", `/\host/articles/p1`},
		{"A14", "/free/..;/articles/p1"},
		{"A14", "/free/%2e%2e;x=1/articles/p1"},
		{"A15", "/articles/p1;jsessionid=1"},
		{"A15", "/articles;x=1/p1"},
		{"A15", "/;x/articles/p1"},
		{"A16", `/articles\p1`},
		{"A16", "/articles%5Cp1"},
		{"A16", `/\articles\p1`},
		{"A17", "/articles./p1"},
		{"A17", "/free/..%20/articles/p1"},
		{"A17", "/%20articles/p1"},
		{"A17", "/articles%20/p1. ."},
		{"A17", "/articles/p1::$DATA"},
		{"A17", "/articles:$i30:$INDEX_ALLOCATION/p1"},
		{"A19", "/articles/p1%2500.css"},
		{"A19", "/articles/p1%00.css"},
		{"A19", "/arti%01cles/p1"},
		{"A19", "/articles/p1%0d%0aX-A:1"},
		{"A19", "/articles%0a/p1"},
		{"A19", "/arti%C2%80cles/p1"},
		{"A21", "/articles%c0%afp1"},
		{"A21", "/%c0%ae%c0%ae/free/%e0%80%ae%c0%ae/articles/p1"},
		{"A21", "/articles%f0%80%80%afp1"},
		{"A21", "/arti%ffcles/p1"},
		{"A20", "/articles/p1%23x"},
		{"A20", "/articles/p1%2523x"},
		{"A20", "/free%23/../articles/p1"},
		{"A20", "/articles/p1%3fx"},
		{"A21", "/articles%ef%bc%8fp1"},
		{"A21", "/article%C5%BF/p1"},
		{"A21", "/art%C4%B1cles/p1"},
		{"A21", "/art%E2%80%8Bicles/p1"},
		{"A21", "/%EF%BC%A1rticles/p1"},
		{"A26", "/index.php/articles/p1"},
		{"M2", "/%2561rticles/p1"},
		{"M2", "/articles%252fp1"},
		{"M2", "/%25252561rticles/p1"},
		{"M2", "/free/%252e%252e/articles/p1"},
		{"M2", "/%25u0061rticles/p1"},
		{"M2", "/%EF%BC%8561rticles/p1"}, // a full-width percent sign
	} {
		target := parse(t, canonicalizer, tc.raw)
		if target.Path != "/articles/p1" && !slices.Contains(target.Readings, "/articles/p1") {
			t.Errorf("%s %q: path %q, readings %q", tc.row, tc.raw, target.Path, target.Readings)
		}
		if slices.Contains(target.Readings, target.Path) {
			t.Errorf("%s %q: readings repeat the path", tc.row, tc.raw)
		}
	}
}

func TestOrdinaryTargetHasNoOtherReading(t *testing.T) {
	for _, raw := range []string{"/articles/p1", "/articles/p1/?page=2", "/a/v1.2/x_y~z.tar.gz", "/caf%C3%A9", "/d%C3%BCrer/%E6%9D%B1%E4%BA%AC"} {
		if got := parse(t, canonicalizer, raw); len(got.Readings) != 0 {
			t.Errorf("%q: readings %q", raw, got.Readings)
		}
	}
}
