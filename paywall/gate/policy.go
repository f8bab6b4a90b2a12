package gate

import (
	"net/http"
	"slices"
	"strings"
)

// ourPolicy comes on top of the site's where a page was cut. No script of the page is
// left, so none runs, whatever somebody on the way puts in; and a page with a button
// that pays is in nobody's frame.
const ourPolicy = "script-src 'none'; object-src 'none'; frame-ancestors 'none'"

// teaserPolicy puts the policies of a page that was cut into order, whoever set them:
// the site's, in which the offer's form and style sheet have a place, and ours. Doing
// it twice changes nothing.
func teaserPolicy(h http.Header, origin string) {
	var kept []string
	for _, line := range h["Content-Security-Policy"] {
		for policy := range strings.SplitSeq(line, ",") { // one header may hold several (RFC 9110, 5.3)
			if policy = strings.TrimSpace(policy); policy != "" && policy != ourPolicy {
				kept = append(kept, admitBox(policy, origin))
			}
		}
	}
	h["Content-Security-Policy"] = append(kept, ourPolicy)
}

// admitBox lets a policy admit an offer's form and style sheet, and nothing else.
func admitBox(policy, origin string) string {
	static := origin + reservedPrefix + "/static/"
	var directives [][]string
	at := make(map[string]int)
	for text := range strings.SplitSeq(policy, ";") {
		words := strings.Fields(text)
		if len(words) == 0 || strings.EqualFold(words[0], "sandbox") {
			continue // one allows no form, and no opener policy beside it
		}
		words[0] = strings.ToLower(words[0])
		if _, twice := at[words[0]]; twice {
			continue // only the first counts (CSP 3, 2.2.1)
		}
		at[words[0]] = len(directives)
		directives = append(directives, words)
	}
	admit := func(name, source string) {
		if i, ok := at[name]; ok {
			directives[i] = admitSource(directives[i], source)
		}
	}
	admit("form-action", "'self'")
	admit("style-src-elem", static)
	if i, ok := at["style-src"]; ok {
		directives[i] = admitSource(directives[i], static)
	} else if i, ok := at["default-src"]; ok {
		style := append([]string{"style-src"}, directives[i][1:]...)
		directives = append(directives, admitSource(style, static))
	}
	var b strings.Builder
	for i, words := range directives {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strings.Join(words, " "))
	}
	return b.String()
}

// admitSource adds a source to a directive. 'none' stands alone or means nothing.
func admitSource(words []string, source string) []string {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.EqualFold(word, "'none'") })
	for _, word := range words[1:] {
		if word == source || strings.EqualFold(word, "'self'") || word == "*" {
			return words
		}
	}
	return append(words, source)
}
