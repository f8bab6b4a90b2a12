package gate

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An address gives something away if it holds what its reader can neither know nor
// guess. Words that people write are no secrets, nor is what was asked for itself,
// nor are a few digits: an article's number can be counted up to.

// guessable is how much of an address may be neither, in digits.
const guessable = 8

// longestWord is longer than those of most languages that are written in ASCII.
const longestWord = 24

// knowledge is what a client knows of the site's addresses.
type knowledge struct {
	base *url.URL
	sent url.Values
	text string // in lower case
}

func newKnowledge(r *http.Request, base *url.URL) *knowledge {
	sent := r.URL.Query()
	text := base.Host + base.Path
	for _, list := range sent {
		text += " " + strings.Join(list, " ")
	}
	return &knowledge{base, sent, strings.ToLower(text)}
}

// queryCost is more than guessable also for what looks like the query of a signed address.
func (k *knowledge) queryCost(query string) (cost int) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return guessable + 1
	}
	for key, list := range values {
		for i, value := range list {
			if i < len(k.sent[key]) && k.sent[key][i] == value {
				continue // the client's own
			}
			value = decoded(value)
			if len(value) > 1 && signs(key) || k.leadsToContent(value) {
				return guessable + 1
			}
			cost += k.cost(key) + k.cost(value)
		}
	}
	return cost
}

// fragmentCost is for what browsers keep to themselves and hand to a page's script.
func (k *knowledge) fragmentCost(fragment string) int {
	if strings.Contains(fragment, "=") {
		return k.queryCost(fragment)
	}
	if fragment = decoded(fragment); k.leadsToContent(fragment) {
		return guessable + 1
	}
	return k.cost(fragment)
}

// leadsToContent reports whether a value is an address on another host, or of a file.
func (k *knowledge) leadsToContent(value string) bool {
	if strings.HasPrefix(value, "//") || strings.ContainsAny(value, `:\`) {
		target, ok := readAlike(k.base, value)
		if !ok || !sameSite(k.base, target) {
			return true
		}
		value = target.Path
	}
	path, _, _ := strings.Cut(value, "?")
	return path != k.base.Path && namesFile(path)
}

// decoded is what is left when all is decoded: an address within another's.
func decoded(value string) string {
	for range 4 {
		next, err := url.PathUnescape(value)
		if err != nil || next == value {
			break
		}
		value = next
	}
	return value
}

// cost is what it takes to guess a text, decoded, in digits.
func (k *knowledge) cost(text string) (cost int) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return guessable + 1
	}
	date := 0 // how many parts of one were found
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return !unicode.In(c, unicode.L, unicode.M, unicode.Nd) }) {
		n := wordCost(word)
		switch {
		case n == 0 || strings.Contains(k.text, strings.ToLower(word)):
		case date == 0 && isYear(word), date > 0 && date < 3 && n <= 2 && isNumber(word):
			date++
		default:
			cost += n
		}
	}
	return cost
}

func isNumber(word string) bool { return strings.Trim(word, "0123456789") == "" }

func isYear(word string) bool {
	return len(word) == 4 && isNumber(word) && (word[:2] == "19" || word[:2] == "20")
}

// wordCost is that of a run of letters and digits: nothing if it is a written word.
// A digit more or less is part of a word ("page2", "p1", "2nd").
func wordCost(word string) int {
	name, unit := strings.TrimRightFunc(word, unicode.IsDigit), strings.TrimLeftFunc(word, unicode.IsDigit)
	length, letters := utf8.RuneCountInString(word), utf8.RuneCountInString(name)
	switch {
	case name == "":
		return length
	case written(name) && (letters > 2 || letters == length):
		return length - letters
	case written(name), written(unit) && utf8.RuneCountInString(unit) <= 2:
		return length
	}
	return 2 * length
}

// written reports whether letters have the form of a word: in small letters, or with
// a capital or two at the beginning of its parts ("JavaScript"), or short and all in
// capitals.
func written(word string) bool {
	letters, capitals, part, short, ascii := 0, 0, 3, false, true
	for _, c := range word {
		if unicode.IsDigit(c) {
			return false
		}
		if unicode.IsUpper(c) {
			short = short || part < 3
			capitals, part = capitals+1, 0
		}
		letters++
		part++
		ascii = ascii && c < utf8.RuneSelf
	}
	switch {
	case capitals > 0 && capitals == letters:
		return letters <= 6
	case capitals > 2 || capitals == 2 && (short || part < 3):
		return false
	}
	return letters <= longestWord || !ascii
}

// signs reports whether a parameter is one by which signed addresses are known.
func signs(key string) bool {
	key = strings.ToLower(key)
	for _, word := range [...]string{"sig", "token", "expire", "hmac", "hash", "policy", "amz", "goog", "key", "credential", "secret", "auth", "ticket", "verify", "nonce", "pass"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	switch key {
	case "exp", "st", "se", "sp", "sv", "sr", "md5", "e", "s", "h", "k", "t", "jwt", "access", "hdnts", "hdnea", "download", "file", "response-content-disposition":
		return true
	}
	return false
}
