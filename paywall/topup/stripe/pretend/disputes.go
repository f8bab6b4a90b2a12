package pretend

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// moves are the states that a dispute may go to. Of those that withdraw the money, one
// that begins as "prevented" takes no fee.
var moves = map[string][]string{
	"":                       {"warning_needs_response", "needs_response", "prevented"},
	"warning_needs_response": {"warning_under_review", "warning_closed", "needs_response", "prevented"},
	"warning_under_review":   {"warning_closed", "needs_response", "prevented"},
	"needs_response":         {"under_review", "won", "lost"},
	"under_review":           {"won", "lost"},
}

// Dispute has a reader's bank dispute a part of a payment, and gives the dispute. It
// begins as "warning_needs_response", an inquiry that moves nothing; as "needs_response",
// which takes the amount and a fee of 2000; or as "prevented", which takes the amount.
// What was refunded in full cannot be disputed.
func (b *Bank) Dispute(payment string, amount int64, status string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	charge, err := b.paid(payment)
	if err != nil {
		return "", err
	}
	left := charge.number("amount") - charge.number("amount_refunded")
	if charge.is("disputed") || amount < 1 || amount > left {
		return "", fmt.Errorf("pretend: of charge %s, %d can be disputed, once", charge.text("id"), left)
	}
	if !slices.Contains(moves[""], status) {
		return "", fmt.Errorf("pretend: a dispute begins as one of %s", strings.Join(moves[""], ", "))
	}
	dispute := b.add("dispute", "du_", object{
		"amount": amount, "currency": charge.text("currency"), "charge": charge.text("id"), "payment_intent": charge.text("payment_intent"),
		"reason": "fraudulent", "status": status, "is_charge_refundable": true, "metadata": map[string]string{}, "enhanced_eligibility_types": []string{},
		"evidence": object{"enhanced_evidence": object{}}, "evidence_details": object{"due_by": b.options.Now().Add(7 * 24 * time.Hour).Unix(), "enhanced_eligibility": object{}, "has_evidence": false, "past_due": false, "submission_count": int64(0)},
		"_transactions": []string{},
	})
	charge["disputed"] = true
	switch status {
	case "needs_response":
		b.withdraw(dispute, disputeFee)
	case "prevented":
		b.withdraw(dispute, 0)
	}
	b.emit("charge.dispute.created", dispute)
	if status != "warning_needs_response" {
		b.emit("charge.dispute.funds_withdrawn", dispute)
	}
	return dispute.text("id"), nil
}

// MoveDispute changes a dispute's status, with the money that follows: an inquiry that
// comes to "needs_response" takes the amount and the fee, and "won" gives the amount back.
func (b *Bank) MoveDispute(id, status string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	dispute, err := b.find("dispute", id)
	if err != nil {
		return err
	}
	if !slices.Contains(moves[dispute.text("status")], status) {
		return fmt.Errorf("pretend: a dispute that is %s does not become %s", dispute.text("status"), status)
	}
	dispute["status"] = status
	switch status {
	case "needs_response":
		b.withdraw(dispute, disputeFee)
		b.emit("charge.dispute.funds_withdrawn", dispute)
	case "won":
		b.moved(dispute, "dispute_reversal", dispute.number("amount"), 0)
		dispute["is_charge_refundable"] = true
		b.emit("charge.dispute.funds_reinstated", dispute)
	}
	if slices.Contains([]string{"won", "lost", "warning_closed", "prevented"}, status) {
		b.emit("charge.dispute.closed", dispute)
	} else {
		b.emit("charge.dispute.updated", dispute)
	}
	b.sendWaiting(dispute.text("currency"))
	return nil
}

func (b *Bank) withdraw(dispute object, fee int64) {
	b.moved(dispute, "dispute", -dispute.number("amount"), fee)
	dispute["is_charge_refundable"] = false
}

// moved books money of a dispute.
func (b *Bank) moved(dispute object, category string, amount, fee int64) {
	t := b.transaction("adjustment", category, dispute.text("id"), dispute.text("currency"), amount, fee)
	transactions, _ := dispute["_transactions"].([]string)
	dispute["_transactions"] = append(transactions, t.text("id"))
}

// Warn has the card's network call a payment fraud, and gives the early fraud warning. It
// is actionable until the payment is disputed or refunded in full.
func (b *Bank) Warn(payment string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	charge, err := b.paid(payment)
	if err != nil {
		return "", err
	}
	warning := b.add("radar.early_fraud_warning", "issfr_", object{"charge": charge.text("id"), "payment_intent": charge.text("payment_intent"), "fraud_type": "made_with_stolen_card"})
	b.emit("radar.early_fraud_warning.created", warning)
	return warning.text("id"), nil
}
