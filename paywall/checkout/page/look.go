package page

import (
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options is what a publisher may change of the pages. The zero value is our own
// look.
type Options struct {
	// Name of the publisher, at the head of every page. Default: the site's host.
	Name string

	// Logo takes the place of the name, which is then read to those who do not
	// see it. It is the path of an image on the site itself, "/logo.svg": pages
	// load nothing from elsewhere. Default: none.
	Logo string

	// Accent is the colour of buttons and links, "#0b6e4f" or "#064". The text on
	// a button becomes black or white, and links darker or lighter, so that each
	// can be read (contrast of at least 4.5:1, WCAG 2.2, 1.4.3). Default: a green.
	Accent string

	// Templates are files that take the place of ours with the same name. What each
	// is given, the package says that makes the views. Default: none.
	Templates fs.FS
}

// Views are what the templates are given, as empty as can be, by the names of the
// pages, and "box" and "bar" of the parts that stand in pages of the site.
type Views func(*Catalogue) map[string]any

// Look is how the pages look. It never changes, and is safe for concurrent use.
type Look struct {
	name, logo string
	style, box Asset
	own        map[string]*template.Template // pages and parts with a template of the publisher's
}

// maxName bounds a publisher's name, in characters: it stands in one line.
const maxName = 60

// NewLook checks the options. Errors say what to write instead; those of a
// template begin with its file, line and column.
func NewLook(o Options, views Views) (*Look, error) {
	if utf8.RuneCountInString(o.Name) > maxName || DisplayTitle(o.Name) != o.Name {
		return nil, fmt.Errorf("the name %q: write plain text of at most %d characters", o.Name, maxName)
	}
	if err := checkLogo(o.Logo); err != nil {
		return nil, err
	}
	l := &Look{name: o.Name, logo: o.Logo, style: stylesheet, box: boxStyle}
	if o.Accent != "" {
		accent, err := parseColor(o.Accent)
		if err != nil {
			return nil, err
		}
		l.style = stylesheet.with(pageColors(accent))
		l.box = boxStyle.with(boxColors(accent))
	}
	if o.Templates == nil {
		return l, nil
	}
	own, err := ownTemplates(o.Templates, views)
	if err != nil {
		return nil, err
	}
	l.own = own
	return l, nil
}

func checkLogo(logo string) error {
	if logo == "" {
		return nil
	}
	u, err := url.Parse(logo)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(logo, "/") || strings.HasPrefix(logo, "//") || strings.Contains(logo, `\`) {
		return fmt.Errorf("the logo %q is not a path on the site itself; write one such as /logo.svg", logo)
	}
	return nil
}

// Name is the publisher's name, "" if none was given.
func (l *Look) Name() string { return l.name }

// Logo is the path of an image, "" if none was given.
func (l *Look) Logo() string { return l.logo }

// Style is the style sheet of whole pages.
func (l *Look) Style() Asset { return l.style }

// BoxStyle is the style sheet of an offer in a page of the site.
func (l *Look) BoxStyle() Asset { return l.box }

// Asset finds a file by its name: a style sheet of this look, or what all looks share.
func (l *Look) Asset(name string) (Asset, bool) {
	for _, a := range [...]Asset{l.style, l.box} {
		if a.name == name {
			return a, true
		}
	}
	a, ok := assets[name]
	return a, ok
}

// DisplayTitle leaves out what would let a title pretend to be page around it:
// control characters and marks that turn the direction of text.
func DisplayTitle(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s))
}
