package target

import (
	"strings"
	"unicode"
)

// lenientSteps are the liberties that servers and frameworks take with a path.
// Each gives its argument back when there is nothing to do.
var lenientSteps = []func(string) string{
	resolve,
	resolveKeepingEmpty,
	ignoreDots,
	cutAtHole,
	eachSegment(";", dropParameters),
	eachSegment("", trimDots),
	eachSegment("", trimSpace),
	eachSegment(":$", dropStream),
	eachSegment("..", splitDots),
	cutAt("\x00", "%00"),
	cutAt("#", "%23"),
	cutAt("?", "%3f"),
	backslashes.Replace,
	encodedSlashes.Replace,
	dropAuthority,
	dropFrontController,
	dropPathInfo,
	dropCookieless,
	unescapeWide,
	decodeOverlong,
	readLatin1,
	dropInvalid,
	dropControls,
	cutAtControl,
}

var (
	backslashes    = strings.NewReplacer(`\`, "/")
	encodedSlashes = strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/")
)

func isDots(segment string) bool { return segment == "." || segment == ".." }

// climbs reports whether a path has a segment "..".
func climbs(path string) bool {
	return strings.Contains(path+"/", "/../")
}

// resolve removes "." and empty segments, and ".." with the segment before it;
// above the root there is nothing. A path that ends in one of them ends in "/".
func resolve(path string) string { return resolveDots(path, false) }

// resolveKeepingEmpty counts empty segments as segments (RFC 3986, 5.2.4), so
// that "/a//../b" is "/a/b". They are dropped afterwards.
func resolveKeepingEmpty(path string) string { return resolve(resolveDots(path, true)) }

func resolveDots(path string, keepEmpty bool) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") && strings.HasPrefix(path, "/") {
		return path
	}
	var kept []string
	last := ""
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch last = segment; {
		case segment == "." || segment == "" && !keepEmpty:
		case segment == "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	resolved := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && (last == "" && !keepEmpty || isDots(last)) {
		resolved += "/"
	}
	return resolved
}

// ignoreDots drops dot segments without resolving them, as filters that delete
// "../" do, and routers that match segment by segment.
func ignoreDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		if !isDots(segment) {
			kept = append(kept, segment)
		}
	}
	return resolve(strings.Join(kept, "/"))
}

// cutAtHole keeps what stands before the first dot segment or empty segment: a
// router that knows "/articles/:slug" and forgives what is no name looks no further.
func cutAtHole(path string) string {
	for i := 1; i < len(path)-1; i++ {
		if path[i] != '/' {
			continue
		}
		segment, _, _ := strings.Cut(path[i+1:], "/")
		if segment == "" || isDots(segment) {
			return path[:i]
		}
	}
	return path
}

// eachSegment applies a step to the segments between the slashes, of paths that
// hold the mark which the step looks for.
func eachSegment(mark string, step func(string) string) func(string) string {
	return func(path string) string {
		if !strings.Contains(path, mark) {
			return path
		}
		var b strings.Builder
		done := 0 // path[:done] stands in b, changed
		for start := 0; start <= len(path); {
			end := strings.IndexByte(path[start:], '/')
			if end < 0 {
				end = len(path) - start
			}
			segment := path[start : start+end]
			if changed := step(segment); changed != segment {
				b.WriteString(path[done:start])
				b.WriteString(changed)
				done = start + end
			}
			start += end + 1
		}
		if done == 0 {
			return path
		}
		b.WriteString(path[done:])
		return b.String()
	}
}

// dropParameters removes path parameters (RFC 2396, 3.3), as servlet containers do.
func dropParameters(segment string) string {
	name, _, _ := strings.Cut(segment, ";")
	return name
}

// trimDots removes what Windows ignores at the end of a name.
func trimDots(segment string) string {
	if isDots(segment) {
		return segment
	}
	return strings.TrimRightFunc(segment, func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
}

func trimSpace(segment string) string { return strings.TrimSpace(segment) }

// dropStream removes an NTFS stream: "p1::$DATA", "articles:$i30:$INDEX_ALLOCATION".
func dropStream(segment string) string {
	if name, stream, ok := strings.Cut(segment, ":"); ok && strings.Contains(":"+stream, ":$") {
		return name
	}
	return segment
}

// cutAt ends the path at a mark, or at its escape in any case.
func cutAt(mark, escape string) func(string) string {
	return func(path string) string {
		if i := strings.Index(path, mark); i >= 0 {
			path = path[:i]
		}
		if i := indexFold(path, escape); i >= 0 {
			path = path[:i]
		}
		return path
	}
}

// dropAuthority takes "//x/articles" for a host and its path, as URL parsers do
// (RFC 3986, 4.2) that are handed a target; WHATWG's take any number of slashes.
func dropAuthority(path string) string {
	if len(path) < 2 || path[1] != '/' && path[1] != '\\' {
		return path
	}
	rest := strings.TrimLeft(path, `/\`)
	if i := strings.IndexAny(rest, `/\`); i >= 0 {
		return rest[i:]
	}
	return "/"
}
