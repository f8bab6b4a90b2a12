package caddymodule

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAProviderThatIsAwayIsSaidOnce: and again when it still is an hour later, or when
// something else is wrong.
func TestAProviderThatIsAwayIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newOnceLog(slog.New(slog.NewTextHandler(&out, nil)))
		say := func(text string) { log.Warn("a way did not answer", "way", "stripe", "error", errors.New(text)) }
		for range 100 {
			say("no answer in time (req_A1)")
			say("no answer in time (req_B2)")
		}
		if n := strings.Count(out.String(), "\n"); n != 1 {
			t.Errorf("it is said %d times", n)
		}
		say("the restricted key may not do this")
		time.Sleep(time.Hour)
		say("no answer in time (req_C3)")
		log.Info("a line")
		log.Info("a line")
		if n := strings.Count(out.String(), "\n"); n != 5 {
			t.Errorf("there are %d lines:\n%s", n, out.String())
		}
	})
}
