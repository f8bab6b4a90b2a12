package caddymodule

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	repeatAfter = time.Hour
	maxSaid     = 1000 // lines that are remembered
)

// requestID is what Stripe calls a call; it differs in each line about the same.
var requestID = regexp.MustCompile(`req_[0-9A-Za-z]+`)

// onceLog says each warning and error once an hour. A provider that is away, or a key that
// lacks a permission, fails for every reader who comes.
type onceLog struct {
	slog.Handler
	said *said
}

type said struct {
	mu    sync.Mutex
	lines map[string]time.Time
}

func newOnceLog(logger *slog.Logger) *slog.Logger {
	return slog.New(onceLog{logger.Handler(), &said{lines: map[string]time.Time{}}})
}

// Handle implements [slog.Handler].
func (l onceLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && l.said.before(r) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

// before reports whether the same line was said within the hour.
func (s *said) before(r slog.Record) bool {
	var line strings.Builder
	line.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&line, "\n%s=%s", a.Key, a.Value)
		return true
	})
	key := requestID.ReplaceAllString(line.String(), "")
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.lines[key]; ok && r.Time.Sub(at) < repeatAfter {
		return true
	}
	if len(s.lines) >= maxSaid {
		clear(s.lines)
	}
	s.lines[key] = r.Time
	return false
}

// WithAttrs implements [slog.Handler].
func (l onceLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return onceLog{l.Handler.WithAttrs(attrs), l.said}
}

// WithGroup implements [slog.Handler].
func (l onceLog) WithGroup(name string) slog.Handler {
	return onceLog{l.Handler.WithGroup(name), l.said}
}
