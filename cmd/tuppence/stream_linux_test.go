package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	filmSize  = 1 << 30  // bytes; the file is sparse and takes next to nothing on disk
	markAt    = 64 << 20 // every so many bytes the film says where it is
	maxGrowth = 20 << 10 // KiB
)

// TestOneGigabyteStreamsInFlatMemory: a film goes through the gate as it goes
// through the server without it.
func TestOneGigabyteStreamsInFlatMemory(t *testing.T) {
	notShort(t, "a gigabyte to pass")
	s := startStudio(t, map[string][]byte{"albums/film/film.mp4": nil})
	path := filepath.Join(s.files, "albums/film/film.mp4")
	film, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < filmSize; at += markAt {
		if _, err := film.WriteAt(mark(at), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := film.Truncate(filmSize); err != nil {
		t.Fatal(err)
	}
	if err := film.Close(); err != nil {
		t.Fatal(err)
	}
	for _, w := range s.ways {
		t.Run(w.name, func(t *testing.T) {
			p := newPlayer(t, w.gated)
			p.buy("/albums/film/film.mp4")
			if got := p.do(http.MethodGet, "/albums/film/film.mp4", nil, "Range: bytes=0-7"); got.StatusCode != http.StatusPartialContent {
				t.Fatal(got.Status)
			}
			// A server that has just started grows whoever streams, and its
			// collector lets the heap swing: what counts is the peak beside that
			// of the same stream without a gate.
			s.memory(t)
			newPlayer(t, w.plain).watch("/albums/film/film.mp4")
			plain := s.memory(t)
			p.watch("/albums/film/film.mp4")
			gated := s.memory(t)
			t.Logf("resident at the peak: %d KiB without the gate, %d KiB with it", plain.peak, gated.peak)
			if gated.peak > max(plain.peak, plain.now)+maxGrowth {
				t.Errorf("%d KiB were resident, %d without the gate", gated.peak, plain.peak)
			}
			last := fmt.Sprintf("Range: bytes=%d-", filmSize-markAt)
			end := p.do(http.MethodGet, "/albums/film/film.mp4", nil, last)
			if end.StatusCode != http.StatusPartialContent || end.ContentLength != markAt || len(end.body) != markAt ||
				!strings.HasPrefix(end.body, string(mark(filmSize-markAt))) ||
				end.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", filmSize-markAt, filmSize-1, filmSize) {
				t.Errorf("the end of it: %s, %d bytes, %v", end.Status, len(end.body), end.Header)
			}
			p.wantOnePurchase("2.00")
		})
	}
	s.wantSound()
}

// mark is what stands at a place of the film.
func mark(at int64) []byte { return fmt.Appendf(nil, "at %012d", at) }

// watch reads a film to its end and checks the marks on the way.
func (p *player) watch(path string) {
	p.t.Helper()
	resp, err := p.client.Get(p.site + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != filmSize || resp.Header.Get("Accept-Ranges") != "bytes" {
		p.t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	got := make([]byte, len(mark(0)))
	for at := int64(0); at < filmSize; at += markAt {
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != string(mark(at)) {
			p.t.Fatalf("at %d: %q, %v", at, got, err)
		}
		if n, err := io.CopyN(io.Discard, resp.Body, markAt-int64(len(got))); err != nil {
			p.t.Fatalf("at %d: %v", at+n, err)
		}
	}
	if n, err := resp.Body.Read(got); n != 0 || err != io.EOF {
		p.t.Errorf("after the end: %d bytes, %v", n, err)
	}
}

// resident is what the server holds in memory, in KiB.
type resident struct{ now, peak int }

// memory reads the server's figures since it was called last.
func (s *server) memory(t *testing.T) resident {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	var r resident
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &r.now)
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &r.peak)
	}
	if r.now == 0 || r.peak == 0 {
		t.Fatalf("no figures in %s", status)
	}
	// proc(5): 5 resets the peak to what is resident now.
	if err := os.WriteFile(proc+"clear_refs", []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	return r
}
