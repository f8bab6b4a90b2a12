package badgerstore

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestAPowerCutLosesNothingAcknowledged sells on an ext4 file system in a file,
// copies the file at a random moment, which is what a disk holds when the power
// goes, and looks for every purchase that was acknowledged by then. What only
// stood in memory, like most of Badger's files, is not in the copy.
func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	images := often(1, 20)
	bought := 0
	for range images {
		bought += powerCut(t).bought
	}
	t.Logf("%d images, %d purchases acknowledged, none lost", images, bought)
}

func powerCut(t *testing.T) *customerLog {
	t.Helper()
	notShort(t, "root")
	dir := t.TempDir()
	disk, image := filepath.Join(dir, "disk"), filepath.Join(dir, "image")
	run(t, "truncate", "-s", "128M", disk)
	// A log so large that nothing is written over while it is copied.
	run(t, "mkfs.ext4", "-q", "-F", "-J", "size=48", disk)
	running := mountFile(t, disk)
	shop := startShop(t, filepath.Join(running, "data"))
	time.Sleep(time.Duration(50+rand.IntN(500)) * time.Millisecond)

	log := newCustomerLog()
	log.add(t, shop.said(t, 20)) // what is said from now on may or may not be in the copy
	// Standing still, the shop writes nothing new; the kernel may be in the middle
	// of a sync.
	if err := shop.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	copyDisk(t, disk, image)
	shop.kill(t)

	o := crashOptions(filepath.Join(mountFile(t, image), "data"))
	s := open(t, o)
	verified(t, s)
	log.check(t, s)
	log.retry(t, s)
	verified(t, s)
	closed(t, s)
	return log
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s (this test needs root, loop devices and e2fsprogs)", name, args, err, out)
	}
}

// mountFile mounts a file system that is in a file.
func mountFile(t *testing.T, name string) string {
	t.Helper()
	dir := name + ".mounted"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", "-o", "loop", name, dir)
	t.Cleanup(func() { run(t, "umount", dir) })
	return dir
}

func copyDisk(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(fmt.Errorf("copying the disk: %w", err))
	}
}
