package badgerstore

import "fmt"

const (
	// openRoom is the free space, in bytes, without which Badger is neither opened
	// nor closed: a new memtable's log and the tables of three memtables, all of
	// them mapped files. A write to a page of a mapped file that the disk has no
	// room for is not an error but ends the process (SIGBUS).
	openRoom = 4 * memTableSize
	// recordRoom is what a record that is applied at open may take, in bytes: 150
	// in Badger (BenchmarkUnlock), and as much again for each of two compactions.
	recordRoom = 450
)

// room answers [ErrNoSpace] if the disk has less than so many bytes left. A disk
// that cannot be asked counts as having room.
func (s *Store) room(need uint64) error {
	free, err := s.o.free(s.o.Dir)
	if err != nil || free >= need {
		return nil
	}
	return fmt.Errorf("%w: %d bytes are left, %d are needed: make room", ErrNoSpace, free, need)
}

// Room answers nil if the disk of a data folder has room enough for Open, and
// for Close to leave nothing to be applied again; else [ErrNoSpace].
func Room(dir string) error {
	s := Store{o: Options{Dir: dir, free: freeSpace}}
	return s.room(openRoom)
}

// closeDB closes Badger, which writes out what it holds in memory. On a full
// disk that would end the process, so Badger stays as it is, with its files
// locked, until the process ends: the journal has everything.
func (s *Store) closeDB() error {
	if err := s.room(openRoom); err != nil {
		s.log.Warn("Badger is left open; at the next start the journal is applied to it", "error", err)
		return nil
	}
	if err := s.db.Close(); err != nil {
		return err
	}
	return noteTables(badgerDir(s.o.Dir))
}

// checkSpace stops changes while the disk has less than the reserve left, and
// lets them go on when it has more again. A disk that cannot be asked counts as
// having room: the journal still refuses what it cannot write.
func (s *Store) checkSpace() {
	free, err := s.o.free(s.o.Dir)
	if err != nil {
		return
	}
	tight := free < s.o.Reserve
	if s.tight.Swap(tight) == tight {
		return
	}
	if tight {
		s.log.Error("the disk is almost full: purchases are refused until there is room, reading goes on",
			"folder", s.o.Dir, "free_bytes", free, "reserve_bytes", s.o.Reserve)
		return
	}
	s.log.Info("the disk has room again: purchases go on", "free_bytes", free)
}
