package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// data is Tuppence's folder, the same for all starts.
func (w *workshop) data() string { return filepath.Join(w.dir, "data") }

// footing is what one start showed.
type footing struct {
	start  time.Duration // until the first page came through
	memory int64         // bytes, idle
}

// footprint compares Tuppence with Caddy: the time to start, the size of the
// program, the memory when idle.
func footprint(w *workshop, p plan) error {
	addrs, err := freeAddrs(1)
	if err != nil {
		return err
	}
	addr := addrs[0]
	configs := map[string]string{
		w.caddy:    caddyGlobal() + plainSite(addr, w.site),
		w.tuppence: tuppenceGlobal(w.data()) + gatedSite(addr, w.site),
	}
	if _, err := w.footing("http://"+addr, w.tuppence, configs[w.tuppence], 0); err != nil { // makes the folder and the keys
		return err
	}
	feet := make(map[string][]footing)
	for range p.starts {
		for _, program := range []string{w.caddy, w.tuppence} {
			f, err := w.footing("http://"+addr, program, configs[program], p.settle)
			if err != nil {
				return err
			}
			feet[program] = append(feet[program], f)
		}
	}
	return printFootprint(w, feet)
}

func (w *workshop) footing(url, program, config string, settle time.Duration) (footing, error) {
	began := time.Now()
	p, err := w.proxy(url, program, config)
	if err != nil {
		return footing{}, err
	}
	defer p.stop()
	f := footing{start: time.Since(began)}
	time.Sleep(settle) // idle memory is that of a while, not of the start
	f.memory, err = p.resident()
	return f, err
}

func printFootprint(w *workshop, feet map[string][]footing) error {
	var start, memory, size [2]float64
	for i, program := range []string{w.caddy, w.tuppence} {
		file, err := os.Stat(program)
		if err != nil {
			return err
		}
		start[i] = median(each(feet[program], func(f footing) float64 { return float64(f.start.Microseconds()) / 1000 }))
		memory[i] = median(each(feet[program], func(f footing) float64 { return float64(f.memory) / (1 << 20) }))
		size[i] = float64(file.Size()) / 1e6
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\n\tCaddy\tTuppence\tmore\tgoal")
	fmt.Fprintf(out, "start, ms\t%.1f\t%.1f\t%+.1f\t+20\n", start[0], start[1], start[1]-start[0])
	fmt.Fprintf(out, "binary, MB\t%.1f\t%.1f\t%+.1f %%\t+5 %%\n", size[0], size[1], 100*(size[1]/size[0]-1))
	fmt.Fprintf(out, "idle memory, MiB\t%.1f\t%.1f\t%+.1f\t+12\n", memory[0], memory[1], memory[1]-memory[0])
	return out.Flush()
}
