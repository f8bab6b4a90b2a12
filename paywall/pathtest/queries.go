package pathtest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// QueryFlavour is one way of reading a raw query.
type QueryFlavour struct {
	Name string
	// Read is what the site finds under each name: the value that it takes, or all
	// where it takes all.
	Read func(rawQuery string) url.Values
	// FoldsNames says that the site's names are in lower case here, and that it
	// knows them in any.
	FoldsNames bool
}

// QueryFlavours are all ways that are known here.
func QueryFlavours() []QueryFlavour { return slices.Clone(queryFlavours) }

var queryFlavours = []QueryFlavour{
	{Name: "php", Read: phpQuery},
	{Name: "rack-2", Read: func(q string) url.Values { return rack(split(q, "&;")) }},
	{Name: "rack-3", Read: func(q string) url.Values { return rack(split(q, "&")) }},
	{Name: "tomcat", Read: tomcatQuery},
	{Name: "undertow", Read: func(q string) url.Values { return collect(split(q, "&;"), formDecode, lowest) }},
	{Name: "python", Read: func(q string) url.Values { return collect(withValue(split(q, "&")), utf8Decode, all) }},
	{Name: "python-3.9", Read: func(q string) url.Values { return collect(withValue(split(q, "&;")), utf8Decode, all) }},
	{Name: "django", Read: func(q string) url.Values { return collect(split(q, "&"), utf8Decode, highest) }},
	{Name: "flask", Read: func(q string) url.Values { return collect(split(q, "&"), utf8Decode, lowest) }},
	{Name: "url-search-params", Read: func(q string) url.Values {
		return collect(split(strings.TrimPrefix(q, "?"), "&"), utf8Decode, lowest)
	}},
	{Name: "node-querystring", Read: func(q string) url.Values { return collect(atMost(split(q, "&"), 1000), utf8Decode, all) }},
	{Name: "express-qs", Read: qs},
	{Name: "go", Read: goQuery},
	{Name: "go-form-value", Read: func(q string) url.Values { return each(goQuery(q), lowest) }},
	{Name: "aspnet-core", FoldsNames: true, Read: func(q string) url.Values { return fold(collect(split(q, "&"), formDecode, all), ",") }},
	{Name: "asp-classic", FoldsNames: true, Read: func(q string) url.Values { return fold(collect(split(q, "&"), aspDecode, all), ", ") }},
	{Name: "perl-cgi", Read: func(q string) url.Values { return collect(split(q, "&;"), formDecode, lowest) }},
	{Name: "openresty", Read: func(q string) url.Values { return collect(atMost(split(q, "&"), 100), formDecode, lowest) }},
	{Name: "nginx-arg", FoldsNames: true, Read: nginxArg},
	{Name: "by-hand", Read: func(q string) url.Values {
		return collect(split(q, "&"), func(s string) (string, bool) { return decode(s), true }, lowest)
	}},
	{Name: "decoded-twice", Read: func(q string) url.Values {
		return collect(split(q, "&"), func(s string) (string, bool) { s, _ = formDecode(s); return formDecode(s) }, highest)
	}},
}

// pair is one parameter, raw. equals says that it has a "=".
type pair struct {
	name, value string
	equals      bool
}

func split(query, separators string) (pairs []pair) {
	for _, text := range strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		name, value, equals := strings.Cut(text, "=")
		pairs = append(pairs, pair{name, value, equals})
	}
	return pairs
}

func atMost(pairs []pair, n int) []pair { return pairs[:min(n, len(pairs))] }

// withValue leaves out blank ones, as parse_qs does unless it is told otherwise.
func withValue(pairs []pair) []pair {
	return slices.DeleteFunc(pairs, func(p pair) bool { return p.value == "" })
}

func all(values []string) []string     { return values }
func lowest(values []string) []string  { return values[:1] }
func highest(values []string) []string { return values[len(values)-1:] }

func each(values url.Values, take func([]string) []string) url.Values {
	for name := range values {
		values[name] = take(values[name])
	}
	return values
}

// collect decodes pairs; those that cannot be decoded are left out.
func collect(pairs []pair, decode func(string) (string, bool), take func([]string) []string) url.Values {
	found := url.Values{}
	for _, p := range pairs {
		name, ok := decode(p.name)
		value, fine := decode(p.value)
		if ok && fine {
			found.Add(name, value)
		}
	}
	return each(found, take)
}

// formDecode takes "+" for a space and leaves bad escapes as they stand.
func formDecode(s string) (string, bool) { return decode(strings.ReplaceAll(s, "+", " ")), true }

// utf8Decode has a replacement character for what is no UTF-8.
func utf8Decode(s string) (string, bool) {
	s, _ = formDecode(s)
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		b.WriteRune(r)
		i += size
	}
	return b.String(), true
}

// strictDecode refuses bad escapes.
func strictDecode(s string) (string, bool) {
	s, err := url.QueryUnescape(s)
	return s, err == nil
}

// aspDecode also knows %uXXXX, and drops a "%" that escapes nothing.
func aspDecode(s string) (string, bool) {
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '%':
			b.WriteByte(s[i])
		case i+6 <= len(s) && s[i+1]|0x20 == 'u' && isHex(s[i+2:i+6]):
			n, _ := strconv.ParseUint(s[i+2:i+6], 16, 16)
			b.WriteString(string(utf16.Decode([]uint16{uint16(n)})))
			i += 5
		case i+3 <= len(s) && isHex(s[i+1:i+3]):
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		}
	}
	return b.String(), true
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// goQuery is (*url.URL).Query: what has a ";" or a bad escape is not there.
func goQuery(query string) url.Values {
	values, _ := url.ParseQuery(query)
	return values
}

// tomcatQuery is org.apache.tomcat.util.http.Parameters, which leaves out what
// it cannot decode, and HttpServletRequest.getParameter.
func tomcatQuery(query string) url.Values {
	return collect(split(query, "&"), strictDecode, lowest)
}

// phpQuery is php_default_treat_data and php_register_variable_ex.
func phpQuery(query string) url.Values {
	found := url.Values{}
	arrays := map[string]bool{}
	for _, p := range atMost(split(query, "&"), 1000) {
		name, _ := formDecode(p.name)
		value, _ := formDecode(p.value)
		name = strings.TrimLeft(cut(name, "\x00"), " ")
		base, index, array := strings.Cut(name, "[")
		if array && !strings.Contains(index, "]") {
			base, array = base+"_"+index, false
		}
		base = strings.NewReplacer(" ", "_", ".", "_").Replace(base)
		switch {
		case base == "":
		case array && arrays[base]:
			found.Add(base, value)
		default:
			found.Set(base, value)
			arrays[base] = array
		}
	}
	return found
}

// rack is Rack::Utils.parse_nested_query; a later name takes the place of an
// earlier one.
func rack(pairs []pair) url.Values {
	found := url.Values{}
	for _, p := range pairs {
		name, ok := utf8Decode(strings.TrimLeft(p.name, " "))
		value, _ := utf8Decode(p.value)
		name = strings.TrimLeft(name, "[]")
		base := cut(name, "[]")
		switch rest := name[len(base):]; {
		case base == "" || !ok:
		case strings.HasPrefix(rest, "[]"):
			found.Add(base, value)
		default:
			found.Set(base, value)
		}
	}
	return found
}

// qs is Express's extended parser: names with brackets are objects and arrays,
// a name given twice is an array.
func qs(query string) url.Values {
	found := url.Values{}
	for _, p := range atMost(split(query, "&"), 1000) {
		name, _ := utf8Decode(p.name)
		value, _ := utf8Decode(p.value)
		if base, _, ok := strings.Cut(name, "["); ok && base != "" && strings.Contains(name, "]") {
			name = base
		}
		found.Add(name, value)
	}
	return found
}

// fold is a collection whose names are alike in any case, and whose values are joined.
func fold(values url.Values, with string) url.Values {
	found := url.Values{}
	for name, all := range values {
		found[strings.ToLower(name)] = append(found[strings.ToLower(name)], all...)
	}
	return each(found, func(all []string) []string { return []string{strings.Join(all, with)} })
}

// nginxArg is $arg_name: the first in any case, compared and taken as it stands.
func nginxArg(query string) url.Values {
	found := url.Values{}
	for _, p := range split(query, "&") {
		if name := strings.ToLower(p.name); p.equals && !found.Has(name) {
			found.Set(name, decode(p.value))
		}
	}
	return found
}
