package badgerstore

import (
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// TestABadgerOfAnotherLayoutIsBuiltAgain opens a folder as an older version left
// it: the journal is the same, and what follows from it is written anew.
func TestABadgerOfAnotherLayoutIsBuiltAgain(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	settle(t, s)
	want := contents(t, s)
	closed(t, s)
	for name, old := range map[string]string{
		"the first layout": want["m"][:len(want["m"])-1],
		"a later layout":   want["m"][:len(want["m"])-1] + "\xff",
	} {
		db := must[*badger.DB](t)(badger.Open(badgerOptions(badgerDir(o.Dir), quiet())))
		err := db.Update(func(txn *badger.Txn) error {
			if err := txn.Set([]byte("a of an old kind"), []byte{1}); err != nil {
				return err
			}
			return txn.Set([]byte{metaKey[0]}, []byte(old))
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		s := open(t, o)
		same(t, name, contents(t, s), want)
		verified(t, s)
		closed(t, s)
	}
}
