package page

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// Languages the pages are written in, in the order of the switch at their foot.
var Languages = []string{"en", "de", "fr", "es", "nl", "ar", "he"}

// ownNames are the languages in their own words.
var ownNames = map[string]string{
	"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "nl": "Nederlands", "ar": "العربية", "he": "עברית",
}

// catalogues are the languages by tag. Each is read when a page first needs it:
// all of them take 8 ms (measured), and no start should wait for that.
var catalogues = func() map[string]func() *Catalogue {
	all := make(map[string]func() *Catalogue, len(Languages))
	for _, tag := range Languages {
		all[tag] = sync.OnceValue(func() *Catalogue { return newCatalogue(tag) })
	}
	return all
}()

// English is what programs read, and what templates are checked with.
func English() *Catalogue { return catalogues["en"]() }

// LanguageSet is the languages of one site.
type LanguageSet struct {
	tags    []string // the first is for those who want none of them
	matcher language.Matcher
}

// NewLanguageSet takes a choice of [Languages]; none are all. Errors say what to
// write instead.
func NewLanguageSet(tags []string) (*LanguageSet, error) {
	if len(tags) == 0 {
		tags = Languages
	}
	s := &LanguageSet{tags: tags}
	var matched []language.Tag
	for i, tag := range tags {
		if catalogues[tag] == nil {
			return nil, fmt.Errorf("there are no pages in the language %q; write some of %s", tag, strings.Join(Languages, " "))
		}
		if slices.Contains(tags[:i], tag) {
			return nil, fmt.Errorf("the language %q is given twice; write it once", tag)
		}
		matched = append(matched, language.Make(tag))
	}
	s.matcher = language.NewMatcher(matched)
	return s, nil
}

// Named is the catalogue of a tag of the set, nil for others.
func (s *LanguageSet) Named(tag string) *Catalogue {
	if !slices.Contains(s.tags, tag) {
		return nil
	}
	return catalogues[tag]()
}

// maxAcceptLanguage bounds what is parsed. Browsers send less than 200 bytes.
const maxAcceptLanguage = 1024

// Accepted is the language that suits an Accept-Language best (RFC 9110, 12.5.4).
func (s *LanguageSet) Accepted(header string) *Catalogue {
	i := 0
	if len(header) <= maxAcceptLanguage {
		if wanted, _, err := language.ParseAcceptLanguage(header); err == nil {
			_, i, _ = s.matcher.Match(wanted...)
		}
	}
	return catalogues[s.tags[i]]()
}

// Choice is a language to choose.
type Choice struct{ Tag, Name string }

// Choices are the languages of the set in their own words, nil if there is only one.
func (s *LanguageSet) Choices() []Choice {
	if len(s.tags) < 2 {
		return nil
	}
	choices := make([]Choice, len(s.tags))
	for i, tag := range s.tags {
		choices[i] = Choice{tag, ownNames[tag]}
	}
	return choices
}
