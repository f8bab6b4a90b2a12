// Package revenue turns the ledger's transfers into what accountants read.
package revenue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Format is a form in which the ledger is exported.
type Format string

// The formats.
const (
	NDJSON    Format = "ndjson"    // every transfer as it was recorded, one JSON object a line
	CSV       Format = "csv"       // one row for each leg of a transfer
	Beancount Format = "beancount" // plain-text double entry, https://beancount.github.io
)

var formats = []Format{NDJSON, CSV, Beancount}

// ParseFormat reads a format's name; none is NDJSON. Another one is
// [paywall.CodeMalformed].
func ParseFormat(name string) (Format, error) {
	f := Format(name)
	if name == "" {
		f = NDJSON
	}
	if !slices.Contains(formats, f) {
		return "", paywall.Errorf(paywall.CodeMalformed, "unknown format %q; there are ndjson, csv and beancount", name)
	}
	return f, nil
}

// ContentType is the format's media type.
func (f Format) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8"
	case Beancount:
		return "text/plain; charset=utf-8"
	}
	return "application/x-ndjson"
}

// Writer takes the lines that the ledger's Export writes and passes them on in
// the format. Only after Close, which does not close w, is everything in w.
// Transfers that move no money, such as a voucher being made, are in NDJSON only.
func (f Format) Writer(w io.Writer) io.WriteCloser {
	switch f {
	case CSV:
		return &lines{to: newTable(w)}
	case Beancount:
		return &lines{to: newBeans(w)}
	}
	return asIs{w}
}

type asIs struct{ io.Writer }

func (asIs) Close() error { return nil }

// transfer is a line of the export, as far as bookkeeping needs it.
type transfer struct {
	Seq      uint64           `json:"seq"`
	Time     time.Time        `json:"time"`
	Kind     paywall.Kind     `json:"kind"`
	Cause    string           `json:"cause"`
	Currency paywall.Currency `json:"currency"` // of the first only
	Legs     [][2]string      `json:"legs"`     // account, amount
	Resource string           `json:"resource"`
	Title    string           `json:"title"`
}

// book is what a format makes of transfers.
type book interface {
	begin(currency paywall.Currency) error
	add(t *transfer) error
	end() error
}

// lines cuts what is written into lines and decodes them.
type lines struct {
	to    book
	rest  []byte
	began bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte{'\n'})
		if !whole {
			return len(p), nil
		}
		if err := l.line(line); err != nil {
			return 0, err
		}
		l.rest = append(l.rest[:0], rest...)
	}
}

func (l *lines) line(text []byte) error {
	var t transfer
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("reading a transfer: %w", err)
	}
	if !l.began {
		l.began = true
		if t.Kind != paywall.KindGenesis {
			return fmt.Errorf("reading transfer %d: the first one must say the ledger's currency", t.Seq)
		}
		return l.to.begin(t.Currency)
	}
	if len(t.Legs) == 0 {
		return nil
	}
	return l.to.add(&t)
}

func (l *lines) Close() error {
	if len(l.rest) > 0 {
		return errors.New("the export ends in the middle of a transfer")
	}
	return l.to.end()
}

// plain is text in one line without control characters.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
