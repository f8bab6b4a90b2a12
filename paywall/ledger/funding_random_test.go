package ledger_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

// story is what a random test did so far.
type story struct {
	*rig
	rt       *rapid.T
	wallets  []string
	intents  []string
	payments []string
	refunds  [][2]string // id, payment
	disputes [][2]string
	cashOuts int
	vouchers int
}

// one draws one of a list; ok is false if it is empty.
func one[T any](s *story, list []T) (v T, ok bool) {
	if len(list) == 0 {
		return v, false
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(s.rt, "which")], true
}

func (s *story) amount() float64 { return float64(rapid.IntRange(1, 8).Draw(s.rt, "euro")) }

// allowed are refusals that a caller may get; anything else fails the test.
func (s *story) allowed(err error) bool {
	switch paywall.ErrorCode(err) {
	case paywall.CodeInternal, paywall.CodeMalformed, paywall.CodeUnavailable:
		if err != nil {
			s.rt.Fatalf("%v", err)
		}
		return true
	}
	return false
}

func (s *story) try(m paywall.Movement) bool {
	first, err := s.Book(s.ctx, m)
	again, err2 := s.Book(s.ctx, m)
	if err == nil && (err2 != nil || !again.Replayed || first.Placed != again.Placed || first.Wallet != again.Wallet) {
		s.rt.Fatalf("%+v is booked as %+v, and again as %+v, %v", m, first, again, err2)
	}
	return s.allowed(err)
}

func (s *story) payment() {
	m := movement(paywall.MovedPayment, s.id("p"), "", s.amount())
	m.Payment = m.ID
	m.Intent, _ = one(s, s.intents)
	if s.try(m) {
		s.payments = append(s.payments, m.ID)
	}
}

func (s *story) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"open": func(*rapid.T) { s.wallets = append(s.wallets, s.wallet(s.amount()/4)) },
		"begin": func(*rapid.T) {
			w, ok := one(s, s.wallets)
			if !ok {
				return
			}
			in := paywall.Intent{ID: s.id("i"), Wallet: w, Way: "stripe", Amount: euro(5), ExpiresAt: s.now.Add(time.Minute)}
			if _, err := s.BeginTopUp(s.ctx, in); s.allowed(err) {
				s.intents = append(s.intents, in.ID)
			}
		},
		"pay":  func(*rapid.T) { s.payment() },
		"pay2": func(*rapid.T) { s.payment() },
		"move": func(*rapid.T) {
			if i, ok := one(s, s.intents); ok {
				to := rapid.SampledFrom([]paywall.IntentState{"offered", "pending", "paid", "failed", "expired"}).Draw(s.rt, "to")
				_, err := s.MoveIntent(s.ctx, i, to, "2026.object")
				s.allowed(err)
			}
		},
		"buy": func(*rapid.T) {
			if w, ok := one(s, s.wallets); ok {
				s.allowed(s.buy(w, s.amount()/2))
			}
		},
		"undo": func(*rapid.T) {
			if w, ok := one(s, s.wallets); ok {
				list, _ := unlocksOf(s.rig, w)
				if u, ok := one(s, list); ok {
					_, err := s.Refund(s.ctx, w, u.ID, 0)
					s.allowed(err)
				}
			}
		},
		"refund": func(*rapid.T) {
			if p, ok := one(s, s.payments); ok {
				id := s.id("r")
				if s.try(movement(paywall.MovedRefund, id, p, s.amount())) {
					s.refunds = append(s.refunds, [2]string{id, p})
				}
			}
		},
		"fail": func(*rapid.T) {
			if r, ok := one(s, s.refunds); ok {
				for units := range 9 { // whatever it was
					m := movement(paywall.MovedRefund, r[0], r[1], float64(units+1))
					if b, err := s.Book(s.ctx, m); err == nil && b.Replayed {
						m.Kind = paywall.MovedRefundFailed
						s.try(m)
					}
				}
			}
		},
		"dispute": func(*rapid.T) {
			if p, ok := one(s, s.payments); ok {
				m := movement(paywall.MovedDispute, s.id("d"), p, 5)
				m.Fee = euro(20)
				if s.try(m) {
					s.disputes = append(s.disputes, [2]string{m.ID, p})
				}
			}
		},
		"end dispute": func(*rapid.T) {
			if d, ok := one(s, s.disputes); ok {
				s.try(movement(rapid.SampledFrom([]paywall.MovementKind{paywall.MovedDisputeWon, paywall.MovedDisputeLost}).Draw(s.rt, "end"), d[0], d[1], 5))
			}
		},
		"cash out": func(*rapid.T) {
			if w, ok := one(s, s.wallets); ok {
				s.cashOuts++
				_, err := s.CashOut(s.ctx, w, s.id("c"), s.cashOuts%5 == 0)
				s.allowed(err)
			}
		},
		"move part": func(*rapid.T) { s.movePart() },
		"place": func(*rapid.T) {
			list, err := s.Unclaimed(s.ctx, "", 10)
			s.allowed(err)
			u, some := one(s, list)
			i, ok := one(s, s.intents)
			if !some || !ok {
				return
			}
			if rapid.Bool().Draw(s.rt, "assign") {
				_, err = s.Assign(s.ctx, u.Way, u.ID, i)
			} else {
				err = s.SendBack(s.ctx, u.Way, u.ID)
			}
			s.allowed(err)
		},
		"voucher": func(*rapid.T) {
			if w, ok := one(s, s.wallets); ok {
				s.vouchers++
				code := paywall.Hash{byte(s.vouchers), byte(s.vouchers >> 8), 9}
				s.allowed(s.AddVouchers(s.ctx, []paywall.Voucher{{Code: code, Amount: euro(s.amount())}}))
				_, err := s.Redeem(s.ctx, w, code)
				s.allowed(err)
			}
		},
		"erase": func(*rapid.T) {
			if w, ok := one(s, s.wallets); ok && rapid.IntRange(0, 3).Draw(s.rt, "rarely") == 0 {
				s.allowed(s.Erase(s.ctx, w))
			}
		},
		"later": func(*rapid.T) { s.pass(time.Minute) },
	}
}

// movePart moves a part on, or has a movement do so.
func (s *story) movePart() {
	open, err := s.OpenCashOuts(s.ctx, "", 10)
	s.allowed(err)
	p, ok := one(s, open)
	if !ok {
		return
	}
	switch to := rapid.SampledFrom([]string{"sent", "pending", "done", "failed", "canceled", "refund", "both"}).Draw(s.rt, "to"); to {
	case "refund", "both":
		m := paywall.Movement{Way: p.Way, Kind: paywall.MovedRefund, ID: s.id("r"), Payment: p.Payment, CashOut: p.ID, Amount: p.Amount}
		s.try(m)
		if to == "both" {
			m.Kind = paywall.MovedRefundFailed
			s.try(m)
		}
	default:
		_, err := s.MoveCashOut(s.ctx, p.ID, paywall.CashOutState(to))
		s.allowed(err)
	}
}

// TestWhateverHappensTheMoneyAddsUp runs random stories; after each the state must be what
// the records make, and the sums must agree.
func TestWhateverHappensTheMoneyAddsUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &story{rig: newRig(t), rt: rt}
		rt.Repeat(s.steps())
		s.check()
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}
