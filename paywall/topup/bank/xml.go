package bank

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/tuppence/tuppence/paywall"
)

// What a statement may be at most. A year of a busy account has a few megabytes; the
// standard's longest text has 500 characters, and its deepest element is the fourteenth.
const (
	maxStatement = 64 << 20
	maxElement   = 64 << 10
	maxDepth     = 40
)

// The refusals of what is bounded.
var (
	errStatementTooLarge = paywall.Errorf(paywall.CodeTooLarge, "the statement is larger than %d MB; ask the bank for a shorter period", maxStatement>>20)
	errElementTooLarge   = paywall.Errorf(paywall.CodeTooLarge, "an element of the statement is larger than %d kB; this is no bank's file", maxElement>>10)
	errTooDeep           = paywall.Errorf(paywall.CodeMalformed, "the statement's elements are nested deeper than %d; this is no bank's file", maxDepth)
	errDoctype           = paywall.Errorf(paywall.CodeMalformed, "the statement has a document type declaration, which no bank's file has")
)

// newDecoder reads XML of a bounded size, depth and size of elements. It knows no
// entities but XML's five and refuses declarations that could define some.
func newDecoder(r io.Reader) (*xml.Decoder, *boundedReader) {
	bounded := &boundedReader{from: bufio.NewReader(r), line: 1}
	raw := xml.NewDecoder(bounded)
	raw.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(charset) {
		case "iso-8859-1", "latin1", "windows-1252":
			return charmap.Windows1252.NewDecoder().Reader(in), nil
		case "iso-8859-15":
			return charmap.ISO8859_15.NewDecoder().Reader(in), nil
		}
		return nil, paywall.Errorf(paywall.CodeMalformed, "the statement is written in %q; ask the bank for UTF-8", charset)
	}
	return xml.NewTokenDecoder(&boundedTokens{raw: raw}), bounded
}

// boundedReader ends a statement that is too large, and keeps apart what failed in reading.
type boundedReader struct {
	from    *bufio.Reader
	read    int
	element int // bytes since a tag began
	line    int
	failed  error // of from, besides io.EOF
}

// ReadByte is what the decoder calls, so that it buffers nothing itself.
func (b *boundedReader) ReadByte() (byte, error) {
	c, err := b.from.ReadByte()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			b.failed = err
		}
		return 0, err
	}
	b.read++
	b.element++
	switch c {
	case '<':
		b.element = 0
	case '\n':
		b.line++
	}
	if b.read > maxStatement {
		return 0, errStatementTooLarge
	}
	if b.element > maxElement {
		return 0, errElementTooLarge
	}
	return c, nil
}

// Read serves the decoders of other charsets.
func (b *boundedReader) Read(p []byte) (int, error) {
	for i := range p {
		c, err := b.ReadByte()
		if err != nil {
			return i, err
		}
		p[i] = c
	}
	return len(p), nil
}

// boundedTokens refuses what nests too deep and declarations.
type boundedTokens struct {
	raw   *xml.Decoder
	depth int
}

// Token is the next of the document, its names not yet resolved.
func (b *boundedTokens) Token() (xml.Token, error) {
	token, err := b.raw.RawToken()
	if err != nil {
		return nil, err
	}
	switch token.(type) {
	case xml.StartElement:
		if b.depth++; b.depth > maxDepth {
			return nil, errTooDeep
		}
	case xml.EndElement:
		b.depth--
	case xml.Directive:
		return nil, errDoctype
	}
	return token, nil
}
