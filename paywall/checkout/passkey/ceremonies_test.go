package passkey

import (
	"testing"
	"time"
)

// TestSpentChallengesStayBounded: beyond the bound none is taken, rather than one
// twice; and time makes room.
func TestSpentChallengesStayBounded(t *testing.T) {
	c, now := NewCeremonies(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	first := c.challenge(now, "x")
	if !c.spend(first, now, "x") || c.spend(first, now, "x") {
		t.Fatal("a challenge is good once")
	}
	for len(c.spent) < maxSpent {
		c.spend(c.challenge(now, "x"), now, "x")
	}
	if c.spend(c.challenge(now, "x"), now, "x") || c.spend(first, now, "x") || len(c.spent) != maxSpent {
		t.Errorf("%d challenges are remembered", len(c.spent))
	}
	later := now.Add(challengeTTL + time.Second)
	if !c.spend(c.challenge(later, "x"), later, "x") || len(c.spent) != 1 {
		t.Errorf("%d challenges are remembered for too long", len(c.spent))
	}
}
