package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tuppence/tuppence/paywall"
)

// call is one call of a recorded history, on one wallet.
type call struct {
	wallet int
	verb   string // buy, refund, balance
	item   int    // article bought; purchase refunded
}

type answer struct {
	outcome string
	cents   int64
}

// walletState is the sequential wallet that a history must be explained by.
type walletState struct {
	cents  int64
	owned  [3]string // unlock's outcome by article: "", "owned"
	undone [3]string // the purchase that was undone
}

const price = 10

// Linearizable records many histories of 300 calls by 16 to 64 clients, each on
// a store of its own. One is part of [Run].
func Linearizable(t *testing.T, histories int, open Open) {
	for i := range histories {
		clients := 16 + i*48/max(histories-1, 1)
		t.Run(fmt.Sprintf("%d of %d, %d clients", i+1, histories, clients), func(t *testing.T) {
			h := newSuite(t, open)
			h.linearizable(t, clients, 300)
			h.verify()
		})
	}
}

func testLinearizable(t *testing.T, h *suite) {
	h.linearizable(t, 6, 150)
	// The check itself must be able to fail: a debit that nobody made.
	wrong := []porcupine.Operation{{Input: call{verb: "balance"}, Output: answer{"balance", -1}, Return: 1}}
	if porcupine.CheckOperations(walletModel(1), wrong) {
		t.Error("a wrong history was accepted")
	}
}

// opening is what each wallet of a history begins with, in cents: enough for
// some purchases and too little for others.
const opening = 25

// linearizable records calls that overlap and asks porcupine for an order of
// them, within their times, that wallets without any concurrency could have had.
func (h *suite) linearizable(t *testing.T, clients, calls int) {
	wallets := make([]reader, max(clients/8, 2))
	bought := make([]map[int]string, len(wallets)) // newest unlock by article
	for i := range wallets {
		wallets[i], bought[i] = h.reader(opening), map[int]string{}
	}
	var mu sync.Mutex
	var history []porcupine.Operation
	start := time.Now()
	together(clients, func(client int) {
		random := rand.New(rand.NewPCG(uint64(start.UnixNano()), uint64(client)))
		for {
			c := call{
				wallet: random.IntN(len(wallets)),
				verb:   []string{"buy", "buy", "refund", "balance"}[random.IntN(4)],
				item:   random.IntN(3),
			}
			mu.Lock()
			id, enough := bought[c.wallet][c.item], len(history) >= calls
			mu.Unlock()
			if enough {
				return
			}
			if c.verb == "refund" && id == "" {
				c.verb = "buy"
			}
			begin := time.Since(start)
			a, unlocked := h.call(c, wallets[c.wallet], id)
			end := time.Since(start)
			mu.Lock()
			if unlocked != "" {
				bought[c.wallet][c.item] = unlocked
			}
			history = append(history, porcupine.Operation{
				ClientId: client, Input: c, Output: a, Call: begin.Nanoseconds(), Return: end.Nanoseconds(),
			})
			mu.Unlock()
		}
	})
	switch porcupine.CheckOperationsTimeout(walletModel(len(wallets)), history, time.Minute) {
	case porcupine.Illegal:
		t.Errorf("no order of the %d calls explains their answers", len(history))
	case porcupine.Unknown:
		t.Errorf("no order of the %d calls was found in a minute", len(history))
	}
}

func (h *suite) call(c call, r reader, id string) (a answer, unlocked string) {
	switch c.verb {
	case "balance":
		return answer{"balance", h.balance(r)}, ""
	case "refund":
		receipt, err := h.store.Refund(h.t.Context(), r.ID, id, 0)
		switch {
		case errors.Is(err, paywall.ErrRefundOnce):
			return answer{"once", 0}, ""
		case err != nil:
			return answer{"refund: " + err.Error(), 0}, ""
		}
		return answer{"refunded " + id, receipt.Balance.Micros / 10_000}, ""
	}
	receipt, err := h.unlock(r, h.offer(fmt.Sprintf("/linear/%d", c.item), price))
	switch {
	case errors.Is(err, paywall.ErrInsufficientFunds):
		return answer{"poor", 0}, ""
	case err != nil:
		return answer{"buy: " + err.Error(), 0}, ""
	case receipt.AlreadyOwned:
		return answer{"owned " + receipt.Unlock.ID, receipt.Balance.Micros / 10_000}, ""
	}
	return answer{"bought " + receipt.Unlock.ID, receipt.Balance.Micros / 10_000}, receipt.Unlock.ID
}

func walletModel(wallets int) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := make([][]porcupine.Operation, wallets)
			for _, o := range history {
				w := o.Input.(call).wallet
				parts[w] = append(parts[w], o)
			}
			return parts
		},
		Init: func() any { return walletState{cents: -1} },
		Step: func(state, input, output any) (bool, any) {
			l, c, a := state.(walletState), input.(call), output.(answer)
			if l.cents < 0 {
				l.cents = opening
			}
			switch c.verb {
			case "balance":
				return a.cents == l.cents, l
			case "refund":
				id, ok := strings.CutPrefix(a.outcome, "refunded ")
				switch {
				case !ok:
					return a.outcome == "once" && l.owned[c.item] != "" && l.undone[c.item] != "", l
				case l.owned[c.item] == id && l.undone[c.item] == "":
					l.owned[c.item], l.undone[c.item], l.cents = "", id, l.cents+price
				}
				return l.undone[c.item] == id && a.cents == l.cents, l
			}
			if id, ok := strings.CutPrefix(a.outcome, "owned "); ok {
				return l.owned[c.item] == id && a.cents == l.cents, l
			}
			if a.outcome == "poor" {
				return l.owned[c.item] == "" && l.cents < price, l
			}
			id, ok := strings.CutPrefix(a.outcome, "bought ")
			if !ok || l.owned[c.item] != "" || l.cents < price {
				return false, l
			}
			l.owned[c.item], l.cents = id, l.cents-price
			return a.cents == l.cents, l
		},
		Equal: func(a, b any) bool { return a == b },
	}
}
