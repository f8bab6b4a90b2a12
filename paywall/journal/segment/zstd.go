package segment

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/tuppence/tuppence/paywall/journal"
)

// A compressed segment is an ordinary Zstandard file: "zstd -dc" and zstdcat give
// back the plain segment. It consists of frames of whole lines, each compressed
// by itself, and ends with the seek table of Zstandard's seekable format
// (contrib/seekable_format of the reference implementation, version 0.1.0): a
// skippable frame with the compressed and the plain length of each frame. So one
// record is read by unpacking one frame.
const (
	// frameBytes is the plain text after which a frame ends. 256 KiB would save 1 % of
	// the file and make reading one record three times as slow (90 µs).
	frameBytes     = 128 << 10
	skippableMagic = 0x184D2A5E
	seekableMagic  = 0x8F92EAB1
	tableHead      = 8 // magic, length
	tableFoot      = 9 // number of frames, descriptor, magic
	tableEntry     = 8 // compressed length, plain length
)

// frame is where a part of the plain text stands in the file.
type frame struct {
	start, offset  int64 // in the plain text, in the file
	length, packed int64
}

// Both are safe for concurrent use by way of EncodeAll and DecodeAll.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(frameBytes+2*journal.MaxLine))
	})
)

// compressedFile reads a compressed segment at plain offsets.
type compressedFile struct {
	file   *os.File
	frames []frame
	size   int64 // of the plain text
	last   atomic.Pointer[unpacked]
}

// unpacked is the frame that was read last; the next record is mostly in it, too.
type unpacked struct {
	index int
	text  []byte
}

func (c *compressedFile) Name() string         { return c.file.Name() }
func (c *compressedFile) Size() (int64, error) { return c.size, nil }
func (c *compressedFile) Close() error         { return c.file.Close() }

func (c *compressedFile) damaged(offset int64, format string, args ...any) error {
	return &DamageError{File: c.file.Name(), Offset: offset, Found: fmt.Sprintf(format, args...)}
}

// ReadAt implements [io.ReaderAt] on the plain text.
func (c *compressedFile) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) {
		if at >= c.size {
			return n, io.EOF
		}
		i := sort.Search(len(c.frames), func(i int) bool { return c.frames[i].start+c.frames[i].length > at })
		text, err := c.unpack(i)
		if err != nil {
			return n, err
		}
		copied := copy(p[n:], text[at-c.frames[i].start:])
		n, at = n+copied, at+int64(copied)
	}
	return n, nil
}

func (c *compressedFile) unpack(i int) ([]byte, error) {
	if u := c.last.Load(); u != nil && u.index == i {
		return u.text, nil
	}
	f := c.frames[i]
	packed := make([]byte, f.packed)
	if _, err := c.file.ReadAt(packed, f.offset); err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.file.Name(), err)
	}
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	text, err := d.DecodeAll(packed, make([]byte, 0, f.length))
	if err != nil {
		return nil, c.damaged(f.offset, "a compressed frame cannot be unpacked: %v", err)
	}
	if int64(len(text)) != f.length {
		return nil, c.damaged(f.offset, "a compressed frame holds %d bytes, the table says %d", len(text), f.length)
	}
	c.last.Store(&unpacked{i, text})
	return text, nil
}

// openCompressed takes over a file and reads its seek table.
func openCompressed(f *os.File) (segmentFile, error) {
	c := &compressedFile{file: f}
	if err := c.readTable(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return c, nil
}

func (c *compressedFile) readTable() error {
	info, err := c.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at the journal: %w", err)
	}
	size := info.Size()
	broken := c.damaged(size, "it does not end with the table of its frames")
	if size < tableHead+tableFoot {
		return broken
	}
	foot := make([]byte, tableFoot)
	if _, err := c.file.ReadAt(foot, size-tableFoot); err != nil {
		return fmt.Errorf("reading %s: %w", c.file.Name(), err)
	}
	count := int64(binary.LittleEndian.Uint32(foot))
	length := tableHead + count*tableEntry + tableFoot
	if foot[4] != 0 || binary.LittleEndian.Uint32(foot[5:]) != seekableMagic || length > size {
		return broken
	}
	table := make([]byte, length)
	if _, err := c.file.ReadAt(table, size-length); err != nil {
		return fmt.Errorf("reading %s: %w", c.file.Name(), err)
	}
	var at int64
	c.frames = make([]frame, count)
	for i := range c.frames {
		entry := table[tableHead+i*tableEntry:]
		f := frame{
			start: c.size, offset: at,
			packed: int64(binary.LittleEndian.Uint32(entry)), length: int64(binary.LittleEndian.Uint32(entry[4:])),
		}
		if f.length == 0 || f.length > frameBytes+journal.MaxLine {
			return broken
		}
		c.frames[i] = f
		c.size, at = c.size+f.length, at+f.packed
	}
	if at != size-length || !slices.Equal(table, appendTable(nil, c.frames)) {
		return broken
	}
	return nil
}

// appendTable writes the seek table.
func appendTable(b []byte, frames []frame) []byte {
	b = binary.LittleEndian.AppendUint32(b, skippableMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frames)*tableEntry+tableFoot))
	for _, f := range frames {
		b = binary.LittleEndian.AppendUint32(b, uint32(f.packed))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.length))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frames)))
	return binary.LittleEndian.AppendUint32(append(b, 0), seekableMagic)
}
