package teaser

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// Attributes whose values may be longer than what says nothing, in bytes.
const (
	maxUnknown = 40
	maxName    = 1024
	maxPhrase  = 256
	maxAddress = 2048
	maxDrawing = 16 << 10
)

var longAttributes = map[string]int{
	"class": maxName, "id": maxName, "style": maxName, "media": maxName, "sizes": maxName, "rel": maxName, "integrity": maxName,
	"alt": maxPhrase, "title": maxPhrase, "aria-label": maxPhrase, "placeholder": maxPhrase, "label": maxPhrase, "value": maxPhrase,
	"aria-labelledby": maxPhrase, "aria-controls": maxPhrase, "aria-describedby": maxPhrase, "for": maxPhrase, "name": maxPhrase,
	"itemtype": maxPhrase, "enctype": maxPhrase, "nonce": maxPhrase, "type": maxPhrase, "transform": maxPhrase,
	"href": maxAddress, "src": maxAddress, "action": maxAddress, "background": maxAddress, "poster": maxAddress, "cite": maxAddress, "srcset": 2 * maxAddress,
	"imagesrcset": 2 * maxAddress, "d": maxDrawing, "points": maxDrawing,
}

// emptyAttributes mean something without a value. Others are likely to be the
// words of a text in quotes that had a quote in it.
var emptyAttributes = setOf("open", "checked", "selected", "disabled", "required", "readonly", "multiple", "controls", "autoplay",
	"loop", "muted", "playsinline", "reversed", "crossorigin", "itemscope", "inert", "download", "novalidate", "defer", "async")

var attributeName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_:.-]*$`)

// attribute reports whether an attribute may stay. Of a custom element, whose
// attributes only its script understands, what could name a file or a number goes.
func (k *keeper) attribute(a html.Attribute, custom bool) bool {
	if len(a.Key) > maxUnknown || !attributeName.MatchString(a.Key) ||
		a.Val == "" && !emptyAttributes[a.Key] && longAttributes[a.Key] == 0 && !strings.HasPrefix(a.Key, "data-") {
		return false
	}
	most := longAttributes[a.Key]
	if most == 0 {
		most = maxUnknown
	}
	value := strings.ToLower(strings.TrimSpace(a.Val))
	switch {
	case len(a.Val) > most, strings.HasPrefix(a.Key, "on"), a.Key == "srcdoc", a.Key == "target", a.Key == "ping", a.Key == "formaction",
		strings.HasPrefix(value, "javascript:"), strings.HasPrefix(value, "data:") && !strings.HasPrefix(value, "data:image/"):
		return false
	case longAttributes[a.Key] == 0 && strings.Contains(value, "/"), custom && !lookAttributes[a.Key] && !plainValue.MatchString(value):
		return false // an address that only a script would use
	case formats.MatchString(value), strings.HasPrefix(a.Key, "data-") && playerElement.MatchString(a.Key), leadAttributes[a.Key] && k.elsewhere(value):
		return false
	}
	return !k.taken.in(a.Val) && !k.taken.shows(a.Val)
}

// leadAttributes lead to a page, as a link does.
var leadAttributes = setOf("action", "value", "cite")

// lookAttributes mean the same on every element.
var lookAttributes = setOf("class", "id", "style", "title", "lang", "dir", "role", "slot", "aria-label", "aria-labelledby", "aria-describedby")

var plainValue = regexp.MustCompile(`^[a-z -]{0,16}$`)
