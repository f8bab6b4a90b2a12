package storetest

import (
	"context"

	"pgregory.net/rapid"
)

// newTeller has the model's chance decide what becomes of money in and out.
func (m *model) newTeller() *teller {
	return &teller{
		suite: m.suite,
		dice:  func(n int) int { return rapid.IntRange(0, n-1).Draw(m.rt, "dice") },
		fail:  func(text string, args ...any) { m.rt.Fatalf(text, args...) },
		any:   func() *holder { return &m.any().holder },
		try:   func(call func(context.Context) error) error { return call(m.t.Context()) },
		sums:  sums{},
	}
}

// addMoney adds what a teller does to the calls of a run, and takes out of them what has
// nothing to do with money.
func (m *model) addMoney(calls map[string]func(*rapid.T)) {
	for _, name := range []string{"set", "later", "replay"} {
		delete(calls, name)
	}
	for name, call := range m.money.calls() {
		calls[name] = func(rt *rapid.T) { m.rt = rt; call() }
	}
	if m.mortal != nil {
		calls["doomed money"] = func(rt *rapid.T) { m.rt = rt; m.doomedMoney() }
	}
}
