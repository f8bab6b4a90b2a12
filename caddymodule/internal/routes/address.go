package routes

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// address is what is known of the address of a request on a way around the gate.
// The zero address is the one that it came with.
type address struct {
	fixed     bool     // it is one of the targets, whatever was asked for
	targets   []string // path and query, of which the request may decide the query
	undecided string   // the last rewrite to an address that the request decides
	gated     bool     // a gate decides about it
}

// rewrite changes the address as the handler does, and reports whether it is fixed
// after it. m is what the handler's route matches.
func (a *address) rewrite(w *walker, rw *rewrite.Rewrite, m *match) bool {
	if path, _, _ := strings.Cut(rw.URI, "?"); path != "" {
		a.targets, a.fixed = w.targets(rw.URI, m)
		a.undecided = ""
		if !a.fixed {
			a.undecided = rw.URI
		}
	}
	if !a.fixed {
		return false
	}
	rest := *rw
	rest.URI, rest.Method = "", ""
	if err := rest.Provision(w.ctx); err != nil {
		*a = address{undecided: rw.URI}
		return false
	}
	targets := make([]string, 0, len(a.targets))
	for _, target := range a.targets {
		changed, err := apply(&rest, target)
		if err != nil {
			*a = address{undecided: target}
			return false
		}
		targets = append(targets, changed)
	}
	a.targets = targets
	return true
}

// apply changes a target as a rewrite without an address of its own does.
func apply(rw *rewrite.Rewrite, target string) (string, error) {
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return "", err
	}
	r.RequestURI = target
	repl := caddy.NewReplacer()
	r = caddyhttp.PrepareRequest(r, repl, nil, new(caddyhttp.Server))
	rw.Rewrite(r, repl)
	return r.RequestURI, nil
}

// triedFile is the placeholder for the file that try_files found.
const triedFile = "{http.matchers.file.relative}"

// targets are the addresses that a rewrite may lead to, if the request has no say
// in them.
func (w *walker) targets(uri string, m *match) ([]string, bool) {
	patterns := []string{uri}
	if strings.Contains(uri, triedFile) {
		patterns = make([]string, len(m.files))
		for i, file := range m.files {
			patterns[i] = strings.ReplaceAll(uri, triedFile, file)
		}
	}
	var found []string
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, "=") {
			continue // a status that try_files ends with
		}
		for _, target := range w.samples(pattern) {
			if path, _, _ := strings.Cut(target, "?"); strings.Contains(path, "{") {
				return nil, false
			}
			found = append(found, target)
		}
	}
	return found, len(found) > 0
}

// samples are what a pattern becomes, with the placeholders that no visitor decides:
// those of the machine, the status of an error, and the site's own hosts.
func (w *walker) samples(pattern string) []string {
	pattern = caddy.NewReplacer().ReplaceKnown(pattern, "")
	if hosts := w.site.hosts.exact(); hosts != nil {
		return replaceEach(replaceStatus(pattern), "{http.request.host}", hosts)
	}
	return replaceStatus(pattern)
}

// replaceStatus writes what an error says in the place of its placeholders.
func replaceStatus(pattern string) []string {
	pattern = strings.NewReplacer("{http.error.status_text}", "Not-Found", "{http.error.id}", "x").Replace(pattern)
	return replaceEach([]string{pattern}, "{http.error.status_code}", []string{"404", "403", "500", "502", "503"})
}

// replaceEach writes each value in the place of a placeholder.
func replaceEach(patterns []string, placeholder string, values []string) []string {
	var all []string
	for _, pattern := range patterns {
		if !strings.Contains(pattern, placeholder) {
			all = append(all, pattern)
			continue
		}
		for _, value := range values {
			all = append(all, strings.ReplaceAll(pattern, placeholder, value))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
