package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
)

// printRace prints the medians of all rounds. A row is divided by the plain
// proxy of the same round.
func printRace(rows []*row, laps map[string][]lap, p plan, nginx bool) {
	fmt.Printf("\n%d KB page, %d connections, %d rounds of %s in turn; medians (least-most)\n", pageSize>>10, connections, p.rounds, p.each)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\t÷ plain\t\tgoal\trequests/s\tproxy's µs/request\tother cores")
	for _, r := range rows {
		name, own := r.name, laps[r.name]
		ratios := over(own, laps[plainRow])
		fmt.Fprintf(out, "%s\t%.2f\t(%.2f-%.2f)\t%s\t%.0f\t%.1f\t%.2f\n", name, median(ratios), slices.Min(ratios), slices.Max(ratios), goal(r.goal),
			median(each(own, func(l lap) float64 { return l.rate })),
			median(each(own, func(l lap) float64 { return float64(l.cpu.Nanoseconds()) / 1000 })),
			median(each(own, func(l lap) float64 { return l.other })))
	}
	if !nginx {
		fmt.Fprintln(out, "nginx, nginx auth_request\tmissing: nginx is not installed")
	}
	ratios := over(laps[paidRow], laps[forwardRow])
	fmt.Fprintf(out, "paid ÷ forward_auth\t%.2f\t(%.2f-%.2f)\t%s\n", median(ratios), slices.Min(ratios), slices.Max(ratios), goal(1.5))
	_ = out.Flush() // to standard output
}

func goal(least float64) string {
	if least == 0 {
		return ""
	}
	return fmt.Sprint(least)
}

// over divides requests per second, round by round.
func over(laps, by []lap) []float64 {
	ratios := make([]float64, len(laps))
	for i := range laps {
		ratios[i] = laps[i].rate / by[i].rate
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
