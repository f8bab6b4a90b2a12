package segment

import "github.com/tuppence/tuppence/paywall/journal"

// span is where a record's line stands: segment number from 1, byte offset, and
// length with its newline. It is what a [journal.Ref] of this package holds.
type span struct {
	segment, offset, length uint32
}

func spanOf(r journal.Ref) (s span) {
	s.segment, s.offset, s.length = r.Words()
	return s
}

func (s span) ref() journal.Ref { return journal.RefOf(s.segment, s.offset, s.length) }

// end is where the next line begins.
func (s span) end() uint32 { return s.offset + s.length }
