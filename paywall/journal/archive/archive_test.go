package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// backupOf makes a backup of the records from first to last, four in a segment.
func backupOf(t *testing.T, first, last uint64) []byte {
	t.Helper()
	const perSegment = 4
	m := Manifest{
		Format: Format, Made: time.Date(2026, 11, 22, 18, 3, 15, 120e6, time.UTC), Ledger: "ledger", Currency: "EUR",
		First: first, Seq: last, Records: last + 1 - first, Members: []Member{},
	}
	var hash journal.Hash
	var parts [][]byte
	offset, from := 0, 0 // in the segment: of the record, of the part
	for seq := uint64(1); seq <= last; seq++ {
		r := journal.Record{Wallet: paywall.NewID()}
		r.Seq, r.Time, r.Kind = seq, m.Made, paywall.KindErase
		line, h := journal.Append(nil, &r, m.Currency, hash)
		if hash = h; seq+1 == first {
			m.Prev = hash.String()
		}
		if seq%perSegment == 1 {
			offset = 0
		}
		if seq == first || seq > first && offset == 0 {
			parts, from = append(parts, nil), offset
		}
		if offset += len(line); seq >= first {
			i := len(parts) - 1
			parts[i] = append(parts[i], line...)
			m.Members = append(m.Members[:i], Part(uint32((seq-1)/perSegment)+1, int64(from), int64(len(parts[i]))))
		}
	}
	m.Head = hash.String()
	var b bytes.Buffer
	w := NewWriter(&b, m)
	for _, part := range parts {
		if err := w.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if size, err := m.Size(); err != nil || size != int64(b.Len()) {
		t.Errorf("the backup has %d bytes, its manifest says %d, %v", b.Len(), size, err)
	}
	return b.Bytes()
}

func skip(Member, time.Time, io.Reader) error { return nil }

// TestEveryFlippedBitAndEveryCutOfABackupIsFound damages a backup everywhere.
func TestEveryFlippedBitAndEveryCutOfABackupIsFound(t *testing.T) {
	b := backupOf(t, 1, 8)
	refused := func(what string, damaged []byte) {
		if _, err := Read(bytes.NewReader(damaged), skip); !errors.Is(err, ErrBackup) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range b {
		for bit := range 8 {
			damaged := bytes.Clone(b)
			damaged[i] ^= 1 << bit
			refused(fmt.Sprintf("bit %d of byte %d flipped", bit, i), damaged)
		}
		refused(fmt.Sprintf("cut after %d bytes", i), b[:i])
	}
	refused("a byte more", append(b[:len(b):len(b)], 0))
	refused("twice", append(b[:len(b):len(b)], b...))
	if _, err := Read(bytes.NewReader(b), skip); err != nil {
		t.Error(err)
	}
}

// rewritten makes a backup whose sums are right and whose contents are not.
func rewritten(t *testing.T, b []byte, change func(*Writer, []string) []string) []byte {
	t.Helper()
	contents := map[string][]byte{}
	var order []string
	m, err := Read(bytes.NewReader(b), func(m Member, _ time.Time, content io.Reader) (err error) {
		order = append(order, m.Name)
		contents[m.Name], err = io.ReadAll(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	members := m.Members
	m.Members = nil
	w := NewWriter(&out, m)
	for i, name := range change(w, order) {
		text, ok := contents[name]
		if !ok {
			text = contents[order[i]]
		}
		if err := w.copy(Member{Name: name, Bytes: int64(len(text))}, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.manifest.Members) == 0 {
		w.manifest.Members = members
		w.done = len(members)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABackupOfAnotherKindIsRefused(t *testing.T) {
	b := backupOf(t, 1, 8)
	same := func(_ *Writer, order []string) []string { return order }
	if _, err := Read(bytes.NewReader(rewritten(t, b, same)), skip); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Writer, []string) []string{
		"a newer version":       func(w *Writer, order []string) []string { w.manifest.Format = 2; return order },
		"a path that leads out": func(_ *Writer, order []string) []string { order[0] = "journal/../../etc"; return order },
		"a strange member":      func(_ *Writer, order []string) []string { order[0] = "badger/MANIFEST"; return order },
		"wrong numbers":         func(w *Writer, order []string) []string { w.manifest.Records++; return order },
		"nothing but words":     func(*Writer, []string) []string { return nil },
	} {
		if _, err := Read(bytes.NewReader(rewritten(t, b, change)), skip); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, content := range map[string][]byte{"nothing": nil, "zeros": make([]byte, 1<<16), "text": []byte(strings.Repeat("hello ", 3000))} {
		if _, err := Read(bytes.NewReader(content), skip); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACopyIsTheSameAndMayHaveTheKeys(t *testing.T) {
	for _, b := range [][]byte{backupOf(t, 1, 8), backupOf(t, 6, 8), backupOf(t, 9, 8)} {
		var copied bytes.Buffer
		if _, err := Copy(&copied, bytes.NewReader(b), nil); err != nil || !bytes.Equal(copied.Bytes(), b) {
			t.Errorf("the copy is different: %v", err)
		}
		copied.Reset()
		keys := map[string][]byte{"ring.json": []byte("{}"), "link-2026": []byte("thirty-two bytes"), "a_-9.pem": []byte("secret")}
		if _, err := Copy(&copied, bytes.NewReader(b), keys); err != nil {
			t.Fatal(err)
		}
		m, err := Read(&copied, func(m Member, _ time.Time, content io.Reader) error {
			name, ok := m.Key()
			if !ok {
				return nil
			}
			text, err := io.ReadAll(content)
			if !bytes.Equal(text, keys[name]) {
				t.Errorf("%s holds %q", name, text)
			}
			delete(keys, name)
			return err
		})
		if err != nil || len(keys) > 0 || !m.Keys() {
			t.Errorf("keys that are missing: %v, %v", keys, err)
		}
		if _, err := Copy(io.Discard, bytes.NewReader(b[:len(b)-1]), nil); !errors.Is(err, ErrBackup) {
			t.Errorf("a cut one was copied: %v", err)
		}
		if _, err := Copy(io.Discard, bytes.NewReader(b), map[string][]byte{"../x.pem": nil}); err == nil {
			t.Error("a key may have any name")
		}
	}
}
