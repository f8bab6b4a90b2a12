package pretend

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// sessionParams are the parameters of a checkout session that the bank understands or
// may let be. Stripe has more.
var sessionParams = []string{
	"mode", "ui_mode", "success_url", "cancel_url", "client_reference_id", "expires_at", "locale", "submit_type", "currency",
	"customer_creation", "customer_email", "billing_address_collection", "metadata[]", "integration_identifier", "origin_context",
	"line_items[][quantity]", "line_items[][price_data][currency]", "line_items[][price_data][unit_amount]", "line_items[][price_data][tax_behavior]",
	"line_items[][price_data][product_data][name]", "line_items[][price_data][product_data][description]", "line_items[][price_data][product_data][tax_code]",
	"payment_intent_data[metadata][]", "payment_intent_data[description]", "payment_intent_data[statement_descriptor_suffix]", "payment_intent_data[statement_descriptor]",
	"payment_method_types[]", "excluded_payment_method_types[]", "payment_method_configuration", "payment_method_options[card][request_three_d_secure]",
	"automatic_tax[enabled]", "adaptive_pricing[enabled]", "managed_payments[enabled]", "invoice_creation[enabled]", "tax_id_collection[enabled]",
	"phone_number_collection[enabled]", "allow_promotion_codes", "custom_text[submit][message]", "custom_text[after_submit][message]",
	"branding_settings[display_name]",
}

// smallest are the amounts that Stripe takes at least, in the currency's smallest unit.
var smallest = map[string]int64{"eur": 50, "gbp": 30, "usd": 50}

const largest = 99_999_999

// sessionLimits are the values that a session's parameters may have, or how long they
// may be, in characters.
var sessionLimits = []struct {
	param  string
	length int
	values []string
}{
	{param: "mode", values: []string{"payment"}},
	{param: "ui_mode", values: []string{"hosted_page"}},
	{param: "payment_method_options[card][request_three_d_secure]", values: []string{"any", "automatic", "challenge"}},
	{param: "submit_type", values: []string{"auto", "book", "donate", "pay"}},
	{param: "client_reference_id", length: 200},
	{param: "success_url", length: 5000},
	{param: "cancel_url", length: 5000},
	{param: "payment_intent_data[description]", length: 1000},
	{param: "payment_intent_data[statement_descriptor_suffix]", length: 22},
	{param: "custom_text[submit][message]", length: 1200},
	{param: "custom_text[after_submit][message]", length: 1200},
}

func (b *Bank) createSession(c *call) (object, error) {
	if len(b.byID) > maxObjects {
		return nil, &apiError{status: http.StatusTooManyRequests, unsaved: true, Type: "invalid_request_error", Code: "rate_limit", Message: "The pretend bank is full: start it anew."}
	}
	if !c.form.Has("mode") {
		return nil, invalid("parameter_missing", "mode", "You must provide a mode: payment.")
	}
	for _, limit := range sessionLimits {
		value := c.form.Get(limit.param)
		if limit.values != nil && c.form.Has(limit.param) && !slices.Contains(limit.values, value) {
			return nil, invalid("", limit.param, "Invalid %s: must be one of %s", limit.param, strings.Join(limit.values, ", "))
		}
		if limit.length > 0 && utf8.RuneCountInString(value) > limit.length {
			return nil, invalid("", limit.param, "Invalid string: must be at most %d characters", limit.length)
		}
	}
	now := b.options.Now()
	expires, err := c.expires(now)
	if err != nil {
		return nil, err
	}
	for _, param := range []string{"success_url", "cancel_url"} {
		u, err := url.Parse(strings.ReplaceAll(c.form.Get(param), "{CHECKOUT_SESSION_ID}", "cs"))
		if (param == "success_url" || c.form.Has(param)) && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return nil, invalid("url_invalid", param, "Not a valid URL")
		}
	}
	items, currency, amount, err := c.items()
	if err != nil {
		return nil, err
	}
	metadata, err := c.metadata("metadata")
	if err != nil {
		return nil, err
	}
	ofPayment, err := c.metadata("payment_intent_data[metadata]")
	if err != nil {
		return nil, err
	}
	session := b.add("checkout.session", "cs_"+b.mode(), object{})
	session.set(object{
		"mode": "payment", "ui_mode": "hosted_page", "status": "open", "payment_status": "unpaid",
		"amount_subtotal": amount, "amount_total": amount, "currency": currency,
		"success_url": c.form.Get("success_url"), "cancel_url": c.optional("cancel_url"), "client_reference_id": c.optional("client_reference_id"),
		"expires_at": expires.Unix(), "url": c.origin + "/pay/" + session.text("id"), "metadata": metadata,
		"payment_intent": nil, "payment_method_types": []string{"card"}, "customer": nil, "customer_email": c.optional("customer_email"), "customer_details": nil,
		"automatic_tax": object{"enabled": c.form.Get("automatic_tax[enabled]") == "true", "liability": nil, "provider": nil, "status": nil},
		"custom_fields": []object{}, "custom_text": object{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil},
		"shipping_options": []object{}, "total_details": object{"amount_discount": int64(0), "amount_shipping": int64(0), "amount_tax": int64(0)},
		"locale": c.optional("locale"), "submit_type": c.optional("submit_type"),
		"_line_items": object{"object": "list", "data": items, "has_more": false, "url": c.path + "/" + session.text("id") + "/line_items"},
		"_metadata":   ofPayment, "_description": c.optional("payment_intent_data[description]"),
		"_strict": slices.Contains([]string{"any", "challenge"}, c.form.Get("payment_method_options[card][request_three_d_secure]")),
	})
	b.open[session.text("id")] = session
	b.later(expires.Sub(now), b.expireSessions)
	return b.shown(session), nil
}

func (b *Bank) mode() string {
	if b.options.Live {
		return "live_"
	}
	return "test_"
}

// optional gives a parameter, or nil if it is not there.
func (c *call) optional(param string) any {
	if !c.form.Has(param) {
		return nil
	}
	return c.form.Get(param)
}

// expires is when a session ends: a day from now, or in half an hour at the earliest.
func (c *call) expires(now time.Time) (time.Time, error) {
	if !c.form.Has("expires_at") {
		return now.Add(24 * time.Hour), nil
	}
	seconds, err := strconv.ParseInt(c.form.Get("expires_at"), 10, 64)
	at := time.Unix(seconds, 0)
	if err != nil || at.Before(now.Add(30*time.Minute).Truncate(time.Second)) || at.After(now.Add(24*time.Hour)) {
		return at, invalid("", "expires_at", "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from Checkout Session creation.")
	}
	return at, nil
}

// item matches the parameters of a line item.
var item = regexp.MustCompile(`^line_items\[(\d+)\]\[quantity\]$`)

// items reads what is sold.
func (c *call) items() (items []object, currency string, total int64, err error) {
	for name := range c.form {
		found := item.FindStringSubmatch(name)
		if found == nil {
			continue
		}
		price := "line_items[" + found[1] + "][price_data]"
		amount, bad := strconv.ParseInt(c.form.Get(price+"[unit_amount]"), 10, 64)
		if bad != nil || amount < 0 || amount > largest {
			return nil, "", 0, invalid("parameter_invalid_integer", price+"[unit_amount]", "Invalid integer: %s", c.form.Get(price+"[unit_amount]"))
		}
		quantity, bad := strconv.ParseInt(c.form.Get(name), 10, 64)
		if bad != nil || quantity < 1 || quantity > 999_999 {
			return nil, "", 0, invalid("parameter_invalid_integer", name, "Invalid integer: %s", c.form.Get(name))
		}
		each := strings.ToLower(c.form.Get(price + "[currency]"))
		if len(each) != 3 || currency != "" && each != currency {
			return nil, "", 0, invalid("", price+"[currency]", "Invalid currency: %s. All prices must use one currency of three letters.", each)
		}
		title := c.form.Get(price + "[product_data][name]")
		if title == "" {
			return nil, "", 0, invalid("parameter_invalid_empty", price+"[product_data][name]", "You passed an empty string for the product's name.")
		}
		currency, total = each, total+amount*quantity
		items = append(items, object{"id": "li_" + found[1], "object": "item", "description": title, "quantity": quantity, "currency": each, "amount_subtotal": amount * quantity, "amount_total": amount * quantity, "amount_discount": int64(0), "amount_tax": int64(0)})
	}
	least, ok := smallest[currency]
	if !ok {
		least = 50
	}
	switch {
	case len(items) == 0:
		return nil, "", 0, invalid("parameter_missing", "line_items", "The `line_items` parameter is required in payment mode.")
	case total < least:
		return nil, "", 0, invalid("amount_too_small", "", "The Checkout Session's total amount due must add up to at least %d %s.", least, currency)
	case total > largest:
		return nil, "", 0, invalid("amount_too_large", "", "The Checkout Session's total amount due must be no more than %d %s.", largest, currency)
	}
	return items, currency, total, nil
}

// metadata reads the keys and values of a parameter.
func (c *call) metadata(param string) (map[string]string, error) {
	metadata := map[string]string{}
	for name, values := range c.form {
		key, ok := strings.CutPrefix(name, param+"[")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		if utf8.RuneCountInString(key) > 40 {
			return nil, invalid("", name, "Metadata keys can have up to 40 characters.")
		}
		if utf8.RuneCountInString(values[0]) > 500 {
			return nil, invalid("", name, "Metadata values can have up to 500 characters, but you passed in a value that is %d characters.", utf8.RuneCountInString(values[0]))
		}
		metadata[key] = values[0]
	}
	if len(metadata) > 50 {
		return nil, invalid("", param, "Metadata can have up to 50 keys.")
	}
	return metadata, nil
}

// expireSession ends a session that nobody paid.
func (b *Bank) expireSession(c *call) (object, error) {
	session, err := b.find("checkout.session", c.id)
	if err != nil {
		return nil, err
	}
	if session.text("status") != "open" {
		return nil, invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of %s.", session.text("status"))
	}
	b.expire(session)
	return b.shown(session), nil
}

func (b *Bank) expire(session object) {
	session.set(object{"status": "expired", "url": nil})
	delete(b.open, session.text("id"))
	if payment := b.byID[session.text("payment_intent")]; payment != nil {
		payment.set(object{"status": "canceled", "canceled_at": b.options.Now().Unix(), "cancellation_reason": "automatic"})
		b.emit("payment_intent.canceled", payment)
	}
	b.emit("checkout.session.expired", session)
}

// expireSessions ends the sessions whose time is over. The lock is held.
func (b *Bank) expireSessions() {
	now := b.options.Now().Unix()
	for _, session := range b.open {
		if session.number("expires_at") <= now {
			b.expire(session)
		}
	}
}
