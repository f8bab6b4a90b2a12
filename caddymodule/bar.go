package caddymodule

import "errors"

// barOn parses: bar on
func (p *directiveParser) barOn() error {
	var on string
	if !p.AllArgs(&on) || on != "on" {
		return p.Errf("write: bar on; leave the line out for no bar")
	}
	p.handler.Bar = true
	return p.noBlock("bar")
}

// checkBar refuses a bar that no page would ever get.
func (h *Handler) checkBar() error {
	if h.Bar && h.app.refund == 0 {
		return errors.New("bar: it is shown while a purchase can be undone, which refund 0 rules out; remove one of the two lines")
	}
	return nil
}
