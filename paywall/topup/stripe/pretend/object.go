package pretend

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
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

// expand gives a copy of an object in which the objects that a path of field names leads
// through stand in full. The lock is held.
func (b *Bank) expand(o object, path string) (object, error) {
	key, rest, more := strings.Cut(path, ".")
	value, ok := o[key]
	if items, hidden := b.byID[o.text("id")]["_"+key].(object); hidden {
		value, ok = items, true
	}
	refused := invalid("", "expand", "This property cannot be expanded (%s).", path)
	if !ok {
		return nil, refused
	}
	o = maps.Clone(o)
	var err error
	switch value := value.(type) {
	case nil:
		return o, nil
	case []object:
		if !more {
			return nil, refused
		}
		list := make([]object, len(value))
		for i := range value {
			if list[i], err = b.expand(value[i], rest); err != nil {
				return nil, err
			}
		}
		o[key] = list
		return o, nil
	case string:
		full, known := b.byID[value]
		if !known {
			return nil, refused
		}
		o[key] = b.shown(full)
	case object:
		if value.text("object") == "" {
			return nil, refused
		}
		o[key] = value // hidden until asked for, or expanded by another path before
	default:
		return nil, refused
	}
	if more {
		o[key], err = b.expand(o[key].(object), rest)
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

// page is the part of a list that a request asks for: newest first, of those that keep
// takes. The lock is held.
func (b *Bank) page(c *call, kind string, keep func(object) bool) (object, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	after, before := c.form.Get("starting_after"), c.form.Get("ending_before")
	for _, cursor := range []string{after, before} {
		if cursor == "" {
			continue
		}
		if _, err := b.find(kind, cursor); err != nil {
			return nil, err
		}
	}
	all := b.byKind[kind]
	data, more, open := []object{}, false, after == ""
	for i := len(all) - 1; i >= 0; i-- {
		o := all[i]
		if o.text("id") == before {
			break
		}
		if open && c.within(o.number("created")) && keep(o) {
			data = append(data, b.shown(o))
		}
		if o.text("id") == after {
			open = true
		}
	}
	if more = len(data) > limit; more {
		if before != "" { // the page that ends there, not the first
			data = data[len(data)-limit:]
		}
		data = data[:limit]
	}
	return object{"object": "list", "url": c.path, "has_more": more, "data": data}, nil
}

// limit is how many objects of a list are asked for.
func (c *call) limit() (int, error) {
	text := c.form.Get("limit")
	if text == "" {
		return 10, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 100 {
		return 0, invalid("parameter_invalid_integer", "limit", "limit must be between 1 and 100.")
	}
	return n, nil
}

// within reports whether something of that time is asked for.
func (c *call) within(at int64) bool {
	for name, holds := range map[string]func(bound int64) bool{
		"created":      func(bound int64) bool { return at == bound },
		"created[gt]":  func(bound int64) bool { return at > bound },
		"created[gte]": func(bound int64) bool { return at >= bound },
		"created[lt]":  func(bound int64) bool { return at < bound },
		"created[lte]": func(bound int64) bool { return at <= bound },
	} {
		bound, err := strconv.ParseInt(c.form.Get(name), 10, 64)
		if err == nil && !holds(bound) {
			return false
		}
	}
	return true
}
