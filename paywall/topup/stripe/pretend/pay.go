package pretend

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// Action is a button of the hosted page.
type Action string

// The buttons. What ends a session leads to the shop's page: see [Bank.Press].
const (
	Pay           Action = "pay"             // asks for 3-D Secure if the session demands it
	PaySecure     Action = "pay-secure"      // asks for 3-D Secure, which is answered with:
	SecurePass    Action = "secure-pass"     // pays
	SecureFail    Action = "secure-fail"     // does not; the session stays open
	Decline       Action = "decline"         // the card's bank declines; the session stays open
	PayLater      Action = "pay-later"       // completes the session; the money arrives later
	PayLaterFails Action = "pay-later-fails" // completes the session; the money never arrives
	Cancel        Action = "cancel"          // goes back; the session stays open
)

// Press presses a button of a session's page. It gives the URL that the page then leads
// to, "" if that is the page itself. A session that is over takes no button.
func (b *Bank) Press(session string, action Action) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expireSessions()
	s, err := b.find("checkout.session", session)
	if err != nil {
		return "", err
	}
	if s.text("status") != "open" {
		return "", fmt.Errorf("pretend: the session is %s", s.text("status"))
	}
	if action == Cancel {
		return s.text("cancel_url"), nil
	}
	delete(s, "_failed")
	payment := b.payment(s)
	asked := payment.text("status") == "requires_action"
	switch action {
	case Pay, PaySecure:
		if action == PaySecure || s.is("_strict") {
			payment.set(object{"status": "requires_action", "next_action": object{"type": "use_stripe_sdk"}})
			b.emit("payment_intent.requires_action", payment)
			return "", nil
		}
		b.succeed(s, payment)
	case SecurePass, SecureFail:
		if !asked {
			return "", fmt.Errorf("pretend: the session does not wait for 3-D Secure: press %s first", PaySecure)
		}
		if action == SecureFail {
			b.failPayment(s, payment, "payment_intent_authentication_failure", "The bank did not believe that it was you.")
			return "", nil
		}
		b.succeed(s, payment)
	case Decline:
		charge := b.charge(payment, "ch_", "failed")
		charge.set(object{"failure_code": "card_declined", "failure_message": "Your card was declined.", "outcome": outcome("declined_by_network", "issuer_declined")})
		b.emit("charge.failed", charge)
		b.failPayment(s, payment, "card_declined", "The card was declined.")
		return "", nil
	case PayLater, PayLaterFails:
		b.payLater(s, payment, action == PayLater)
	default:
		return "", fmt.Errorf("pretend: the page has no button %q", action)
	}
	return strings.ReplaceAll(s.text("success_url"), "{CHECKOUT_SESSION_ID}", session), nil
}

// payment gives the session's payment intent. It begins when somebody first tries to pay.
func (b *Bank) payment(session object) object {
	if payment := b.byID[session.text("payment_intent")]; payment != nil {
		return payment
	}
	payment := b.begun(session.number("amount_total"), session.text("currency"))
	payment.set(object{"metadata": session["_metadata"], "description": session["_description"]})
	session["payment_intent"] = payment.text("id")
	b.emit("payment_intent.created", payment)
	return payment
}

// begun makes a payment intent.
func (b *Bank) begun(amount int64, currency string) object {
	return b.add("payment_intent", "pi_", object{
		"amount": amount, "amount_capturable": int64(0), "amount_received": int64(0), "currency": currency, "status": "requires_payment_method",
		"capture_method": "automatic_async", "confirmation_method": "automatic", "client_secret": nil, "latest_charge": nil, "last_payment_error": nil,
		"next_action": nil, "payment_method": nil, "payment_method_types": []string{"card"}, "canceled_at": nil, "cancellation_reason": nil,
		"metadata": map[string]string{}, "description": nil, "customer": nil, "receipt_email": nil,
	})
}

// charge makes a try to pay. Only one with a card has the prefix "ch_".
func (b *Bank) charge(payment object, prefix, status string) object {
	details := object{"type": "card", "card": object{"brand": "visa", "last4": "4242", "exp_month": int64(12), "exp_year": int64(2034), "country": "DE"}}
	if prefix == "py_" {
		details = object{"type": "sepa_debit", "sepa_debit": object{"last4": "3000", "country": "DE"}}
	}
	captured := int64(0)
	if status == "succeeded" {
		captured = payment.number("amount")
	}
	charge := b.add("charge", prefix, object{
		"amount": payment.number("amount"), "amount_captured": captured, "amount_refunded": int64(0), "currency": payment.text("currency"),
		"balance_transaction": nil, "failure_balance_transaction": nil, "billing_details": object{"address": nil, "email": nil, "name": nil, "phone": nil, "tax_id": nil},
		"captured": status != "failed", "description": payment["description"], "disputed": false, "failure_code": nil, "failure_message": nil,
		"metadata": payment["metadata"], "outcome": outcome("approved_by_network", ""), "paid": status == "succeeded", "payment_intent": payment.text("id"),
		"payment_method": "pm_" + rand.Text(), "payment_method_details": details,
		"receipt_url": nil, "refunded": false, "status": status,
	})
	payment["latest_charge"] = charge.text("id")
	return charge
}

func outcome(network, reason string) object {
	o := object{"network_status": network, "reason": nil, "risk_level": "normal", "seller_message": "Pretended.", "type": "authorized"}
	if reason != "" {
		o.set(object{"reason": reason, "type": "issuer_declined"})
	}
	return o
}

// succeed has the session paid at once.
func (b *Bank) succeed(session, payment object) {
	b.settle(payment, b.charge(payment, "ch_", "succeeded"))
	b.complete(session, "paid")
}

// complete ends a session that somebody went through.
func (b *Bank) complete(session object, status string) {
	session.set(object{"status": "complete", "payment_status": status, "url": nil})
	delete(b.open, session.text("id"))
	b.emit("checkout.session.completed", session)
}

// failPayment lets a try fail; another may follow.
func (b *Bank) failPayment(session, payment object, code, message string) {
	payment.set(object{"status": "requires_payment_method", "next_action": nil, "last_payment_error": object{"type": "card_error", "code": code, "message": message}})
	session["_failed"] = message
	b.emit("payment_intent.payment_failed", payment)
}

// payLater completes a session whose money arrives later, or does not.
func (b *Bank) payLater(session, payment object, arrives bool) {
	payment["status"] = "processing"
	charge := b.charge(payment, "py_", "pending")
	session["_arrives"] = arrives
	b.emit("charge.pending", charge)
	b.emit("payment_intent.processing", payment)
	b.complete(session, "unpaid")
	b.later(b.options.ArriveAfter, func() { b.arrive(session) })
}

// Arrive has the money of a session that was paid later arrive or fail now, as its button said.
func (b *Bank) Arrive(session string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find("checkout.session", session)
	if err != nil {
		return err
	}
	if b.byID[s.text("payment_intent")].text("status") != "processing" {
		return fmt.Errorf("pretend: nothing is to arrive for session %s", session)
	}
	b.arrive(s)
	return nil
}

func (b *Bank) arrive(session object) {
	payment := b.byID[session.text("payment_intent")]
	charge := b.byID[payment.text("latest_charge")]
	if payment.text("status") != "processing" {
		return
	}
	if session.is("_arrives") {
		charge.set(object{"status": "succeeded", "paid": true, "amount_captured": charge.number("amount")})
		session["payment_status"] = "paid"
		b.settle(payment, charge)
		b.emit("checkout.session.async_payment_succeeded", session)
		return
	}
	charge.set(object{"status": "failed", "captured": false, "failure_code": "insufficient_funds", "failure_message": "The account had not enough money."})
	b.emit("charge.failed", charge)
	b.failPayment(session, payment, "insufficient_funds", "The account had not enough money.")
	b.emit("checkout.session.async_payment_failed", session)
}

// settle has a payment succeed with a charge, and books it now or later.
func (b *Bank) settle(payment, charge object) {
	payment.set(object{"status": "succeeded", "amount_received": payment.number("amount"), "next_action": nil, "last_payment_error": nil, "payment_method": charge.text("payment_method")})
	if b.options.BookAfter == 0 {
		b.book(charge)
	} else {
		b.later(b.options.BookAfter, func() { b.bookLate(charge) })
	}
	b.emit("charge.succeeded", charge)
	b.emit("payment_intent.succeeded", payment)
}

// Book gives a payment's charge the balance transaction that it lacks.
func (b *Bank) Book(payment string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	charge, err := b.paid(payment)
	if err == nil {
		b.bookLate(charge)
	}
	return err
}

func (b *Bank) bookLate(charge object) {
	if charge.text("balance_transaction") == "" {
		b.book(charge)
		b.emit("charge.updated", charge)
	}
}

// paid gives the charge that succeeded of a payment intent, or of a charge itself.
func (b *Bank) paid(id string) (object, error) {
	o := b.byID[id]
	if o.text("object") == "payment_intent" {
		o = b.byID[o.text("latest_charge")]
	}
	if o.text("object") != "charge" || o.text("status") != "succeeded" {
		return nil, fmt.Errorf("pretend: %q is no payment that succeeded", id)
	}
	return o, nil
}
