package pretend

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Endpoint is a URL that events are sent to.
type Endpoint struct {
	URL     string
	Secrets []string // each signs; two while a secret is rotated
	Version string   // api_version of its events; Version if empty
}

// Delivery says how webhooks arrive. The zero value: each once, in order of their events
// as far as several senders keep it.
type Delivery struct {
	Never   bool
	Twice   bool
	Shuffle bool          // in any order; with Late, each as late as chance wants
	Late    time.Duration // after the event
}

// Subscribe sends all events from now on to an endpoint. It replaces the one with that URL.
func (b *Bank) Subscribe(to Endpoint) {
	b.post.subscribe(to)
}

// Deliver says how the webhooks of what happens from now on arrive.
func (b *Bank) Deliver(how Delivery) {
	b.post.mu.Lock()
	defer b.post.mu.Unlock()
	b.post.how = how
}

// Wait waits until no webhook is on its way or to be sent again.
func (b *Bank) Wait(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !b.post.idle() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for webhooks: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// emit makes an event of an object as it is now and sends it. The lock is held.
func (b *Bank) emit(kind string, o object) {
	event := b.add("event", "evt_", object{
		"type": kind, "api_version": Version, "data": object{"object": json.RawMessage(encode(b.shown(o)))},
		"pending_webhooks": int64(1), "request": object{"id": nil, "idempotency_key": nil},
	})
	b.post.send(event)
}

// Sign is the Stripe-Signature header of a webhook: for tests that make their own.
func Sign(body []byte, at time.Time, secrets ...string) string {
	var header strings.Builder
	fmt.Fprintf(&header, "t=%d", at.Unix())
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
		header.WriteString(",v1=" + hex.EncodeToString(mac.Sum(nil)))
	}
	return header.String()
}
