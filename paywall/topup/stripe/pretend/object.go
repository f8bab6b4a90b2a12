package pretend

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// object is one of Stripe's. Other objects stand in it by their IDs. A nil one has nothing.
type object map[string]any

func (o object) text(key string) string {
	text, _ := o[key].(string)
	return text
}

func (o object) number(key string) int64 {
	number, _ := o[key].(int64)
	return number
}

func (o object) is(key string) bool {
	yes, _ := o[key].(bool)
	return yes
}

// set adds fields to an object.
func (o object) set(fields object) { maps.Copy(o, fields) }

// apiError is an answer that Stripe gives as an error.
type apiError struct {
	status  int
	unsaved bool // nothing began: the idempotency key stays free
	Type    string
	Code    string
	Param   string
	Message string
}

func (e *apiError) Error() string { return e.Message }

func (e *apiError) body() []byte {
	fields := object{"type": e.Type, "message": e.Message}
	if e.Code != "" {
		fields["code"] = e.Code
		fields["doc_url"] = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.Code, "_", "-")
	}
	if e.Param != "" {
		fields["param"] = e.Param
	}
	return encode(object{"error": fields})
}

// invalid is the answer to a request that Stripe does not take.
func invalid(code, param, format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// unknown is the error of the methods that tests call.
func unknown(id string) error { return fmt.Errorf("pretend: there is no object %q of that kind", id) }

func encode(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // an object holds maps, slices, texts, numbers and booleans
	}
	return text
}

// expandable are the fields of each kind of object that may stand in full.
var expandable = map[string][]string{
	"list":                      {"data"},
	"search_result":             {"data"},
	"checkout.session":          {"payment_intent", "line_items"},
	"payment_intent":            {"latest_charge"},
	"charge":                    {"payment_intent", "balance_transaction", "failure_balance_transaction"},
	"refund":                    {"payment_intent", "charge", "balance_transaction", "failure_balance_transaction"},
	"dispute":                   {"payment_intent", "charge", "balance_transactions"},
	"radar.early_fraud_warning": {"payment_intent", "charge"},
	"balance_transaction":       {"source"},
	"payout":                    {"balance_transaction", "failure_balance_transaction"},
}

// expand gives a copy of an object in which the objects that a path of field names leads
// through stand in full. The lock is held.
func (b *Bank) expand(o object, path string) (object, error) {
	key, rest, more := strings.Cut(path, ".")
	if !slices.Contains(expandable[o.text("object")], key) {
		return nil, invalid("", "expand", "This property cannot be expanded (%s).", path)
	}
	o = maps.Clone(o)
	if items, ok := b.byID[o.text("id")]["_"+key].(object); ok {
		o[key] = items // hidden until asked for
	}
	if id := o.text(key); id != "" {
		o[key] = b.shown(b.byID[id])
	}
	if !more {
		return o, nil
	}
	var err error
	switch value := o[key].(type) {
	case object:
		o[key], err = b.expand(value, rest)
	case []object:
		list := make([]object, len(value))
		for i := range value {
			if list[i], err = b.expand(value[i], rest); err != nil {
				return nil, err
			}
		}
		o[key] = list
	}
	return o, err
}

// shown is an object as it is answered: with what follows from others, and without the
// bank's own notes, whose names begin with "_". The lock is held.
func (b *Bank) shown(o object) object {
	out := object{}
	for key, value := range o {
		if !strings.HasPrefix(key, "_") {
			out[key] = value
		}
	}
	switch o.text("object") {
	case "dispute":
		moved, _ := o["_transactions"].([]string)
		transactions := []object{}
		for _, id := range moved {
			transactions = append(transactions, b.shown(b.byID[id]))
		}
		out["balance_transactions"] = transactions
	case "radar.early_fraud_warning":
		charge := b.byID[o.text("charge")]
		out["actionable"] = !charge.is("disputed") && !charge.is("refunded")
	}
	return out
}
