//go:build unix

package segment

import (
	"fmt"
	"os"
	"syscall"
)

// lock takes the folder for this process. It belongs to the open file, so it
// ends with the process, whatever way that dies, and leaves nothing behind.
func lock(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("locking %s: %w: %w", dir, ErrInUse, err)
	}
	return d, nil
}
