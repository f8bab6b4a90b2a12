//go:build linux

package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

func (c *contest) print() {
	fmt.Printf("\n%s\n", c.title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "buyers\tunlocks/s\tp50\tp99\tcores busy\tµs of CPU\t÷ raw\t÷ PostgreSQL\tgoal\tby CPU time\tp99 ÷ PostgreSQL\t  what\t")
	for _, buyers := range c.buyers {
		ceiling, _ := c.row(rawName).at(buyers)
		other, _ := c.row(postgresName).at(buyers)
		for _, r := range c.rows {
			got, ok := r.at(buyers)
			if !ok {
				continue
			}
			fmt.Fprintf(w, "%d\t%.0f\t%s\t%s\t%.1f\t%d\t%s\t%s\t%s\t%s\t%s\t  %s\t\n", buyers, got.rate, short(got.p50), short(got.p99), got.cores, got.cpu.Microseconds(),
				ratio(got.rate, ceiling.rate), ratio(got.rate, other.rate), r.goal, ratio(float64(other.cpu), float64(got.cpu)), ratio(float64(got.p99), float64(other.p99)), r.name)
		}
		fmt.Fprintln(w, "\t\t\t\t\t\t\t\t\t\t\t\t")
	}
	_ = w.Flush() // to standard output
	for _, r := range c.rows {
		if r.missing != "" {
			fmt.Printf("%s is not measured: %s\n", r.name, r.missing)
			continue
		}
		fmt.Printf("%s is bound by: %s\n", r.name, r.bound)
	}
}

func (c *contest) row(name string) *row {
	for _, r := range c.rows {
		if r.name == name {
			return r
		}
	}
	return &row{}
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func short(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", d.Seconds()*1000)
}

func (z sizes) print() {
	fmt.Printf("\non disk for each of %d purchases: journal %.0f + Badger %.0f = %.0f bytes; the journal compressed (gzip): %.0f\n",
		z.purchases, z.journal, z.badger, z.journal+z.badger, z.zipped)
}

func printOpening(t opening) {
	fmt.Printf("\nopening %d unlocks: %v after Close, %v after SIGKILL under load\n",
		t.purchases, t.clean.Round(time.Millisecond), t.killed.Round(time.Millisecond))
}
