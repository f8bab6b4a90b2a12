package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// printRace prints the medians of all rounds. A row is divided by its base in
// the same round: by requests per second, and by the proxy's time for one, which
// is the one to believe where the machine did other things as well.
func printRace(rows []*row, laps map[string][]lap, p plan, nginx bool) {
	fmt.Printf("\n%d KB page, %d connections, %d rounds of %s in turn; medians (least-most)\n", pageSize>>10, connections, p.rounds, p.each)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\t÷ plain\t\tgoal\tby CPU time\trequests/s\tproxy's µs\tother cores")
	for _, r := range rows {
		own := laps[r.name]
		printRatio(out, r.name, own, laps[r.base], r.goal)
		fmt.Fprintf(out, "\t%.0f\t%.1f\t%.2f\n", median(each(own, lap.requests)), median(each(own, lap.micros)),
			median(each(own, func(l lap) float64 { return l.other })))
	}
	if !nginx {
		fmt.Fprintln(out, "nginx, nginx auth_request\tmissing: nginx is not installed")
	}
	for _, l := range []struct {
		name, base string
		goal       float64
	}{
		{"paid ÷ forward_auth", forwardRow, 1.5},
		{"paid ÷ Caddy without us, plain", caddyPlainRow, 0.97},
		{"paid ÷ Caddy without us, forward_auth", caddyForwardRow, 1.5},
	} {
		printRatio(out, l.name, laps[paidRow], laps[l.base], l.goal)
		fmt.Fprintln(out)
	}
	_ = out.Flush() // to standard output
}

// printRatio prints the first cells of a line.
func printRatio(out io.Writer, name string, own, base []lap, goal float64) {
	ratios := over(each(own, lap.requests), each(base, lap.requests))
	wanted := ""
	if goal > 0 {
		wanted = fmt.Sprint(goal)
	}
	fmt.Fprintf(out, "%s\t%.2f\t(%.2f-%.2f)\t%s\t%.2f", name, median(ratios), slices.Min(ratios), slices.Max(ratios), wanted,
		median(over(each(base, lap.micros), each(own, lap.micros))))
}

// over divides round by round.
func over(values, by []float64) []float64 {
	ratios := make([]float64, len(values))
	for i := range values {
		ratios[i] = values[i] / by[i]
	}
	return ratios
}

func each[T any](from []T, value func(T) float64) []float64 {
	values := make([]float64, len(from))
	for i := range from {
		values[i] = value(from[i])
	}
	return values
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
