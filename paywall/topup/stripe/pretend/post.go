package pretend

import (
	"bytes"
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Limits of webhooks.
const (
	maxQueued   = 20_000 // what comes when so many wait is never sent
	atOnce      = 8
	sendTimeout = 10 * time.Second
)

// post sends webhooks.
type post struct {
	client http.Client
	now    func() time.Time
	retry  []time.Duration
	ctx    context.Context
	close  func()
	wake   chan struct{}
	slots  chan struct{}

	mu        sync.Mutex
	started   bool
	endpoints []Endpoint
	how       Delivery
	queue     []letter
	flying    int
}

// letter is a webhook to be sent.
type letter struct {
	to    Endpoint
	body  []byte
	due   time.Time
	tries int // before this one
}

func newPost(options Options) *post {
	ctx, cancel := context.WithCancel(context.Background())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = atOnce
	return &post{
		client: http.Client{Transport: transport, Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		now:    options.Now, retry: options.Retry, ctx: ctx,
		close: func() {
			cancel()
			transport.CloseIdleConnections()
		},
		wake: make(chan struct{}, 1), slots: make(chan struct{}, atOnce),
	}
}

func (p *post) subscribe(to Endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if to.Version == "" {
		to.Version = Version
	}
	if !p.started {
		p.started = true
		go p.run()
	}
	for i := range p.endpoints {
		if p.endpoints[i].URL == to.URL {
			p.endpoints[i] = to
			return
		}
	}
	p.endpoints = append(p.endpoints, to)
}

// send has an event delivered to all endpoints.
func (p *post) send(event object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.how.Never {
		return
	}
	for _, to := range p.endpoints {
		dated := maps.Clone(event)
		dated["api_version"] = to.Version
		body := encode(dated)
		copies := 1
		if p.how.Twice {
			copies = 2
		}
		for range copies {
			late := p.how.Late
			if p.how.Shuffle && late > 0 {
				late = rand.N(late)
			}
			p.enqueue(letter{to: to, body: body, due: time.Now().Add(late)}, p.how.Shuffle)
		}
	}
	p.nudge()
}

// enqueue puts a letter at the end, or somewhere. The lock is held.
func (p *post) enqueue(l letter, anywhere bool) {
	if len(p.queue) >= maxQueued {
		return
	}
	p.queue = append(p.queue, l)
	if i := len(p.queue) - 1; anywhere {
		j := rand.IntN(i + 1)
		p.queue[i], p.queue[j] = p.queue[j], p.queue[i]
	}
}

func (p *post) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run sends what is due until the bank closes.
func (p *post) run() {
	for {
		l, wait, ok := p.next()
		if ok {
			select {
			case p.slots <- struct{}{}:
				go p.deliver(l)
				continue
			case <-p.ctx.Done():
				return
			}
		}
		select {
		case <-p.wake:
		case <-time.After(wait):
		case <-p.ctx.Done():
			return
		}
	}
}

// next takes the first letter that is due, or says how long there is none.
func (p *post) next() (l letter, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait = time.Hour
	for i, l := range p.queue {
		if in := time.Until(l.due); in > 0 {
			wait = min(wait, in)
			continue
		}
		p.queue = append(p.queue[:i], p.queue[i+1:]...)
		p.flying++
		return l, 0, true
	}
	return letter{}, wait, false
}

func (p *post) deliver(l letter) {
	delivered := p.try(l)
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.slots
	p.flying--
	if !delivered && l.tries < len(p.retry) {
		l.due = time.Now().Add(p.retry[l.tries])
		l.tries++
		p.enqueue(l, false)
		p.nudge()
	}
}

// try sends a letter once and reports whether it was taken.
func (p *post) try(l letter) bool {
	request, err := http.NewRequestWithContext(p.ctx, http.MethodPost, l.to.URL, bytes.NewReader(l.body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", Sign(l.body, p.now(), l.to.Secrets...))
	answer, err := p.client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection is used again
	return answer.StatusCode >= 200 && answer.StatusCode < 300
}

func (p *post) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) == 0 && p.flying == 0
}
