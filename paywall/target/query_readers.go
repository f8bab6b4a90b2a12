package target

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// queryReader is how the sites of one kind read a query. The zero value reads as
// WHATWG's URL does and keeps all values of a key: "&" separates, "+" is a space,
// an escape that is none stays.
type queryReader struct {
	separators string // beside "&"
	badEscapes badEscapes
	wide       bool // decodes %uXXXX
	twice      bool // decodes what it decoded
	keepsPlus  bool // "+" is a plus
	rawKeys    bool // compares keys without decoding them
	foldsKeys  bool // without regard to case
	dropsBlank bool // a parameter without a value is not there
	name       func(key string) string
	take       func(values []string) []string
	value      func(string) string
}

// badEscapes is what becomes of a "%" without two hex digits after it.
type badEscapes int

const (
	stay     badEscapes = iota
	vanish              // the "%" does
	dropPair            // the parameter is not there
)

// queryReaders are the kinds, Go's own first.
var queryReaders = []queryReader{
	{badEscapes: dropPair},                        // Go
	{badEscapes: dropPair, take: first},           // Tomcat
	{take: first},                                 // Flask, Java, URLSearchParams
	{name: trimMark, take: first},                 // URLSearchParams, handed the query of "/??p=7"
	{take: last},                                  // Django
	{separators: ";", take: first},                // Perl's CGI, Undertow
	{dropsBlank: true},                            // Python's parse_qs
	{separators: ";", dropsBlank: true},           // the same before 3.10
	{separators: ";", name: rackName, take: last}, // Rack before 3
	{name: rackName, take: last},                  // Rack
	{name: phpName, take: last},                   // PHP
	{name: bracketName},                           // qs (Express)
	{foldsKeys: true, take: joined(",")},          // ASP.NET
	{foldsKeys: true, take: joined(", "), wide: true, badEscapes: vanish}, // classic ASP
	{rawKeys: true, foldsKeys: true, take: first},                         // nginx's $arg_p
	{rawKeys: true, foldsKeys: true, take: first, dropsBlank: true},       // the same, compared with ""
	{keepsPlus: true, take: first},                                        // decodeURIComponent by hand
	{twice: true, take: last},                                             // after a proxy that decodes, or by hand
	// All that is forgiven anywhere, at once.
	{separators: ";?", wide: true, twice: true, foldsKeys: true, name: looseName, value: looseValue},
}

func first(values []string) []string { return values[:1] }
func last(values []string) []string  { return values[len(values)-1:] }

func joined(with string) func([]string) []string {
	return func(values []string) []string { return []string{strings.Join(values, with)} }
}

func trimMark(key string) string { return strings.TrimPrefix(key, "?") }

// bracketName is the name of the array or object that "p[x]" belongs to.
func bracketName(key string) string {
	if i := strings.IndexByte(key, '['); i > 0 {
		return key[:i]
	}
	return key
}

// rackName also overlooks brackets before the name: "[p]".
func rackName(key string) string {
	key = strings.TrimLeft(key, "[]")
	if i := strings.IndexAny(key, "[]"); i > 0 {
		return key[:i]
	}
	return key
}

// phpName is the variable that PHP makes (php_register_variable_ex): no spaces
// before it, nothing after a NUL or a "[", "_" for what no variable has.
func phpName(key string) string {
	key, _, _ = strings.Cut(strings.TrimLeft(key, " "), "\x00")
	return underscores.Replace(bracketName(key))
}

var underscores = strings.NewReplacer(".", "_", " ", "_")

// looseName is what is left of a key when everything that parsers are known to
// forgive is gone.
func looseName(key string) string {
	key = strings.TrimFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '?' || r == 0xa0 || r == 0xfeff })
	key, _, _ = strings.Cut(key, "\x00")
	return foldCase(underscores.Replace(rackName(strings.Map(dropIgnorable, strings.ToValidUTF8(key, "")))))
}

func looseValue(value string) string {
	value, _, _ = strings.Cut(value, "\x00")
	return strings.TrimSpace(strings.ToValidUTF8(value, ""))
}

// otherKey stands for all parameters that nobody looks for.
const otherKey = "\x00"

// queryPairs is what matters of a query.
type queryPairs struct {
	named     []string // may be taken for one of the keys, by somebody
	good, odd bool     // whether there are others, that everybody sees, or only some
}

// read finds what sites of this kind find. Go's also drops what has a ";".
func (q *queryReader) read(pairs *queryPairs, keys, loose []string, golang bool) url.Values {
	values := make(url.Values, len(keys))
	if pairs.good || pairs.odd && !golang {
		values[otherKey] = []string{""}
	}
	for _, pair := range pairs.named {
		if golang && strings.Contains(pair, ";") {
			continue
		}
		if q.separators == "" {
			q.add(values, pair, keys, loose)
			continue
		}
		for part := range strings.FieldsFuncSeq(pair, func(r rune) bool { return strings.ContainsRune(q.separators, r) }) {
			q.add(values, part, keys, loose)
		}
	}
	if q.take != nil {
		for key, all := range values {
			values[key] = q.take(all)
		}
	}
	return values
}

// add notes one parameter under the keys that it is taken for.
func (q *queryReader) add(values url.Values, pair string, keys, loose []string) {
	key, value, _ := strings.Cut(pair, "=")
	decoded, goodKey := q.decode(key)
	value, goodValue := q.decode(value)
	if !goodKey || !goodValue || q.dropsBlank && value == "" {
		return
	}
	if !q.rawKeys {
		key = decoded
	}
	if q.value != nil {
		value = q.value(value)
	}
	if !utf8.ValidString(value) && q.take != nil && q.name == nil {
		value = strings.ToValidUTF8(value, "\ufffd") // PHP, Ruby and Go keep the bytes
	}
	name := key
	if q.name != nil && !slices.Contains(keys, key) {
		name = q.name(key)
	}
	found := false
	for i, k := range keys {
		if k == name || q.foldsKeys && (strings.EqualFold(k, name) || q.name != nil && loose[i] == name) {
			values[k] = append(values[k], value)
			found = true
		}
	}
	if !found && values[otherKey] == nil {
		values[otherKey] = []string{""}
	}
}

// decode undoes the escapes of a key or a value.
func (q *queryReader) decode(s string) (decoded string, ok bool) {
	if q.badEscapes == dropPair && !hasGoodEscapes(s) {
		return "", false
	}
	if q.badEscapes == vanish {
		s = dropBadEscapes(s)
	}
	decoded = q.decodeOnce(s)
	if q.twice {
		decoded = q.decodeOnce(decoded)
	}
	return decoded, true
}

func (q *queryReader) decodeOnce(s string) string {
	if !q.keepsPlus {
		s = strings.ReplaceAll(s, "+", " ")
	}
	if q.wide {
		s = unescapeWide(s)
	}
	return unescapeLenient(s)
}

// dropBadEscapes removes every "%" that begins no escape.
func dropBadEscapes(s string) string {
	if hasGoodEscapes(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '%' {
			_, short := hexRune(s, i+1, 2)
			_, wide := hexRune(s, i+2, 4)
			if !short && (!wide || s[i+1]|0x20 != 'u') {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
