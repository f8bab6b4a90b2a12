package routes

import "fmt"

// A detour is a path that the config itself leads requests to where no gate
// stands: error pages (handle_errors) and pages chosen by an answer of the site
// (handle_response). A site that shows one of its own articles there would give
// it away.

// around refuses error routes that hand a request to the site as it came: of an
// article that failed before it was sold, they would show the article.
func (w *walker) around(l *list) error {
	for _, i := range l.concerning(w.site.hosts) {
		relation := w.relate(&l.matches[i])
		ends := l.routes[i].Terminal && l.matches[i].hostOnly
		if relation == apart || relation == narrower && ends {
			continue
		}
		if err := w.arrive(l.branch(i), &address{}); err != nil {
			return err
		}
		if relation == whole && ends {
			return nil
		}
	}
	return nil
}

// arrive follows a request through a route that no gate stands before.
func (w *walker) arrive(b *branch, at *address) error {
	if w.relate(&b.match) == apart {
		return nil
	}
	if !b.match.entersOrFails() {
		some := *at // what happens within happens to some requests only
		at = &some
	}
	for i := range b.handlers {
		if err := w.arriveAt(&b.handlers[i], &b.match, at); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) arriveAt(h *handler, m *match, at *address) error {
	switch {
	case at.gated:
		return nil
	case h.name == gateName:
		at.gated = true
		return nil
	case h.name == "rewrite":
		at.rewrite(w, h.rewrite, m)
		return nil
	case h.invokes != "":
		return w.invoke(h.invokes, func(b *branch) error { return w.arrive(b, at) })
	}
	if delivers(h.name) && !h.asksOnly(w) {
		asked := *at
		if h.rewrite != nil {
			asked.rewrite(w, h.rewrite, m)
		}
		if !asked.fixed {
			return asked.refuse(h.name)
		}
		w.site.Detours = append(w.site.Detours, asked.targets...)
	}
	if err := w.lead(h.responses, at); err != nil {
		return err
	}
	for _, branches := range [][]branch{h.routes, h.errors} {
		for i := range branches {
			if err := w.arrive(&branches[i], at); err != nil {
				return err
			}
		}
	}
	return nil
}

// lead follows a request into the routes that an answer is handed to.
func (w *walker) lead(responses []responseHandlers, at *address) error {
	for _, response := range responses {
		some := *at
		for i := range response.routes {
			if err := w.arrive(&response.routes[i], &some); err != nil {
				return err
			}
		}
	}
	return nil
}

// after collects where answers of the site lead to that come through the gate. It
// withholds them itself while it runs; what the config alone shows is refused.
func (w *walker) after(s *step, last bool) {
	for _, i := range s.concerning(w.site.hosts) {
		switch {
		case i == s.at && !last:
			w.collectFrom(s.branch(i), false, func(h *handler) bool { return h.gates == 0 })
		case i >= s.at:
			w.collect(s.branch(i), false)
		}
		if i == s.at && s.routes[i].Terminal {
			return
		}
	}
}

// collect finds the fixed targets of rewrites in a route; led says that an answer
// of the site leads to it.
func (w *walker) collect(b *branch, led bool) {
	if w.relate(&b.match) == apart {
		return
	}
	w.collectFrom(b, led, func(*handler) bool { return true })
}

// collectFrom looks at some handlers of a route.
func (w *walker) collectFrom(b *branch, led bool, counts func(*handler) bool) {
	for i := range b.handlers {
		h := &b.handlers[i]
		if !counts(h) {
			continue
		}
		if at := new(address); led && h.rewrite != nil && at.rewrite(w, h.rewrite, &b.match) {
			w.site.Detours = append(w.site.Detours, at.targets...)
		}
		if h.invokes != "" {
			_ = w.invoke(h.invokes, func(b *branch) error { w.collect(b, led); return nil })
		}
		for j := range h.routes {
			w.collect(&h.routes[j], led)
		}
		for _, response := range h.responses {
			for j := range response.routes {
				w.collect(&response.routes[j], true)
			}
		}
	}
}

// refuse says what is wrong with handing a request on to the site.
func (a *address) refuse(handler string) error {
	how := "as they came"
	if a.undecided != "" {
		how = fmt.Sprintf("under an address that the request decides (%s)", a.undecided)
	}
	return fmt.Errorf("an error page (handle_errors) or handle_response hands requests to %s %s, those for something with a price too; rewrite them to one page first, such as: rewrite * /sorry.html, or put paywall before", handler, how)
}
