package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
)

// unmarshalUI reads the block of "ui".
func (a *App) unmarshalUI(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf(`ui takes a block; write: ui { name "The Ferry" }, each setting on a line of its own`)
	}
	a.UI = &UI{Source: words.Source(d)}
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if !slices.Contains(uiWords, word) {
			return d.Errf("%s", words.Unknown("option of ui", word, uiWords))
		}
		if seen[word] {
			return d.Errf("%s is given twice", word)
		}
		seen[word] = true
		if err := a.UI.unmarshalLine(d, word); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return d.Errf("ui is empty; write a name, logo, accent, languages or templates into its block, or leave it out")
	}
	return nil
}

func (u *UI) unmarshalLine(d *caddyfile.Dispenser, word string) error {
	args := d.RemainingArgs()
	switch {
	case word == "accent" && len(args) == 0:
		return d.Errf(`accent names no color; write one such as "#0b6e4f", with its quotes`) // # begins a comment
	case word == "name" && len(args) > 1:
		return d.Errf("name is one text; put it in quotes")
	case len(args) == 0 || len(args) > 1 && word != "languages" || slices.Contains(args, ""):
		return d.Errf("write %s with its value, such as: %s", word, uiExamples[word])
	}
	switch word {
	case "name":
		u.Name = args[0]
	case "logo":
		u.Logo = args[0]
	case "accent":
		u.Accent = args[0]
	case "languages":
		u.Languages = args
	case "templates":
		u.Templates = args[0]
	}
	if _, err := u.options(); err != nil {
		return d.WrapErr(err) // of this line: those before were checked
	}
	if nesting := d.Nesting(); d.NextBlock(nesting) {
		return d.Errf("%s takes no block", word)
	}
	return nil
}
