package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

const eur paywall.Currency = "EUR"

var day = time.Date(2026, 11, 22, 18, 3, 15, 120e6, time.UTC)

func leg(account string, micros int64) paywall.Leg {
	return paywall.Leg{Account: account, Micros: micros}
}

func options(dir string) Options {
	return Options{Dir: dir, Currency: eur, SegmentBytes: 1500, Now: func() time.Time { return day }}
}

func mustOpen(t *testing.T, o Options) *Journal {
	t.Helper()
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func sale(n int) *journal.Record {
	r := journal.Record{
		Wallet: "AAAAAAAAAAAAAAAAAAAAAA", Unlock: fmt.Sprint("u", n), Offer: fmt.Sprint("u", n),
		Site: "https://news.example", Resource: fmt.Sprint("/articles/", n), URL: fmt.Sprint("/articles/", n), Price: 200_000,
	}
	r.Kind, r.Time = paywall.KindUnlock, day
	r.Legs = []paywall.Leg{leg("wallet/"+r.Wallet, -200_000), leg("site/"+r.Site, 200_000)}
	return &r
}

// fill appends so many records, some of them in groups, and gives their places.
func fill(t *testing.T, j *Journal, n int) (places []journal.Ref) {
	t.Helper()
	for i := range n {
		at, err := j.Stage(sale(i))
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, at)
		if i%3 != 1 {
			if err := j.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.Commit(); err != nil {
		t.Fatal(err)
	}
	return places
}

// records is what a folder holds.
func records(t *testing.T, dir string) (all []string) {
	t.Helper()
	for line, err := range Scan(dir) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(line.Bytes))
	}
	return all
}

func TestRecordsAreFoundWhereTheyWereWritten(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	places := fill(t, j, 20)
	for round := range 2 {
		for i, at := range places {
			r, err := j.Read(at)
			if err != nil || r.Unlock != fmt.Sprint("u", i) || r.Seq != uint64(i+2) {
				t.Errorf("round %d, record %d is %+v, %v", round, i, r, err)
			}
		}
		if n := len(records(t, dir)); n != 21 || j.Head().Seq != 21 {
			t.Errorf("the journal has %d records, head %d", n, j.Head().Seq)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = mustOpen(t, options(dir))
	}
	if spanOf(places[19]).segment < 4 {
		t.Errorf("nothing was rotated: %v", places[19])
	}
}

func TestClosedSegmentsAreNeverTouchedAgain(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 10)
	first, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(segmentPath(dir, 1), 0o400); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(segmentPath(dir, 1))
	fill(t, j, 10)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	fill(t, mustOpen(t, options(dir)), 3)
	after, _ := os.Stat(segmentPath(dir, 1))
	again, _ := os.ReadFile(segmentPath(dir, 1))
	if !bytes.Equal(first, again) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("a closed segment was written to")
	}
}

func TestScanStopsAtTheMarkAndGoesOnFromIt(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 9)
	middle := j.Head()
	fill(t, j, 9)
	count := func(from, to journal.Mark) (n int) {
		for _, err := range j.Until(from, to) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if a, b := count(journal.Mark{}, middle), count(middle, j.Head()); a != 10 || b != 9 {
		t.Errorf("%d records up to the mark, %d after it", a, b)
	}
	if n := count(j.Head(), j.Head()); n != 0 {
		t.Errorf("%d records after the head", n)
	}
}

func TestAnotherCurrencyIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpen(t, options(dir)).Close(); err != nil {
		t.Fatal(err)
	}
	o := options(dir)
	o.Currency = "USD"
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "currency is EUR") {
		t.Errorf("opening a EUR journal as USD: %v", err)
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, options(dir))
	if _, err := Open(options(dir)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second open: %v", err)
	}
}

func TestATornLastRecordIsCutOff(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	places := fill(t, j, 8)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole := records(t, dir)
	last := spanOf(places[7])
	name := segmentPath(dir, last.segment)
	content, _ := os.ReadFile(name)
	for keep := range last.length {
		for _, tail := range []string{"", "\x00\x00\x00\x00"} {
			torn := append(bytes.Clone(content[:last.offset+keep]), tail...)
			if err := os.WriteFile(name, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(options(dir))
			if keep == last.length-1 && tail != "" && err != nil {
				continue // a whole record with garbage for its newline may be refused
			}
			if err != nil {
				t.Fatalf("torn after %d bytes%q: %v", keep, tail, err)
			}
			if j.CutOff() != int(keep)+len(tail) || j.Head().Seq != 8 {
				t.Errorf("torn after %d bytes: cut %d, head %d", keep, j.CutOff(), j.Head().Seq)
			}
			if at, err := j.Stage(sale(7)); err != nil || at != places[7] {
				t.Errorf("the next record stands at %v, %v", at, err)
			}
			if err := errors.Join(j.Commit(), j.Close()); err != nil {
				t.Fatal(err)
			}
			if got := records(t, dir); strings.Join(got, "") != strings.Join(whole, "") {
				t.Errorf("after a torn write of %d bytes the journal is different", keep)
			}
		}
	}
}

// TestEveryFlippedByteIsFound flips each byte of a journal of several segments:
// Open refuses, or what it serves has lost no record.
func TestEveryFlippedByteIsFound(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 10)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		content, _ := os.ReadFile(name)
		for i := range content {
			for _, flip := range []byte{0x01, 0x80, content[i] ^ '\n'} {
				damaged := bytes.Clone(content)
				if damaged[i] ^= flip; flip == 0 {
					continue
				}
				if err := os.WriteFile(name, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				j, err := Open(options(dir))
				if err == nil {
					_ = j.Close()
					t.Fatalf("%s: byte %d was flipped by %#x and nobody saw it", filepath.Base(name), i, flip)
				}
				if d, ok := errors.AsType[*DamageError](err); !ok || d.File != name || !strings.Contains(err.Error(), "backup") {
					t.Fatalf("%s: byte %d flipped: the error does not say where and what to do: %v", filepath.Base(name), i, err)
				}
			}
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSegmentsThatAreNotInOrderAreRefused(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"first missing":  func(dir string) error { return os.Remove(segmentPath(dir, 1)) },
		"middle missing": func(dir string) error { return os.Remove(segmentPath(dir, 2)) },
		"swapped": func(dir string) error {
			return errors.Join(os.Rename(segmentPath(dir, 2), dir+"/x"), os.Rename(segmentPath(dir, 3), segmentPath(dir, 2)), os.Rename(dir+"/x", segmentPath(dir, 3)))
		},
		"closed one cut": func(dir string) error { return os.Truncate(segmentPath(dir, 2), 700) },
		"closed one cut at a line": func(dir string) error {
			content, _ := os.ReadFile(segmentPath(dir, 2))
			return os.Truncate(segmentPath(dir, 2), int64(bytes.IndexByte(content, '\n')+1))
		},
		"closed one empty": func(dir string) error { return os.Truncate(segmentPath(dir, 2), 0) },
		"strange name":     func(dir string) error { return os.WriteFile(dir+"/00000009b.jsonl", nil, 0o600) },
		"twice the same": func(dir string) error {
			content, _ := os.ReadFile(segmentPath(dir, 2))
			return os.WriteFile(segmentPath(dir, 3), content, 0o600)
		},
	} {
		for _, verify := range []int64{0, 1} { // everything read at open, and only the last segment
			dir := t.TempDir()
			j := mustOpen(t, options(dir))
			fill(t, j, 20)
			if err := errors.Join(j.Close(), damage(dir)); err != nil {
				t.Fatal(err)
			}
			o := options(dir)
			o.verifyBytes = verify
			if _, err := Open(o); err == nil {
				t.Errorf("%s: the journal was opened", name)
			} else if _, ok := errors.AsType[*DamageError](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestASegmentOfAnotherJournalIsRefused(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, other} {
		j := mustOpen(t, options(d))
		fill(t, j, 20)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(segmentPath(other, 2))
	if err := errors.Join(err, os.WriteFile(segmentPath(dir, 2), content, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(options(dir)); err == nil || !strings.Contains(err.Error(), "is chained to") {
		t.Errorf("a segment of another journal: %v", err)
	}
}

func TestANumberLeftOutIsRefused(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	head := j.Head()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := sale(1)
	r.Seq = head.Seq + 2
	f, err := os.OpenFile(segmentPath(dir, 1), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	line, _ := journal.Append(nil, r, eur, head.Hash)
	_, err = f.Write(line) // chained as it should be
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(options(dir)); err == nil || !strings.Contains(err.Error(), "record 3 follows record 1") {
		t.Errorf("a number left out: %v", err)
	}
}

func TestDamageInAClosedSegmentIsFoundLaterWhenItIsTooMuchToReadAtOpen(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	places := fill(t, j, 30)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	o := options(dir)
	o.verifyBytes = 1
	j = mustOpen(t, o)
	if err := j.VerifyClosed(func() bool { return true }); err != nil {
		t.Errorf("a sound journal: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	middle := spanOf(places[8])
	f, _ := os.OpenFile(segmentPath(dir, middle.segment), os.O_WRONLY, 0)
	_, err := f.WriteAt([]byte("x"), int64(middle.offset)+40)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, o)
	if _, ok := errors.AsType[*DamageError](j.VerifyClosed(func() bool { return true })); !ok {
		t.Error("damage in a closed segment was not found")
	}
	if _, err := j.Read(places[8]); err == nil {
		t.Error("a damaged record was read")
	}
}

func TestAnEmptySegmentThatACrashLeftIsUsed(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 12)
	last := spanOf(j.Head().Ref).segment
	if err := errors.Join(j.Close(), os.WriteFile(segmentPath(dir, last+1), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, options(dir))
	places := fill(t, j, 2)
	if first := spanOf(places[0]); first.segment != last+1 || first.offset != 0 || len(records(t, dir)) != 15 {
		t.Errorf("the record after an empty segment stands at %v", first)
	}
	if r, err := j.Read(places[1]); err != nil || r.Unlock != "u1" {
		t.Errorf("it reads as %+v, %v", r, err)
	}
}
