package topup

import "sync"

// Memory is what services of one ledger know beside it. A config that follows another
// takes it over, so that a reload forgets nobody who tries out cards, and no intent that
// is being asked for. Nothing in it has to survive a restart. It is safe for concurrent use.
type Memory struct {
	networks *networks
	wake     chan struct{} // a cash-out is planned
	turn     chan struct{} // holds one value while somebody sweeps

	strangers sync.Mutex // payments of no intent are booked one at a time: two could be the same, sealed with two keys

	mu       sync.Mutex
	begun    map[wanted]*begun   // intents whose answer from the way did not reach a reader
	again    map[string]struct{} // ids of intents that could not be booked when a way named them
	breakers map[string]*breaker // by way
}

// NewMemory knows nothing yet.
func NewMemory() *Memory {
	return &Memory{
		networks: newNetworks(),
		wake:     make(chan struct{}, 1),
		turn:     make(chan struct{}, 1),
		begun:    map[wanted]*begun{},
		again:    map[string]struct{}{},
		breakers: map[string]*breaker{},
	}
}

// breaker is the one of a way.
func (m *Memory) breaker(way string) *breaker {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.breakers[way]
	if b == nil {
		b = new(breaker)
		m.breakers[way] = b
	}
	return b
}
