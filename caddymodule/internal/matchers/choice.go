package matchers

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// choices are matchers that whoever asks decides about, each with what to write
// in its place. Around the gate or a free line, they let everybody read who sends
// the right thing, or leaves it out.
var choices = map[string]string{
	"method":        "every method is gated, so leave it out",
	"header":        "the client writes the headers, so match paths instead",
	"header_regexp": "the client writes the headers, so match paths instead",
	"protocol":      "the client chooses the protocol, so leave it out",
	"tls":           "the client chooses the connection, so leave it out",
}

// Surroundings are what a matcher stands in, as far as it is known.
type Surroundings struct {
	Query               []string // parameters that belong to a resource's identity
	AnyHost             bool     // the site answers to whatever host is asked for
	TrustsClientAddress bool     // a client behind a trusted proxy can choose its address
}

// Choice says which part of some matchers whoever asks decides about, and what to
// write; "" if there is none.
func (s Surroundings) Choice(sets caddyhttp.RawMatcherSets) string {
	for _, set := range sets {
		for _, name := range sortedNames(set) {
			if advice := s.advice(name, set[name]); advice != "" {
				return advice
			}
		}
	}
	return ""
}

func sortedNames(set map[string]json.RawMessage) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s Surroundings) advice(name string, raw json.RawMessage) string {
	switch {
	case choices[name] != "":
		return name + ": " + choices[name]
	case name == "host" && s.AnyHost:
		return "host: the client writes the Host header, so name the host in the site's address, such as http://news.example"
	case name == "client_ip" && s.TrustsClientAddress:
		return "client_ip: behind trusted_proxies clients can write any address into X-Forwarded-For, so add trusted_proxies_strict to the server's options"
	case name == "query":
		var keys map[string]json.RawMessage
		_ = json.Unmarshal(raw, &keys) // what cannot be read is refused by Caddy
		return s.queryAdvice(sortedNames(keys))
	case name == "not":
		var inner caddyhttp.RawMatcherSets
		_ = json.Unmarshal(raw, &inner) // Check has read it
		return s.Choice(inner)
	case name == "expression":
		return s.expressionAdvice(raw)
	}
	return ""
}

// queryAdvice is for parameters that a matcher looks at: those that belong to the
// resource's name are part of what is bought, all others come and go as one likes.
func (s Surroundings) queryAdvice(keys []string) string {
	for _, key := range keys {
		if !slices.Contains(s.Query, key) {
			return "query: the client may add or leave out " + key + ", so make it part of the page's name with the line: query " + strings.Join(append(slices.Clone(s.Query), key), " ")
		}
	}
	return ""
}

var (
	celText = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"` + "|`[^`]*`")
	celCall = regexp.MustCompile(`\b(method|header|header_regexp|protocol|host|client_ip|query)\s*\(`)
	celKey  = regexp.MustCompile(`['"]([^'"]+)['"]\s*:`)
	// celSecond are functions by which an expression reads the path, or anything
	// else, elsewhere than in the reading it is asked about.
	celSecond = regexp.MustCompile(`\b(ph|vars|vars_regexp|file)\s*\(`)
	// celPathRegexp finds the pattern of a path_regexp: the last text in its brackets.
	celPathRegexp = regexp.MustCompile(`\bpath_regexp\s*\(\s*(?:(?:` + celText.String() + `)\s*,\s*)?(` + celText.String() + `)`)
	// capital is a capital letter that is no class such as \W.
	capital = regexp.MustCompile(`(?:^|[^\\])[A-Z]`)
)

// expressionAdvice looks for the same matchers as functions in CEL.
func (s Surroundings) expressionAdvice(raw json.RawMessage) string {
	text := expressionText(raw)
	for _, call := range celCall.FindAllStringSubmatch(celText.ReplaceAllString(text, `''`), -1) {
		var arguments json.RawMessage
		if call[1] == "query" {
			keys := map[string]bool{}
			for _, key := range celKey.FindAllStringSubmatch(text, -1) {
				keys[key[1]] = true
			}
			arguments, _ = json.Marshal(keys) // strings and booleans always encode
		}
		if advice := s.advice(call[1], arguments); advice != "" {
			return "expression with " + advice
		}
	}
	return ""
}

// expressionText is the CEL of an expression matcher, which is written as a text
// or as an object.
func expressionText(raw json.RawMessage) string {
	var object struct {
		Expr string `json:"expr"`
	}
	if json.Unmarshal(raw, &object) == nil {
		return object.Expr
	}
	var text string
	_ = json.Unmarshal(raw, &text) // what cannot be read is refused by Caddy
	return text
}

// checkExpression refuses an expression that would not see every reading of a path.
func checkExpression(raw json.RawMessage) error {
	if found := celSecond.FindStringSubmatch(celText.ReplaceAllString(expressionText(raw), `''`)); found != nil {
		return fmt.Errorf("%s() in the matcher expression does not see every spelling of a path; write it with path or path_regexp", found[1])
	}
	for _, found := range celPathRegexp.FindAllStringSubmatch(expressionText(raw), -1) {
		pattern := found[1][1 : len(found[1])-1]
		if !strings.HasPrefix(pattern, "(?i)") && capital.MatchString(pattern) {
			return fmt.Errorf("path_regexp(%s) in the matcher expression does not see a path in small letters, which many sites read as the same; write (?i) at the head of the pattern", found[1])
		}
	}
	return nil
}
