package topuptest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

const purseSecret = "purse"

// purse is the smallest provider that can do everything, and its way at once.
type purse struct {
	mu     sync.Mutex
	number int
	orders map[string]*order // by object
	byKey  map[string]string // id of what a key asked for
	moved  []paywall.Movement
	calls  []*http.Request
	sent   strings.Builder

	now    func() time.Time
	strict bool // the last order demands authentication

	hang       chan struct{} // closed by mend; nil: it answers
	broken     bool
	brokenOnce bool
	lostOnce   bool
	forgetKeys bool // a fault of the way: keys are not sent
	changeIDs  bool // a fault of the way: a movement has another id at each look
	hidePaid   bool // a fault of the way: Movements leaves payments out
	believe    bool // a fault of the way: forged calls are believed
}

type order struct {
	object, intent string
	amount         paywall.Money
	state          paywall.IntentState
	warned         bool
}

func newPurse() *purse {
	return &purse{orders: map[string]*order{}, byKey: map[string]string{}, now: time.Now}
}

func (p *purse) Name() string        { return "purse" }
func (p *purse) Origins() []string   { return []string{"https://pay.purse.example"} }
func (p *purse) Life() time.Duration { return 31 * time.Minute }

// ask is one request to the provider. changes says that an answer can be lost.
func (p *purse) ask(ctx context.Context, changes bool, what string, do func() error) error {
	p.mu.Lock()
	hang := p.hang
	fmt.Fprintln(&p.sent, what)
	p.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", topup.ErrProvider, ctx.Err())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken || p.brokenOnce {
		p.brokenOnce = false
		return fmt.Errorf("%w: 500", topup.ErrProvider)
	}
	err := do()
	if changes && p.lostOnce {
		p.lostOnce = false
		return fmt.Errorf("%w: connection lost", topup.ErrProvider)
	}
	return err
}

func (p *purse) id(prefix string) string {
	p.number++
	return fmt.Sprintf("%s_%06d", prefix, p.number)
}

func (p *purse) Begin(ctx context.Context, in topup.Begin) (next topup.Next, err error) {
	err = p.ask(ctx, true, "begin "+in.ID+" "+in.Return+" "+in.Cancel, func() error {
		object := p.byKey[in.ID]
		if object == "" || p.forgetKeys {
			object = p.id("order")
			p.byKey[in.ID] = object
			p.strict = in.Strict
			p.orders[object] = &order{object: object, intent: in.ID, amount: in.Amount, state: paywall.IntentOffered}
		}
		next = topup.Next{Object: object, URL: p.Origins()[0] + "/" + object, ExpiresAt: in.Expires}
		return nil
	})
	return next, err
}

func (p *purse) Look(ctx context.Context, in paywall.Intent) (found topup.Found, err error) {
	err = p.ask(ctx, false, "look "+in.Object+in.Wallet, func() error { // a way may tell all that it knows
		o := p.orders[in.Object]
		if o == nil {
			return fmt.Errorf("%w: no such order", topup.ErrProvider)
		}
		found.State = o.state
		if o.state == paywall.IntentOffered {
			found.URL = p.Origins()[0] + "/" + o.object
		}
		for _, m := range p.moved {
			if m.Payment != "pay-"+o.object {
				continue
			}
			if m.Kind == paywall.MovedPayment && o.intent != in.ID {
				m.Intent = ""
			}
			if p.changeIDs {
				m.ID = p.id("new")
			}
			found.Movements = append(found.Movements, m)
		}
		if o.warned {
			found.Warned = []string{"pay-" + o.object}
		}
		return nil
	})
	return found, err
}

func (p *purse) Hook(w http.ResponseWriter, r *http.Request) (topup.Named, error) {
	if r.Header.Get("Purse") != purseSecret && !p.believe {
		http.Error(w, "no", http.StatusBadRequest)
		return topup.Named{}, paywall.Errorf(paywall.CodeMalformed, "the call is not signed")
	}
	q := r.URL.Query()
	if id := q.Get("movement"); id != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		return topup.Named{Movements: slices.DeleteFunc(slices.Clone(p.moved), func(m paywall.Movement) bool { return m.ID != id })}, nil
	}
	return topup.Named{Intents: []topup.Reference{{Intent: q.Get("intent"), Object: q.Get("object")}}}, nil
}

func (p *purse) Movements(ctx context.Context, since time.Time) iter.Seq2[paywall.Movement, error] {
	return func(yield func(paywall.Movement, error) bool) {
		var moved []paywall.Movement
		err := p.ask(ctx, false, "list", func() error { moved = slices.Clone(p.moved); return nil })
		if err != nil {
			yield(paywall.Movement{}, err)
			return
		}
		for _, m := range moved {
			if m.At.Before(since) || p.hidePaid && m.Kind == paywall.MovedPayment {
				continue
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (p *purse) Return(ctx context.Context, part paywall.CashOutPart) (state paywall.CashOutState, err error) {
	err = p.ask(ctx, true, "return "+part.Payment+" "+part.ID+part.Wallet, func() error {
		if p.byKey[part.ID] != "" && !p.forgetKeys {
			state = paywall.CashOutDone
			return nil
		}
		left := int64(0)
		for _, m := range p.moved {
			if m.Payment == part.Payment && m.Kind == paywall.MovedPayment {
				left += m.Amount.Micros
			}
			if m.Payment == part.Payment && m.Kind == paywall.MovedRefund {
				left -= m.Amount.Micros
			}
		}
		if left < part.Amount.Micros {
			return topup.ErrRefused
		}
		p.byKey[part.ID] = "done"
		o := p.orders[strings.TrimPrefix(part.Payment, "pay-")]
		if o != nil {
			o.warned = o.warned && left > part.Amount.Micros
		}
		p.move(o, paywall.Movement{Kind: paywall.MovedRefund, ID: p.id("refund"), Payment: part.Payment, CashOut: part.ID, Amount: part.Amount})
		state = paywall.CashOutDone
		return nil
	})
	return state, err
}

// move notes a movement of an order, and calls about it.
func (p *purse) move(o *order, m paywall.Movement) {
	m.Way, m.At = p.Name(), p.now()
	if o == nil {
		p.moved = append(p.moved, m)
		p.call("movement=" + m.ID)
		return
	}
	m.Payment = cmp.Or(m.Payment, "pay-"+o.object)
	p.moved = append(p.moved, m)
	p.call("intent=" + o.intent + "&object=" + o.object)
}

func (p *purse) call(query string) {
	r := httptest.NewRequest(http.MethodPost, "/hook?"+query, nil)
	r.Header.Set("Purse", purseSecret)
	p.calls = append(p.calls, r)
}

func (p *purse) pay(o *order) {
	id := "pay-" + o.object
	o.state = paywall.IntentPaid
	p.move(o, paywall.Movement{Kind: paywall.MovedPayment, ID: id, Intent: o.intent, Amount: o.amount})
	p.move(o, paywall.Movement{Kind: paywall.MovedFee, ID: "fee-" + o.object, Amount: paywall.Money{Micros: 330_000, Currency: Currency}})
}

// bench is a purse with all its controls.
func (p *purse) bench(t *testing.T) Bench {
	with := func(in paywall.Intent, do func(o *order)) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.orders[in.Object] == nil {
			t.Errorf("nobody knows the order %q", in.Object)
			return
		}
		do(p.orders[in.Object])
	}
	set := func(do func()) func() {
		return func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			do()
		}
	}
	return Bench{
		Way:    p,
		Amount: paywall.Money{Micros: 5_000_000, Currency: Currency},
		Pay:    func(in paywall.Intent) { with(in, p.pay) },
		Hooks: func() []*http.Request {
			p.mu.Lock()
			defer p.mu.Unlock()
			calls := p.calls
			p.calls = nil
			return calls
		},
		Forged: func() []*http.Request {
			return []*http.Request{httptest.NewRequest(http.MethodPost, "/hook?intent=AAAAAAAAAAAAAAAA", nil)}
		},
		PayLater: func(in paywall.Intent) func(bool) {
			with(in, func(o *order) {
				o.state = paywall.IntentPending
				p.call("intent=" + o.intent)
			})
			return func(ok bool) {
				with(in, func(o *order) {
					if ok {
						p.pay(o)
						return
					}
					o.state = paywall.IntentFailed
					p.call("intent=" + o.intent)
				})
			}
		},
		Fail: func(in paywall.Intent) {
			with(in, func(o *order) {
				o.state = paywall.IntentFailed
				p.call("intent=" + o.intent)
			})
		},
		Refund: func(in paywall.Intent, amount paywall.Money) {
			with(in, func(o *order) {
				p.move(o, paywall.Movement{Kind: paywall.MovedRefund, ID: p.id("refund"), Amount: amount})
			})
		},
		Dispute: func(in paywall.Intent) func(bool) {
			id := ""
			with(in, func(o *order) {
				id = p.id("dispute")
				p.move(o, paywall.Movement{Kind: paywall.MovedDispute, ID: id, Amount: o.amount, Fee: paywall.Money{Micros: 20_000_000, Currency: Currency}})
			})
			return func(won bool) {
				kind := paywall.MovedDisputeLost
				if won {
					kind = paywall.MovedDisputeWon
				}
				with(in, func(o *order) { p.move(o, paywall.Movement{Kind: kind, ID: id, Amount: o.amount}) })
			}
		},
		Warn: func(in paywall.Intent) {
			with(in, func(o *order) {
				o.warned = true
				p.call("intent=" + o.intent)
			})
		},
		Payout: func(amount paywall.Money) {
			set(func() { p.move(nil, paywall.Movement{Kind: paywall.MovedPayout, ID: p.id("payout"), Amount: amount}) })()
		},
		Move: func(amount paywall.Money) {
			set(func() { p.move(nil, paywall.Movement{Kind: paywall.MovedOther, ID: p.id("other"), Amount: amount}) })()
		},
		Stranger: func(amount paywall.Money) {
			set(func() {
				id := p.id("stranger")
				p.move(nil, paywall.Movement{Kind: paywall.MovedPayment, ID: id, Payment: id, Amount: amount})
			})()
		},
		Hang:      set(func() { p.hang = make(chan struct{}) }),
		Break:     set(func() { p.broken = true }),
		BreakOnce: set(func() { p.brokenOnce = true }),
		LoseOnce:  set(func() { p.lostOnce = true }),
		Mend: set(func() {
			if p.hang != nil {
				close(p.hang)
			}
			p.hang, p.broken = nil, false
		}),
		Sent: func() string {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.sent.String()
		},
	}
}
