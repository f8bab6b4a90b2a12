package caddymodule

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// manySites is a config of many sites on one port; the directive is each one's.
func manySites(t testing.TB, count int, directive string) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "http://site%d.example {\n\tencode gzip\n\t%s\n\treverse_proxy localhost:%d\n}\n", i, directive, 3000+i)
	}
	return fmt.Sprintf("{\n\tadmin off\n\tstorage file_system %s\n}\n%s", t.TempDir(), b.String())
}

// wildcardSites is a config of as many sites in the block of one wildcard.
func wildcardSites(t testing.TB, count int, directive string) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "\t@site%d host site%d.example\n\thandle @site%d {\n\t\t%s\n\t\treverse_proxy localhost:%d\n\t}\n", i, i, i, directive, 3000+i)
	}
	return fmt.Sprintf("{\n\tadmin off\n\tstorage file_system %s\n}\nhttp://*.example {\n%s}\n", t.TempDir(), b.String())
}

// TestEachSiteCostsTheSameToValidate: a gate looks at its own block, however many
// sites share the port. Allocations are counted, which do not depend on the machine.
func TestEachSiteCostsTheSameToValidate(t *testing.T) {
	for name, config := range map[string]func(testing.TB, int, string) string{"blocks": manySites, "one wildcard": wildcardSites} {
		few, many := validationBytes(t, config(t, 50, "paywall /a/* 0.20")), validationBytes(t, config(t, 400, "paywall /a/* 0.20"))
		plain := validationBytes(t, config(t, 400, ""))
		t.Logf("%s: 50 sites %d KB, 400 sites %d KB, 400 without a gate %d KB", name, few>>10, many>>10, plain>>10)
		if many > 12*few {
			t.Errorf("%s: eight times the sites allocate %.1f times the memory", name, float64(many)/float64(few))
		}
	}
}

func validationBytes(t *testing.T, config string) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := validate(t, config); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// BenchmarkValidate800Sites compares 800 sites that sell with as many that do not:
// the metric "x-plain" should stay below 2.
func BenchmarkValidate800Sites(b *testing.B) {
	for name, config := range map[string]func(testing.TB, int, string) string{"blocks": manySites, "wildcard": wildcardSites} {
		b.Run(name, func(b *testing.B) {
			plain, selling := config(b, 800, ""), config(b, 800, "paywall /a/* 0.20")
			var base, gated time.Duration
			for b.Loop() {
				base += validationTime(b, plain)
				gated += validationTime(b, selling)
			}
			b.ReportMetric(float64(gated)/float64(base), "x-plain")
		})
	}
}

func validationTime(b *testing.B, config string) time.Duration {
	b.Helper()
	begun := time.Now()
	if err := validate(b, config); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}
