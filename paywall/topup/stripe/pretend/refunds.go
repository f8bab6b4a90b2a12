package pretend

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

func (b *Bank) createRefund(c *call) (object, error) {
	id, kind := c.form.Get("payment_intent"), "payment_intent"
	if id == "" {
		id, kind = c.form.Get("charge"), "charge"
	}
	if id == "" {
		return nil, invalid("parameter_missing", "", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	o, err := b.find(kind, id)
	if err != nil {
		return nil, err
	}
	charge, err := b.paid(o.text("id"))
	if err != nil {
		return nil, invalid("", kind, "This payment (%s) does not have a successful charge to refund.", id)
	}
	amount := charge.number("amount") - charge.number("amount_refunded")
	if c.form.Has("amount") {
		if amount, err = strconv.ParseInt(c.form.Get("amount"), 10, 64); err != nil || amount < 1 {
			return nil, invalid("parameter_invalid_integer", "amount", "Invalid positive integer")
		}
	}
	metadata, err := c.metadata("metadata")
	if err != nil {
		return nil, err
	}
	refund, err := b.refund(charge, amount, metadata)
	if err != nil {
		return nil, err
	}
	refund["reason"] = c.optional("reason")
	return b.shown(refund), nil
}

// refund gives a part of a charge back. If the account holds too little, a refund to a
// card waits, and another fails.
func (b *Bank) refund(charge object, amount int64, metadata map[string]string) (object, error) {
	left := charge.number("amount") - charge.number("amount_refunded")
	for _, dispute := range b.byKind["dispute"] {
		if dispute.text("charge") == charge.text("id") && !dispute.is("is_charge_refundable") {
			return nil, invalid("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", charge.text("id"))
		}
	}
	switch {
	case left == 0:
		return nil, invalid("charge_already_refunded", "", "Charge %s has already been refunded.", charge.text("id"))
	case amount > left:
		return nil, invalid("", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d)", amount, left)
	}
	prefix, card := "re_", strings.HasPrefix(charge.text("id"), "ch_")
	if !card {
		prefix = "pyr_"
	}
	refund := b.add("refund", prefix, object{
		"amount": amount, "currency": charge.text("currency"), "charge": charge.text("id"), "payment_intent": charge.text("payment_intent"), "metadata": metadata,
		"status": "pending", "balance_transaction": nil, "reason": nil, "receipt_number": nil,
		"destination_details": object{"type": "card", "card": object{"type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number"}},
	})
	charge.set(object{"amount_refunded": charge.number("amount_refunded") + amount, "refunded": amount == left})
	switch {
	case b.funds[charge.text("currency")] >= amount:
		b.send(refund)
	case card:
		refund["pending_reason"] = "insufficient_funds"
	}
	b.emit("refund.created", refund)
	b.emit("charge.refunded", charge)
	if !card && refund.text("status") == "pending" {
		b.failRefund(refund, "insufficient_funds")
	}
	return refund, nil
}

// send moves a refund's money.
func (b *Bank) send(refund object) {
	kind := "refund"
	if strings.HasPrefix(refund.text("id"), "pyr_") {
		kind = "payment_refund"
	}
	t := b.transaction(kind, "refund", refund.text("id"), refund.text("currency"), -refund.number("amount"), 0)
	refund.set(object{"status": "succeeded", "balance_transaction": t.text("id")})
	delete(refund, "pending_reason")
}

// sendWaiting sends the refunds that waited for money, oldest first.
func (b *Bank) sendWaiting(currency string) {
	for _, refund := range b.byKind["refund"] {
		if refund.text("status") == "pending" && refund.text("currency") == currency && b.funds[currency] >= refund.number("amount") {
			b.send(refund)
			b.emit("refund.updated", refund)
			b.emit("charge.refund.updated", refund)
		}
	}
}

// Refund gives a part of a payment back as somebody does it at the provider, and gives
// the refund. Payment is a payment intent or a charge.
func (b *Bank) Refund(payment string, amount int64) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	charge, err := b.paid(payment)
	if err != nil {
		return "", err
	}
	refund, err := b.refund(charge, amount, map[string]string{})
	return refund.text("id"), err
}

// FailRefund has a refund fail that waited or had succeeded; its money comes back. Reason
// is one of Stripe's, such as "expired_or_canceled_card".
func (b *Bank) FailRefund(id, reason string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	refund, err := b.find("refund", id)
	if err != nil {
		return err
	}
	if refund.text("status") == "failed" {
		return fmt.Errorf("pretend: refund %s has failed already", id)
	}
	b.failRefund(refund, reason)
	return nil
}

func (b *Bank) failRefund(refund object, reason string) {
	refund.set(object{"status": "failed", "failure_reason": reason})
	delete(refund, "pending_reason")
	if refund.text("balance_transaction") != "" {
		kind := "refund_failure"
		if strings.HasPrefix(refund.text("id"), "pyr_") {
			kind = "payment_failure_refund"
		}
		t := b.transaction(kind, "refund_failure", refund.text("id"), refund.text("currency"), refund.number("amount"), 0)
		refund["failure_balance_transaction"] = t.text("id")
	}
	charge := b.byID[refund.text("charge")]
	charge.set(object{"amount_refunded": charge.number("amount_refunded") - refund.number("amount"), "refunded": false})
	b.emit("refund.failed", refund)
	b.emit("refund.updated", refund)
	b.emit("charge.refund.updated", refund)
	b.sendWaiting(refund.text("currency"))
}

// clause is one condition of a search.
var clause = regexp.MustCompile(`^\s*(?:metadata\[["']([^"']+)["']\]|(status|currency|amount))\s*[:=]\s*["']?([^"']*?)["']?\s*$`)

// searchPayments answers the payment intents for which all conditions hold that AND connects.
func (b *Bank) searchPayments(c *call) (object, error) {
	if c.form.Has("page") {
		return nil, invalid("", "page", "The pretend bank's searches have one page.")
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	found := []object{}
	for _, payment := range b.byKind["payment_intent"] {
		ok := true
		for _, text := range strings.Split(c.form.Get("query"), " AND ") {
			parts := clause.FindStringSubmatch(text)
			if parts == nil {
				return nil, &apiError{status: http.StatusBadRequest, Type: "invalid_request_error", Param: "query", Message: "We were unable to parse your search query: " + text}
			}
			value := fmt.Sprint(payment[parts[2]])
			if parts[1] != "" {
				metadata, _ := payment["metadata"].(map[string]string)
				value = metadata[parts[1]]
			}
			ok = ok && value == parts[3]
		}
		if ok {
			found = append([]object{b.shown(payment)}, found...)
		}
	}
	more := len(found) > limit
	if more {
		found = found[:limit]
	}
	return object{"object": "search_result", "url": c.path, "has_more": more, "next_page": nil, "data": found}, nil
}
