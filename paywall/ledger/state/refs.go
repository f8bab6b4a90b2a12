package state

import (
	"encoding/binary"

	"github.com/tuppence/tuppence/paywall/journal"
)

// AppendRef writes a ref as its three words, which are small.
func AppendRef(b []byte, r journal.Ref) []byte {
	first, second, third := r.Words()
	b = binary.AppendUvarint(b, uint64(first))
	b = binary.AppendUvarint(b, uint64(second))
	return binary.AppendUvarint(b, uint64(third))
}

// CutRef reads what [AppendRef] wrote, and gives the rest.
func CutRef(b []byte) (r journal.Ref, rest []byte, err error) {
	var words [3]uint32
	for i := range words {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<32-1 {
			return r, nil, ErrValue
		}
		words[i], b = uint32(n), b[size:]
	}
	return journal.RefOf(words[0], words[1], words[2]), b, nil
}

// appendLink writes a ref that may be zero. No other ref begins with a zero word.
func appendLink(b []byte, r journal.Ref) []byte {
	if r.IsZero() {
		return append(b, 0)
	}
	return AppendRef(b, r)
}

func cutLink(b []byte) (r journal.Ref, rest []byte, err error) {
	if len(b) > 0 && b[0] == 0 {
		return r, b[1:], nil
	}
	return CutRef(b)
}

// appendEarlier writes a ref as its distance from a later one, which takes two bytes
// less for each purchase. It may be zero.
func appendEarlier(b []byte, at, earlier journal.Ref) []byte {
	if earlier.IsZero() {
		return append(b, 0)
	}
	segment, offset, length := at.Words()
	earlierSegment, earlierOffset, earlierLength := earlier.Words()
	b = binary.AppendUvarint(b, uint64(segment-earlierSegment)+1)
	if segment == earlierSegment {
		earlierOffset = offset - earlierOffset
	}
	b = binary.AppendUvarint(b, uint64(earlierOffset))
	return binary.AppendVarint(b, int64(length)-int64(earlierLength))
}

func cutEarlier(b []byte, at journal.Ref) (r journal.Ref, rest []byte, err error) {
	segment, offset, length := at.Words()
	segments, n := binary.Uvarint(b)
	if n <= 0 || segments > uint64(segment) {
		return r, nil, ErrValue
	}
	if b = b[n:]; segments == 0 {
		return r, b, nil
	}
	earlierOffset, n := binary.Uvarint(b)
	if n <= 0 || earlierOffset > 1<<32-1 {
		return r, nil, ErrValue
	}
	shorter, m := binary.Varint(b[n:])
	if m <= 0 {
		return r, nil, ErrValue
	}
	if segments == 1 {
		earlierOffset = uint64(offset) - earlierOffset
	}
	r = journal.RefOf(segment-uint32(segments-1), uint32(earlierOffset), uint32(int64(length)-shorter))
	return r, b[n+m:], nil
}
