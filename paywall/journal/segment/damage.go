package segment

import (
	"errors"
	"fmt"

	"github.com/tuppence/tuppence/paywall/journal"
)

// Why [Open] may refuse a folder that is not damaged; compare with errors.Is.
var (
	// ErrInUse: another process has the folder open.
	ErrInUse = errors.New("another process is using this journal")
	// ErrCurrency: the journal is kept in another currency than the one asked for.
	ErrCurrency = errors.New("a ledger has one currency for ever")
)

// DamageError says that a journal is not what was written. It is never repaired
// silently: what it lost may be somebody's money.
type DamageError struct {
	File   string
	Offset int64 // byte where the damaged line begins
	Line   int   // line of the file, from 1; 0 if unknown
	Found  string
}

func (d *DamageError) Error() string {
	where := fmt.Sprintf("byte %d", d.Offset)
	if d.Line > 0 {
		where = fmt.Sprintf("line %d (%s)", d.Line, where)
	}
	return fmt.Sprintf("journal damaged: %s, %s: %s; stop the server and put this file back from a backup of the journal folder", d.File, where, d.Found)
}

// Unwrap gives [journal.ErrDamaged].
func (d *DamageError) Unwrap() error { return journal.ErrDamaged }
