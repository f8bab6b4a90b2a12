package paywall

import "time"

// MaxGiftReaders bounds a gift.
const MaxGiftReaders = 1000

// Gift is a link that opens a purchase to others, for nothing.
type Gift struct {
	Key     Hash   // of the link's secret, [GiftKey]
	Unlock  string // the giver's purchase
	Readers int    // how many others may open it, at most [MaxGiftReaders]
	Limit   int    // how many links the wallet may make in a UTC month; 0: no limit
}

// GiftState is what became of a gift.
type GiftState struct {
	Unlock    string    `json:"unlock_id"` // the giver's purchase; "" for everybody else
	Site      string    `json:"site"`
	Resource  string    `json:"resource"`
	URL       string    `json:"url"`
	Title     string    `json:"title"`
	Readers   int       `json:"readers"`
	Opened    int       `json:"opened"` // by so many
	MadeAt    time.Time `json:"made_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // when the giver's own right ends, and theirs with it; zero: never
}
