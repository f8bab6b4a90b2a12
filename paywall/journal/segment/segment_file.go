package segment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// segmentFile is a segment open for reading, plain or compressed. Offsets and
// sizes are always those of the plain text, so a record's place never changes.
type segmentFile interface {
	io.ReaderAt
	io.Closer
	Name() string
	Size() (int64, error)
}

// openSegment opens a segment in whichever form it has. While one is being
// compressed, or after a crash in the middle, there are both, and the plain one
// counts: it is removed last.
func openSegment(dir string, n uint32) (segmentFile, error) {
	f, err := os.Open(segmentPath(dir, n))
	if err == nil {
		return plainFile{f}, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = os.Open(compressedPath(dir, n)); err == nil {
			return openCompressed(f)
		}
	}
	return nil, fmt.Errorf("opening a journal segment: %w", err)
}

type plainFile struct{ *os.File }

func (f plainFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("looking at the journal: %w", err)
	}
	return info.Size(), nil
}

// segmentSize is a segment's length as plain text.
func segmentSize(dir string, n uint32) (int64, error) {
	f, err := openSegment(dir, n)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}
