package pretend

import (
	"fmt"
	"slices"
	"time"
)

// What the bank takes: 1.5 % and 25 of a charge, rounded up, and 2000 of a dispute, in
// the currency's smallest unit.
const (
	feePerMille = 15
	feeFixed    = 25
	disputeFee  = 2000
)

// transaction moves money on the account. What moves is its net: amount − fee. The lock
// is held.
func (b *Bank) transaction(kind, category, source, currency string, amount, fee int64) object {
	details := []object{}
	if fee != 0 {
		details = append(details, object{"amount": fee, "application": nil, "currency": currency, "description": "Pretended fee", "type": "stripe_fee"})
	}
	t := b.add("balance_transaction", "txn_", object{
		"amount": amount, "fee": fee, "net": amount - fee, "fee_details": details, "currency": currency, "type": kind, "reporting_category": category,
		"source": nil, "status": "available", "balance_type": "payments", "description": nil, "exchange_rate": nil,
	})
	t["available_on"] = t["created"]
	if source != "" {
		t["source"] = source
	}
	b.funds[currency] += amount - fee
	return t
}

// book gives a charge its balance transaction, and sends the refunds that waited for money.
func (b *Bank) book(charge object) {
	kind := "charge"
	if charge.text("id")[:3] == "py_" {
		kind = "payment"
	}
	amount := charge.number("amount")
	fee := (amount*feePerMille+999)/1000 + feeFixed
	charge["balance_transaction"] = b.transaction(kind, "charge", charge.text("id"), charge.text("currency"), amount, fee).text("id")
	b.sendWaiting(charge.text("currency"))
}

// FailPayment has a payment fail that had succeeded, as some that are paid later do: its
// money goes back by a balance transaction of its own.
func (b *Bank) FailPayment(payment string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	charge, err := b.paid(payment)
	if err != nil {
		return err
	}
	b.bookLate(charge)
	t := b.transaction("payment_failure_refund", "charge_failure", charge.text("id"), charge.text("currency"), -charge.number("amount"), 0)
	charge.set(object{"status": "failed", "paid": false, "failure_code": "payment_method_provider_decline", "failure_message": "The payment was taken back.", "failure_balance_transaction": t.text("id")})
	b.byID[charge.text("payment_intent")].set(object{"status": "requires_payment_method", "amount_received": int64(0)})
	b.emit("charge.failed", charge)
	return nil
}

// Charge has somebody pay who came without a session of ours, and gives the payment intent.
func (b *Bank) Charge(amount int64, currency string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	payment := b.begun(amount, currency)
	b.emit("payment_intent.created", payment)
	b.settle(payment, b.charge(payment, "ch_", "succeeded"))
	return payment.text("id")
}

// Move moves money of a type that nobody asked for, such as "stripe_fee" or "adjustment",
// and gives the balance transaction. Below 0 the account has less.
func (b *Bank) Move(kind string, amount int64, currency string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.transaction(kind, "other_adjustment", "", currency, amount, 0)
	b.sendWaiting(currency)
	return t.text("id")
}

// Funds is what the account holds.
func (b *Bank) Funds(currency string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.funds[currency]
}

func (b *Bank) balance(*call) (object, error) {
	available, pending := []object{}, []object{}
	for currency, amount := range b.funds {
		available = append(available, object{"amount": amount, "currency": currency, "source_types": object{"card": amount}})
		pending = append(pending, object{"amount": int64(0), "currency": currency, "source_types": object{"card": int64(0)}})
	}
	return object{"object": "balance", "available": available, "pending": pending, "livemode": b.options.Live}, nil
}

func (b *Bank) listTransactions(c *call) (object, error) {
	if payout := c.form.Get("payout"); payout != "" {
		if _, err := b.find("payout", payout); err != nil {
			return nil, err
		}
	}
	return b.page(c, "balance_transaction", func(o object) bool {
		for field, name := range map[string]string{"currency": "currency", "_payout": "payout", "source": "source", "type": "type"} {
			if c.form.Has(name) && c.form.Get(name) != o.text(field) {
				return false
			}
		}
		return true
	})
}

// Payout pays out all that the account holds of a currency, and gives the payout.
func (b *Bank) Payout(currency string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	amount := b.funds[currency]
	if amount <= 0 {
		return "", fmt.Errorf("pretend: there is nothing to pay out of %s", currency)
	}
	payout := b.add("payout", "po_", object{
		"amount": amount, "currency": currency, "arrival_date": b.options.Now().Add(48 * time.Hour).Unix(), "automatic": true, "status": "in_transit",
		"reconciliation_status": "in_progress", "method": "standard", "source_type": "card", "type": "bank_account", "destination": nil, "description": "STRIPE PAYOUT",
		"failure_balance_transaction": nil, "failure_code": nil, "failure_message": nil, "metadata": map[string]string{}, "original_payout": nil, "reversed_by": nil, "statement_descriptor": nil,
	})
	payout["balance_transaction"] = b.transaction("payout", "payout", payout.text("id"), currency, -amount, 0).text("id")
	for _, t := range b.byKind["balance_transaction"] {
		if t.text("currency") == currency && t.text("_payout") == "" {
			t["_payout"] = payout.text("id")
		}
	}
	b.emit("payout.created", payout)
	payout.set(object{"status": "paid", "reconciliation_status": "completed"})
	b.emit("payout.paid", payout)
	b.emit("payout.reconciliation_completed", payout)
	return payout.text("id"), nil
}

// FailPayout has a payout come back.
func (b *Bank) FailPayout(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	payout, err := b.find("payout", id)
	if err != nil {
		return err
	}
	if payout.text("status") == "failed" {
		return fmt.Errorf("pretend: payout %s has failed already", id)
	}
	back := b.transaction("payout_failure", "payout_reversal", id, payout.text("currency"), payout.number("amount"), 0)
	payout.set(object{"status": "failed", "failure_code": "account_closed", "failure_message": "The bank account has been closed.", "failure_balance_transaction": back.text("id")})
	b.emit("payout.failed", payout)
	b.sendWaiting(payout.text("currency"))
	return nil
}

// listEvents answers events of the types asked for.
func (b *Bank) listEvents(c *call) (object, error) {
	types := c.form["type"]
	for name, values := range c.form {
		if index.ReplaceAllString(name, "[]") == "types[]" {
			types = append(types, values...)
		}
	}
	return b.page(c, "event", func(o object) bool { return len(types) == 0 || slices.Contains(types, o.text("type")) })
}
