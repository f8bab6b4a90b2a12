package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tuppence/tuppence/paywall/journal"
)

func always(int, int) error { return nil }

func compress(t *testing.T, j *Journal) Compressed {
	t.Helper()
	c, err := j.Compress(always)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantRecords reads every record at its place.
func wantRecords(t *testing.T, j *Journal, places []journal.Ref) {
	t.Helper()
	for i, at := range places {
		if r, err := j.Read(at); err != nil || r.Seq != uint64(i+2) {
			t.Errorf("record %d is %+v, %v", i+2, r, err)
		}
	}
}

func TestCompressedSegmentsReadAsBefore(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	places := fill(t, j, 40)
	before := strings.Join(records(t, dir), "")
	wantRecords(t, j, places)
	c := compress(t, j)
	if closed := int(spanOf(j.Head().Ref).segment) - 1; c.Segments != closed || c.Before <= 0 || c.After <= 0 {
		t.Errorf("of %d closed segments were compressed: %+v", closed, c)
	}
	wantRecords(t, j, places)
	if again := compress(t, j); again != (Compressed{}) {
		t.Errorf("compressed twice: %+v", again)
	}
	places = append(places, appended(t, j, 40, 20)...)
	wantRecords(t, j, places)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, verify := range []int64{0, 1} {
		o := options(dir)
		o.verifyBytes = verify
		j = mustOpen(t, o)
		wantRecords(t, j, places)
		if err := j.VerifyClosed(func() bool { return true }); err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(records(t, dir), ""); !strings.HasPrefix(got, before) {
		t.Error("the records have changed")
	}
}

// appended is fill for records from number first on.
func appended(t *testing.T, j *Journal, first, n int) (places []journal.Ref) {
	t.Helper()
	for i := range n {
		at, err := j.Stage(sale(first + i))
		if err := errors.Join(err, j.Commit()); err != nil {
			t.Fatal(err)
		}
		places = append(places, at)
	}
	return places
}

func TestACompressedSegmentIsAnOrdinaryZstandardFile(t *testing.T) {
	dir := t.TempDir()
	o := options(dir)
	o.SegmentBytes = 3 * frameBytes
	j := mustOpen(t, o)
	for i := range 2000 {
		if _, err := j.Stage(sale(i)); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			if err := j.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	plain, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	compress(t, j)
	if _, err := os.Stat(segmentPath(dir, 1)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the plain segment is still there")
	}
	packed, err := os.ReadFile(compressedPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if got, err := io.ReadAll(stream); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("unpacked it is %d bytes, were %d: %v", len(got), len(plain), err)
	}
	if len(packed) > len(plain)/2 {
		t.Errorf("%d of %d bytes are left", len(packed), len(plain))
	}
	f, err := openSegment(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := len(f.(*compressedFile).frames); n < 3 {
		t.Errorf("it has %d frames", n)
	}
	part := make([]byte, 5000)
	for _, at := range []int64{0, 1, frameBytes - 100, int64(len(plain) - 5000)} {
		if _, err := f.ReadAt(part, at); err != nil || !bytes.Equal(part, plain[at:at+5000]) {
			t.Errorf("reading at %d: %v", at, err)
		}
	}
	if n, err := f.ReadAt(part, int64(len(plain)-10)); n != 10 || !errors.Is(err, io.EOF) {
		t.Errorf("reading over the end: %d, %v", n, err)
	}
}

// TestACrashWhileCompressingLeavesEverySegmentWhole makes the folder of every
// moment: a file half written, a file beside the plain one, a broken one beside it.
func TestACrashWhileCompressingLeavesEverySegmentWhole(t *testing.T) {
	done := t.TempDir()
	j := mustOpen(t, options(done))
	places := fill(t, j, 12)
	plain, _ := os.ReadFile(segmentPath(done, 1))
	compress(t, j)
	packed, _ := os.ReadFile(compressedPath(done, 1))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string][]byte{
		"half written":                    {segmentPath("", 1): plain, compressedPath("", 1) + ".tmp": packed[:len(packed)/2]},
		"before the plain one is removed": {segmentPath("", 1): plain, compressedPath("", 1): packed},
		"a broken one beside it":          {segmentPath("", 1): plain, compressedPath("", 1): packed[:9]},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(done)); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(compressedPath(dir, 1)); err != nil {
			t.Fatal(err)
		}
		for file, content := range files {
			if err := os.WriteFile(dir+"/"+file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		j := mustOpen(t, options(dir))
		wantRecords(t, j, places)
		if c := compress(t, j); c.Segments != 1 {
			t.Errorf("%s: %+v", name, c)
		}
		wantRecords(t, j, places)
		if got, _ := os.ReadFile(compressedPath(dir, 1)); !bytes.Equal(got, packed) {
			t.Errorf("%s: another file came out", name)
		}
		left, _ := os.ReadDir(dir)
		if want, _ := os.ReadDir(done); len(left) != len(want) {
			t.Errorf("%s: %d files are left, want %d", name, len(left), len(want))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADamagedSegmentIsNotCompressed(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 12)
	content, _ := os.ReadFile(segmentPath(dir, 1))
	damaged := bytes.Clone(content)
	damaged[700] ^= 1
	if err := os.WriteFile(segmentPath(dir, 1), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Compress(always); err == nil {
		t.Error("a damaged segment was compressed")
	} else if _, ok := errors.AsType[*DamageError](err); !ok {
		t.Error(err)
	}
	if got, _ := os.ReadFile(segmentPath(dir, 1)); !bytes.Equal(got, damaged) {
		t.Error("the damaged segment is not what it was")
	}
	if left, _ := os.ReadDir(dir); len(left) != int(spanOf(j.Head().Ref).segment) {
		t.Errorf("%d files are left", len(left))
	}
}

func TestCompressingWritesNothingThatAFailingDiskCouldLose(t *testing.T) {
	for at := 1; ; at++ {
		dir := t.TempDir()
		j := mustOpen(t, options(dir))
		places := fill(t, j, 12)
		disk := &faultyDisk{err: errors.New("out of order"), failAt: at}
		j.o.Disk = disk
		_, err := j.Compress(always)
		if err == nil && disk.calls < at {
			return // every call has failed once
		}
		if err == nil {
			t.Errorf("call %d failed and nobody heard of it", at)
		}
		wantRecords(t, j, places)
		j.o.Disk = OS{}
		compress(t, j)
		wantRecords(t, j, places)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		wantRecords(t, mustOpen(t, options(dir)), places)
	}
}

// lyingDisk says that it wrote what it did not.
type lyingDisk struct{ OS }

type lyingFile struct{ File }

func (d lyingDisk) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := d.OS.OpenFile(name, flag, perm)
	return lyingFile{f}, err
}

func (f lyingFile) Write(p []byte) (int, error) {
	wrong := bytes.Clone(p)
	wrong[len(wrong)/2] ^= 1
	return f.File.Write(wrong)
}

func TestAPlainSegmentStaysWhenItsCompressedFileReadsOtherwise(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	places := fill(t, j, 12)
	j.o.Disk = lyingDisk{}
	if c, err := j.Compress(always); err == nil || c.Segments > 0 {
		t.Errorf("%+v, %v", c, err)
	}
	wantRecords(t, j, places)
	if _, err := os.Stat(segmentPath(j.o.Dir, 1)); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(j.o.Dir); len(left) != int(spanOf(j.Head().Ref).segment) {
		t.Errorf("%d files are left", len(left))
	}
}

// TestEveryFlippedByteOfACompressedSegmentIsFound: or what is read is the same.
func TestEveryFlippedByteOfACompressedSegmentIsFound(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 12)
	compress(t, j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	want := strings.Join(records(t, dir), "")
	name := compressedPath(dir, 1)
	content, _ := os.ReadFile(name)
	harmless := 0
	damage := func(what string, damaged []byte) {
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for line, err := range Scan(dir) {
			if err != nil {
				if d, ok := errors.AsType[*DamageError](err); !ok || d.File != name {
					t.Errorf("%s: the error does not say where: %v", what, err)
				}
				return
			}
			got.Write(line.Bytes)
		}
		if harmless++; got.String() != want {
			t.Errorf("%s: nobody saw it", what)
		}
	}
	for i := range content {
		damaged := bytes.Clone(content)
		damaged[i] ^= 1 << (i % 8)
		damage(fmt.Sprintf("byte %d flipped", i), damaged)
		damage(fmt.Sprintf("cut after %d bytes", i), content[:i])
	}
	damage("a byte more", append(content[:len(content):len(content)], 0))
	if harmless > len(content)/50 {
		t.Errorf("%d changes made no difference", harmless)
	}
}

func TestAFolderWhoseLastSegmentIsCompressedLacksWhatCameAfter(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 12)
	compress(t, j)
	last := spanOf(j.Head().Ref).segment
	if err := errors.Join(j.Close(), os.Remove(segmentPath(dir, last))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(options(dir)); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("opening without the last segment: %v", err)
	}
	if _, err := Inspect(dir); err == nil {
		t.Error("it was inspected")
	}
}
