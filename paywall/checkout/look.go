package checkout

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"unicode/utf8"
)

// LookOptions is what a publisher may change of the pages. The zero value is our
// own look.
type LookOptions struct {
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

	// Templates are files that take the place of ours with the same name. See the
	// package's documentation. Default: none.
	Templates fs.FS
}

// Look is how the pages look. It never changes, and is safe for concurrent use.
type Look struct {
	name, logo string
	style, box asset
	own        map[string]*template.Template // pages with a template of the publisher's
	boxHTML    *template.Template
	barHTML    *template.Template
}

// ours is the look without any options.
var ours = &Look{style: stylesheet, box: boxStyle, boxHTML: boxTemplate, barHTML: barTemplate}

// maxName bounds a publisher's name, in characters: it stands in one line.
const maxName = 60

// NewLook checks the options. Errors say what to write instead; those of a
// template begin with its file, line and column.
func NewLook(o LookOptions) (*Look, error) {
	if utf8.RuneCountInString(o.Name) > maxName || displayTitle(o.Name) != o.Name {
		return nil, fmt.Errorf("the name %q: write plain text of at most %d characters", o.Name, maxName)
	}
	if err := checkLogo(o.Logo); err != nil {
		return nil, err
	}
	l := *ours
	l.name, l.logo = o.Name, o.Logo
	if o.Accent != "" {
		accent, err := parseColor(o.Accent)
		if err != nil {
			return nil, err
		}
		l.style = stylesheet.with(pageColors(accent))
		l.box = boxStyle.with(boxColors(accent))
	}
	if o.Templates == nil {
		return &l, nil
	}
	return &l, l.replaceTemplates(o.Templates)
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

// CheckLanguages reports what is wrong with a choice of [Languages].
func CheckLanguages(tags []string) error {
	_, err := newLanguages(tags)
	return err
}

// staticEndpoint serves the style sheets of this look, and what all looks share.
func (l *Look) staticEndpoint(name string) (endpoint, bool) {
	for _, a := range [...]asset{l.style, l.box} {
		if a.name == name {
			return a.endpoint(), true
		}
	}
	return staticEndpoint(name)
}

// errNoTemplate: there is none of the publisher's for a page.
var errNoTemplate = errors.New("no template of the publisher's")

// write fills in the publisher's template of a page.
func (l *Look) write(w io.Writer, page string, data any) error {
	own := l.own[page]
	if own == nil {
		return errNoTemplate
	}
	return own.ExecuteTemplate(w, "layout", data)
}
