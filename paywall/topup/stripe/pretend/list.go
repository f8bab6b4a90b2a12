package pretend

import (
	"math"
	"strconv"
)

// page is the part of a list that a request asks for: newest first, of those that keep
// takes. The lock is held.
func (b *Bank) page(c *call, kind string, keep func(object) bool) (object, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	from, to, err := c.created()
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
	found, open := []object{}, after == ""
	for i := len(all) - 1; i >= 0 && (before != "" || len(found) <= limit); i-- {
		o := all[i]
		if before != "" && o.text("id") == before {
			break
		}
		if created := o.number("created"); open && created >= from && created <= to && keep(o) {
			found = append(found, o)
		}
		open = open || o.text("id") == after
	}
	more := len(found) > limit
	switch {
	case more && before != "": // the page that ends there, not the first
		found = found[len(found)-limit:]
	case more:
		found = found[:limit]
	}
	data := make([]object, len(found))
	for i, o := range found {
		data[i] = b.shown(o)
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

// created is the time that is asked for, in Unix seconds, both ends included.
func (c *call) created() (from, to int64, err error) {
	from, to = math.MinInt64, math.MaxInt64
	for _, name := range []string{"created", "created[gt]", "created[gte]", "created[lt]", "created[lte]"} {
		if !c.form.Has(name) {
			continue
		}
		bound, err := strconv.ParseInt(c.form.Get(name), 10, 64)
		if err != nil {
			return 0, 0, invalid("parameter_invalid_integer", name, "Invalid integer: %s", c.form.Get(name))
		}
		switch name {
		case "created":
			from, to = bound, bound
		case "created[gt]":
			from = bound + 1
		case "created[gte]":
			from = bound
		case "created[lt]":
			to = bound - 1
		case "created[lte]":
			to = bound
		}
	}
	return from, to, nil
}
