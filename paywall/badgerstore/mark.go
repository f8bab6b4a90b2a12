package badgerstore

import (
	"encoding/binary"
	"errors"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// metaKey says how far the journal is applied to Badger, and in which layout. All other
// keys are the ledger's.
var metaKey = []byte{'m'}

// layout numbers the ways in which keys and values were written. A Badger of another one
// is built again from the journal.
const layout = 4

func encodeMark(m journal.Mark) []byte {
	b := binary.AppendUvarint(nil, m.Seq)
	return append(state.AppendRef(append(b, m.Hash[:]...), m.Ref), layout)
}

var errLayout = errors.New("it was written by another version of this program")

func decodeMark(b []byte) (m journal.Mark, err error) {
	seq, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+len(m.Hash) {
		return m, state.ErrValue
	}
	m.Seq, m.Hash = seq, journal.Hash(b[n:n+len(m.Hash)])
	if m.Ref, b, err = state.CutRef(b[n+len(m.Hash):]); err != nil {
		return m, err
	}
	if len(b) != 1 || b[0] != layout {
		return m, errLayout
	}
	return m, nil
}
