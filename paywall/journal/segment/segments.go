package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	segmentSuffix    = ".jsonl"
	compressedSuffix = segmentSuffix + ".zst"
)

func segmentPath(dir string, n uint32) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", n, segmentSuffix))
}

func compressedPath(dir string, n uint32) string {
	return filepath.Join(dir, fmt.Sprintf("%08d%s", n, compressedSuffix))
}

// segments counts the segments of a folder; their numbers run from 1 without a gap,
// and the last one, which may grow, is plain.
// A folder that does not exist has none.
func segments(dir string) (uint32, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("listing the journal: %w", err)
	}
	var last uint32
	open := false               // the last one is plain
	for _, e := range entries { // sorted by name, so by number
		name, plain := strings.CutSuffix(e.Name(), segmentSuffix)
		name, compressed := strings.CutSuffix(name, compressedSuffix)
		if !plain && !compressed {
			continue
		}
		n, err := strconv.ParseUint(name, 10, 32)
		if err != nil || len(name) != 8 {
			return 0, &DamageError{File: filepath.Join(dir, e.Name()), Found: "this name is not a segment's; move the file elsewhere"}
		}
		if compressed && uint32(n) == last {
			continue // the plain one stands beside it still
		}
		if uint32(n) != last+1 {
			return 0, &DamageError{File: segmentPath(dir, last+1), Found: fmt.Sprintf("the segment is missing, %s follows", e.Name())}
		}
		last, open = uint32(n), plain
	}
	if last > 0 && !open {
		return 0, &DamageError{File: segmentPath(dir, last+1), Found: "the segment is missing; the one before it is compressed, which only closed ones are"}
	}
	return last, nil
}

// Exists reports whether a folder holds a journal.
func Exists(dir string) (bool, error) {
	n, err := segments(dir)
	return n > 0 || err != nil, err
}
