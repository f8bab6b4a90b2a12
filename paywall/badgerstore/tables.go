package badgerstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// checkTables verifies the checksum of every block of Badger's tables before
// Badger opens them. Badger's own check must not be used: v4.9.6 leaves out a table
// whose checksum is wrong and goes on without it, so that balances vanish
// without an error, and panics in a goroutine of its own, which ends the
// process, over one that does not decompress (levels.go, newLevelsController).
//
// Unpacking every block takes 200 ms for a million purchases, a CRC 20: Close
// notes the CRC of each table, which never changes once it is written, and only
// what was not noted, or has another CRC now, is unpacked.
func checkTables(dir string) error {
	noted := notedTables(dir)
	return eachTable(dir, func(name string, data []byte) error {
		if sum, ok := noted[filepath.Base(name)]; ok && sum == crc32.Checksum(data, castagnoli) {
			return nil
		}
		return checkTable(name, data)
	})
}

// tablesFile stands in Badger's folder, so that it goes when that is thrown away.
const tablesFile = "TABLES.json"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// notedTables reads what Close noted. Without it everything is unpacked.
func notedTables(dir string) map[string]uint32 {
	var noted map[string]uint32
	text, err := os.ReadFile(filepath.Join(dir, tablesFile))
	if err != nil || json.Unmarshal(text, &noted) != nil {
		return nil
	}
	return noted
}

// noteTables is for a Badger that was closed.
func noteTables(dir string) error {
	noted := map[string]uint32{}
	var mu sync.Mutex
	err := eachTable(dir, func(name string, data []byte) error {
		sum := crc32.Checksum(data, castagnoli)
		mu.Lock()
		defer mu.Unlock()
		noted[filepath.Base(name)] = sum
		return nil
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(noted)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, tablesFile), text, 0o600)
}

// eachTable reads all tables, on two goroutines: each holds one in memory.
func eachTable(dir string, look func(name string, data []byte) error) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return err
	}
	queue := make(chan string, len(names))
	for _, name := range names {
		queue <- name
	}
	close(queue)
	var done sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		done.Go(func() {
			for name := range queue {
				data, err := os.ReadFile(name)
				if err == nil {
					err = look(name, data)
				}
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// checkTable unpacks every block and compares its checksum.
func checkTable(name string, data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("checking Badger's table %s: %.100v", filepath.Base(name), p)
		}
	}()
	o := table.Options{Compression: options.ZSTD, ChkMode: options.OnBlockRead}
	t, err := table.OpenInMemoryTable(data, 0, &o)
	if err != nil {
		return fmt.Errorf("checking Badger's table %s: %w", filepath.Base(name), err)
	}
	return t.VerifyChecksum()
}
