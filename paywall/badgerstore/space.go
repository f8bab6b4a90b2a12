package badgerstore

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
