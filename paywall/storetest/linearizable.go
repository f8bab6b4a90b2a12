package storetest

import (
	"errors"
	"fmt"
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

// ledger is the sequential wallet that a history must be explained by.
type ledger struct {
	cents int64
	owned [3]string // unlock's outcome by article: "", "owned"
}

const price = 10

// testLinearizable records calls that overlap and asks porcupine for an order
// of them, within their times, that a wallet without any concurrency could have had.
func testLinearizable(t *testing.T, h *house) {
	wallets := []reader{h.reader(60), h.reader(25)}
	var mu sync.Mutex
	var history []porcupine.Operation
	bought := make([]map[int]string, len(wallets)) // newest unlock by article
	for i := range bought {
		bought[i] = map[int]string{}
	}
	start := time.Now()
	together(6, func(client int) {
		for n := range 25 {
			c := call{wallet: (client + n) % 2, verb: []string{"buy", "buy", "refund", "balance"}[(client*7+n)%4], item: (client + n*n) % 3}
			mu.Lock()
			id := bought[c.wallet][c.item]
			mu.Unlock()
			begin := time.Since(start)
			a, unlocked := h.call(c, wallets[c.wallet], id)
			end := time.Since(start)
			mu.Lock()
			if unlocked != "" {
				bought[c.wallet][c.item] = unlocked
			}
			if c.verb != "refund" || id != "" {
				history = append(history, porcupine.Operation{
					ClientId: client, Input: c, Output: a, Call: begin.Nanoseconds(), Return: end.Nanoseconds(),
				})
			}
			mu.Unlock()
		}
	})
	if !porcupine.CheckOperations(walletModel(map[int]int64{0: 60, 1: 25}), history) {
		t.Error("no order of the calls explains their answers")
	}
	// The check itself must be able to fail: a debit that nobody made.
	history[len(history)-1].Output = answer{"balance", -1}
	history[len(history)-1].Input = call{wallet: 0, verb: "balance"}
	if porcupine.CheckOperations(walletModel(map[int]int64{0: 60, 1: 25}), history) {
		t.Error("a wrong history was accepted")
	}
}

func (h *house) call(c call, r reader, id string) (a answer, unlocked string) {
	switch c.verb {
	case "balance":
		return answer{"balance", h.balance(r)}, ""
	case "refund":
		if id == "" {
			return answer{}, ""
		}
		receipt, err := h.store.Refund(h.t.Context(), r.ID, id)
		if err != nil {
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

func walletModel(opening map[int]int64) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := make([][]porcupine.Operation, len(opening))
			for _, o := range history {
				w := o.Input.(call).wallet
				parts[w] = append(parts[w], o)
			}
			return parts
		},
		Init: func() any { return ledger{cents: -1} },
		Step: func(state, input, output any) (bool, any) {
			l, c, a := state.(ledger), input.(call), output.(answer)
			if l.cents < 0 {
				l.cents = opening[c.wallet]
			}
			switch c.verb {
			case "balance":
				return a.cents == l.cents, l
			case "refund":
				id, ok := strings.CutPrefix(a.outcome, "refunded ")
				if ok && l.owned[c.item] == id {
					l.owned[c.item], l.cents = "", l.cents+price
				}
				return ok && a.cents == l.cents, l
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
