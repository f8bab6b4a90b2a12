package segment

import (
	"io/fs"
	"os"
)

// Disk is what the journal writes through. The zero [OS] is the real one;
// tests put failures in its place.
type Disk interface {
	// OpenFile opens for writing.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// SyncDir makes a new file's name durable.
	SyncDir(dir string) error
}

// File is an open segment.
type File interface {
	Write(p []byte) (int, error)
	// Sync answers when all that was written is on disk (fdatasync: the length
	// is synced too, access times are not).
	Sync() error
	Truncate(size int64) error
	Close() error
}

// OS is the operating system's disk.
type OS struct{}

// OpenFile implements [Disk].
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// SyncDir implements [Disk].
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return datasync(f.File) }
