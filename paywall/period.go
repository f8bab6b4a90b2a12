package paywall

import "time"

// NextMonth is when the UTC month after t's begins: when caps and limits per
// month start anew.
func NextMonth(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}
