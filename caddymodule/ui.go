package caddymodule

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// UI is how the pages look that readers see, and in which languages they are.
type UI struct {
	// Name of the publisher, at the head of every page. At most 60 characters.
	// Default: the site's host.
	Name string `json:"name,omitempty"`

	// Path of an image on the site itself, "/logo.svg", that takes the place of
	// the name. It must be free. Default: none.
	Logo string `json:"logo,omitempty"`

	// Color of buttons and links, "#0b6e4f". The text on a button becomes black
	// or white, and links darker or lighter, so that each can be read.
	// Default: a green.
	Accent string `json:"accent,omitempty"`

	// Languages of the pages, out of "en", "de", "fr", "es", "nl", "ar", "he".
	// The first is for readers whose browser asks for none of them. Default: all.
	Languages []string `json:"languages,omitempty"`

	// Folder with templates that take the place of ours, one by one, by the
	// names of their files. They are read at load; after a change of theirs
	// alone, reload with --force. Default: none.
	Templates string `json:"templates,omitempty"`

	// Where the option stands ("Caddyfile:12"), for messages. The Caddyfile
	// adapter fills it in.
	Source string `json:"source,omitempty"`
}

// look checks all settings and reads the templates.
func (u *UI) look() (*page.Look, error) {
	o, err := u.options()
	if err != nil {
		return nil, err
	}
	dir, err := words.Resolve(u.Templates)
	if err != nil {
		return nil, fmt.Errorf("ui templates: %w", err)
	}
	if dir == "" {
		return checkout.NewLook(o)
	}
	if o.Templates, err = templateFolder(dir); err != nil {
		return nil, fmt.Errorf("ui templates: %w", err)
	}
	look, err := checkout.NewLook(o)
	if err != nil {
		return nil, fmt.Errorf("ui templates %s: %w", dir, err)
	}
	return look, nil
}

// options are all settings but the templates, resolved and checked.
func (u *UI) options() (page.Options, error) {
	var o page.Options
	for _, setting := range []struct {
		word, text string
		into       *string
	}{{"name", u.Name, &o.Name}, {"logo", u.Logo, &o.Logo}, {"accent", u.Accent, &o.Accent}} {
		resolved, err := words.Resolve(setting.text)
		if err != nil {
			return o, fmt.Errorf("ui %s: %w", setting.word, err)
		}
		*setting.into = resolved
	}
	if _, err := checkout.NewLook(o); err != nil {
		return o, fmt.Errorf("ui: %w", err)
	}
	if _, err := page.NewLanguageSet(u.Languages); err != nil {
		return o, fmt.Errorf("ui: %w", err)
	}
	return o, nil
}

// warnLogo tells that the image on every page is for sale, and so is broken.
func (h *Handler) warnLogo() {
	if h.app.UI == nil || h.app.UI.Logo == "" {
		return
	}
	logo, err := words.Resolve(h.app.UI.Logo)
	if err != nil {
		return // as UI.options says
	}
	if closed, err := h.closed(logo); closed && err == nil {
		h.logger.Warn("the logo of the pages is behind the paywall, where nobody sees it who has not paid; write a free line for it",
			slog.String("logo", logo), slog.String("directive", h.Source))
	}
}

func templateFolder(dir string) (fs.FS, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; write the folder that it is in", dir)
	}
	return os.DirFS(dir), nil
}
