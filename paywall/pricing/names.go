package pricing

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/tuppence/tuppence/paywall/target"
)

// A page of a static site has several names: "/x", "/x/", "/x.html" and
// "/x/index.html" are one file, or one and its redirect, to most hosts. They have
// one price, and are bought once. Beside them may lie compressed copies.

// endings are what a second name of a page has beyond the first. Caddy's file server
// takes "index.txt" for a folder's index as well.
var endings = [...]string{"/index.html", "/index.htm", "/index.xhtml", "/index.shtml", "/index.txt", ".html", ".htm", ".xhtml", ".shtml"}

// codings are the endings of a page's compressed copies.
var codings = [...]string{".gz", ".br", ".zst"}

// firstName is the name of a page without its ending; ok is false for a path that
// has none. lower is a path in lower case; the length is that of the name.
func firstName(lower string) (length int, ok bool) {
	for _, coding := range codings {
		if plain, found := strings.CutSuffix(lower, coding); found {
			lower = plain
			break
		}
	}
	for _, ending := range endings {
		name, found := strings.CutSuffix(lower, ending)
		switch {
		case !found:
		case name == "":
			return len("/"), ending[0] == '/'
		case name[len(name)-1] != '/':
			return len(name), true
		}
	}
	return 0, false
}

// pageOf is the first name of a page, or the path itself.
func pageOf(lower string) string {
	if n, ok := firstName(lower); ok {
		return lower[:n]
	}
	return lower
}

// scriptOf finds a page's script, or a folder's index that runs: it has the price of the
// page, but is not free because of it, since the site's front page is often such a one.
func scriptOf(lower string) (length int, ok bool) {
	name, found := strings.CutSuffix(lower, ".php")
	name = strings.TrimSuffix(name, "/index")
	return len(name), found && name != "" && name[len(name)-1] != '/'
}

// nameOf is the first name of a page by which rules are asked as well; "" if the
// path is one.
func nameOf(path string) string {
	if path == "" || strings.IndexByte("lmptzr", path[len(path)-1]|0x20) < 0 { // no ending's last letter
		return ""
	}
	lower := strings.ToLower(path)
	if len(lower) != len(path) {
		return "" // letters of another length are in no ending
	}
	if n, ok := firstName(lower); ok {
		return path[:n]
	}
	if n, ok := scriptOf(lower); ok {
		return path[:n]
	}
	return ""
}

// parts are the endings of what a page consists of and nobody buys by itself.
var parts = map[string]bool{
	".avif": true, ".bmp": true, ".gif": true, ".ico": true, ".jpeg": true, ".jpg": true, ".jxl": true, ".png": true, ".svg": true, ".webp": true,
	".css": true, ".js": true, ".mjs": true, ".map": true,
	".eot": true, ".otf": true, ".ttf": true, ".woff": true, ".woff2": true,
}

// maxAbove bounds the folders above a page's part that are looked at.
const maxAbove = 4

// Alternative is another resource, whose owners may have this one too.
type Alternative struct {
	Resource string
	// Part says that it is a page that this is a part of, as a picture is, and not
	// another name of the page.
	Part bool
}

// Alternatives are the resources whose right opens a path as well as its own
// resource does: other names of the page, and for a page's part (an image, style,
// script or font) the pages in whose folder it lies. The same rule prices them,
// and sells each path for itself. path is canonical, resource what it is sold as.
func (t *Table) Alternatives(r *http.Request, rule *Rule, path, resource string) []Alternative {
	path = dropSlash(path)
	if rule == nil || len(rule.Per) > 0 {
		return nil
	}
	var found []Alternative
	add := func(name string, part bool) {
		if status, by := t.Lookup(r, name); status == Priced && by == rule && name != resource && !slices.Contains(found, Alternative{name, part}) {
			found = append(found, Alternative{Resource: name, Part: part})
		}
	}
	if query, ok := strings.CutPrefix(resource, path); ok && query != "" {
		return nil // a page that the query names has no second name
	}
	page := path
	if first := nameOf(path); first != "" {
		page = first
	}
	if extension := extensionOf(page); extension == "" {
		for _, name := range [...]string{page, path, strings.TrimSuffix(page, "/") + ".html", strings.TrimSuffix(page, "/") + "/index.html"} {
			add(name, false)
		}
		return found
	} else if !parts[extension] {
		return nil
	}
	for range maxAbove {
		if path = path[:strings.LastIndexByte(path, '/')]; path == "" {
			break
		}
		add(path, true)
	}
	return found
}

func extensionOf(name string) string { return strings.ToLower(path.Ext(name)) }

// named gives an index file the name of its folder, which is the page's own.
func (t *Table) named(r *http.Request, rule *Rule, target *target.Target) string {
	lower := strings.ToLower(target.Path)
	if !strings.Contains(lower, "/index.") || !strings.HasPrefix(target.Resource, target.Path) {
		return target.Resource
	}
	first := nameOf(target.Path)
	if first == "" {
		return target.Resource
	}
	if status, by := t.Lookup(r, first); status != Priced || by != rule {
		return target.Resource
	}
	return first + target.Resource[len(target.Path):]
}
