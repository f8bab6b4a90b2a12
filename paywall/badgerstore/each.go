package badgerstore

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// each reads all keys with a prefix, in order: those of Badger's snapshot and those
// that lie over it. Key and value are the callback's to keep. It costs what it
// reads, and a look at each key that the layers hold.
func (v *view) each(prefix []byte, yield func(key, value []byte) error) error {
	return v.eachFrom(prefix, prefix, yield)
}

// eachFrom is each, from a key on.
func (v *view) eachFrom(prefix, from []byte, yield func(key, value []byte) error) error {
	over, keys := v.over(prefix)
	next, _ := slices.BinarySearch(keys, string(from))
	above := func(until []byte) error { // yields what lies over the snapshot before a key; nil: to the end
		for ; next < len(keys) && (until == nil || keys[next] < string(until)); next++ {
			if value := over[keys[next]]; value != nil {
				if err := yield([]byte(keys[next]), bytes.Clone(value)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	it := v.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(from); it.ValidForPrefix(prefix); it.Next() {
		key := it.Item().KeyCopy(nil)
		if err := above(key); err != nil {
			return err
		}
		if _, hidden := over[string(key)]; hidden {
			continue
		}
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return fmt.Errorf("reading Badger: %w", err)
		}
		if err := yield(key, value); err != nil {
			return err
		}
	}
	return above(nil)
}

// over gives the values with a prefix that lie over the snapshot, and their keys
// in order. nil: deleted.
func (v *view) over(prefix []byte) (values map[string][]byte, keys []string) {
	values = map[string][]byte{}
	take := func(from map[string][]byte) {
		for key, value := range from {
			if strings.HasPrefix(key, string(prefix)) {
				values[key] = value
			}
		}
	}
	for _, l := range v.layers {
		take(l.values)
	}
	take(v.pending)
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return values, keys
}
