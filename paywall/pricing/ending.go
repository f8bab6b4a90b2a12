package pricing

import (
	"net/http"
	"strings"
)

// pages are the endings under which a site delivers pages as a matter of course.
var pages = map[string]bool{
	"html": true, "htm": true, "xhtml": true, "shtml": true, "md": true, "php": true, "phtml": true, "asp": true, "aspx": true, "jsp": true, "cgi": true, "cfm": true,
}

// media are other endings that no page has.
var media = map[string]bool{
	"pdf": true, "epub": true, "zip": true, "gz": true, "json": true, "xml": true, "csv": true, "txt": true,
	"mp3": true, "m4a": true, "m4b": true, "ogg": true, "wav": true, "flac": true, "mp4": true, "webm": true,
}

// FreeByEnding reports whether a path that is not sold would be, were it not for the
// ending of its last name: "/articles/a/x.jpg" where "*.jpg" is left out of what
// is priced. Files are meant there. Sites that overlook what stands after a page's
// name deliver the page, which has to be noticed by what comes.
func (t *Table) FreeByEnding(r *http.Request, path string) bool {
	path = dropSlash(path)
	shut := func(path string) bool {
		status, _ := t.Lookup(r, path)
		return status.closed()
	}
	at := strings.LastIndexByte(path, '/') + 1
	folder, name := path[:at], path[at:]
	if dot := strings.IndexByte(folder, '.'); dot > 0 && folder[dot-1] != '/' && shut(folder[:dot]) {
		return true // "/articles/p1.css/x", where nothing with a dot is priced
	}
	stem, endings, found := strings.Cut(name, ".")
	if !found {
		return false
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if pages[strings.ToLower(last)] && shut(folder+"paywall.paywall") {
		return false // a rule names this ending, and not any
	}
	if !shut(folder+"paywall") && (stem == "" || !shut(folder+stem)) {
		return false
	}
	// A rule that names this very file means it, unless no page has such a name.
	return parts["."+strings.ToLower(last)] || media[strings.ToLower(last)] || !shut(folder+"paywall."+endings)
}
