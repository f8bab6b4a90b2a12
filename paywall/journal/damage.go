package journal

import "fmt"

// Damage says that a journal is not what was written. It is never repaired
// silently: what it lost may be somebody's money.
type Damage struct {
	File   string
	Offset int64 // byte where the damaged line begins
	Line   int   // line of the file, from 1; 0 if unknown
	Found  string
}

func (d *Damage) Error() string {
	where := fmt.Sprintf("byte %d", d.Offset)
	if d.Line > 0 {
		where = fmt.Sprintf("line %d (%s)", d.Line, where)
	}
	return fmt.Sprintf("journal damaged: %s, %s: %s; stop the server and put this file back from a backup of the journal folder", d.File, where, d.Found)
}
