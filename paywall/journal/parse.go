package journal

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

func (p *parser) fail() {
	if p.err == nil {
		p.err = errLine
	}
}

func (p *parser) accept(literal string) bool {
	if p.err != nil || len(p.rest) < len(literal) || string(p.rest[:len(literal)]) != literal {
		return false
	}
	p.rest = p.rest[len(literal):]
	return true
}

func (p *parser) expect(literal string) {
	if !p.accept(literal) {
		p.fail()
	}
}

// until takes everything before the mark, and the mark.
func (p *parser) until(mark string) string {
	if p.err != nil {
		return ""
	}
	text, rest, ok := bytes.Cut(p.rest, []byte(mark))
	if !ok {
		p.fail()
		return ""
	}
	p.rest = rest
	return string(text)
}

// field reads ,"name":"value" if it comes next.
func (p *parser) field(name string) (string, bool) {
	if !p.accept(`,"` + name + `":`) {
		return "", false
	}
	return p.text(), true
}

// need is field for one that must be there.
func (p *parser) need(name string) string {
	text, ok := p.field(name)
	if !ok {
		p.fail()
	}
	return text
}

func (p *parser) hashField(name string) paywall.Hash { return p.hash(p.need(name)) }

func (p *parser) hash(text string) (h paywall.Hash) {
	if !readHash(h[:], []byte(text)) {
		p.fail()
	}
	return h
}

// text reads a JSON string. Nearly all of them hold no escape.
func (p *parser) text() string {
	if p.err != nil || len(p.rest) == 0 || p.rest[0] != '"' {
		p.fail()
		return ""
	}
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			i++
		case '"':
			token := p.rest[:i+1]
			p.rest = p.rest[i+1:]
			if !utf8.Valid(token) {
				p.fail()
			}
			if bytes.IndexByte(token, '\\') < 0 {
				return string(token[1:i])
			}
			var s string
			if json.Unmarshal(token, &s) != nil {
				p.fail()
			}
			return s
		}
	}
	p.fail()
	return ""
}

func (p *parser) amount() int64 {
	m, err := paywall.ParseMoney(p.text(), p.currency)
	if err != nil {
		p.fail()
	}
	return m.Micros
}

// money reads ,"name":"0.20" if it comes next.
func (p *parser) money(name string) (micros int64, ok bool) {
	if !p.accept(`,"` + name + `":`) {
		return 0, false
	}
	return p.amount(), true
}

func (p *parser) time(text string) time.Time {
	t, err := time.Parse(timeLayout, text)
	if err != nil || len(text) != len(timeLayout) || text[len("2006-01-02T15:04:05")] != '.' {
		p.fail()
	}
	return t
}

// flag reads ,"name":true if it comes next.
func (p *parser) flag(name string) bool { return p.accept(`,"` + name + `":true`) }

// count reads ,"name":5 if it comes next.
func (p *parser) count(name string) int {
	if !p.accept(`,"` + name + `":`) {
		return 0
	}
	digits := 0
	for digits < len(p.rest) && '0' <= p.rest[digits] && p.rest[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseInt(string(p.rest[:digits]), 10, 32)
	if err != nil || n == 0 || p.rest[0] == '0' {
		p.fail()
		return 0
	}
	p.rest = p.rest[digits:]
	return int(n)
}

func (p *parser) seconds(name string) time.Duration {
	if !p.accept(`,"` + name + `":`) {
		return 0
	}
	n := 0
	for n < len(p.rest) && (p.rest[n] == '.' || '0' <= p.rest[n] && p.rest[n] <= '9') {
		n++
	}
	d, err := time.ParseDuration(string(p.rest[:n]) + "s")
	if err != nil {
		p.fail()
	}
	p.rest = p.rest[n:]
	return d
}
