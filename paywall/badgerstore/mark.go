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

// Layouts number the ways in which keys and values were written. A Badger of another one
// is built again from the journal. The newer of these two has keys of money in and out,
// see [state.OfFunding], and parts of wallets that come with them; all else is the same, so
// that a folder without money in or out stays one that earlier versions open. Of one with
// it they throw Badger away, and say that they cannot read the record.
const (
	layout        = 4
	layoutFunding = 5
)

func encodeMark(m journal.Mark, layout byte) []byte {
	b := binary.AppendUvarint(nil, m.Seq)
	return append(state.AppendRef(append(b, m.Hash[:]...), m.Ref), layout)
}

var errLayout = errors.New("it was written by another version of this program")

func decodeMark(b []byte) (m journal.Mark, in byte, err error) {
	seq, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+len(m.Hash) {
		return m, 0, state.ErrValue
	}
	m.Seq, m.Hash = seq, journal.Hash(b[n:n+len(m.Hash)])
	if m.Ref, b, err = state.CutRef(b[n+len(m.Hash):]); err != nil {
		return m, 0, err
	}
	if len(b) != 1 || b[0] != layout && b[0] != layoutFunding {
		return m, 0, errLayout
	}
	return m, b[0], nil
}
