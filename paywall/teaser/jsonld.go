package teaser

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// CutClass is the class of the element that stands in the place of what was
// taken, and by which structured data calls it.
const CutClass = "paywall-cut"

// What schema.org calls a page is kept if it says what the page is, not what it
// tells: never articleBody, text, description, keywords, abstract.
var keptProperties = setOf("@context", "@type", "@id", "@graph", "headline", "alternativeHeadline", "name", "url", "mainEntity",
	"mainEntityOfPage", "image", "thumbnailUrl", "width", "height", "datePublished", "dateModified", "dateCreated", "author",
	"creator", "editor", "publisher", "sourceOrganization", "logo", "sameAs", "jobTitle", "inLanguage", "isPartOf", "articleSection",
	"breadcrumb", "itemListElement", "position", "item", "wordCount", "timeRequired", "copyrightYear", "copyrightHolder", "license")

// maxProperty is the longest value of a property, in bytes.
const maxProperty = 512

// structuredData makes a <script> fit to stay: only JSON-LD can be.
func (k *keeper) structuredData(n *html.Node) bool {
	if media, _, _ := strings.Cut(attr(n, "type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/ld+json") || n.FirstChild == nil {
		return false
	}
	var data any
	d := json.NewDecoder(strings.NewReader(n.FirstChild.Data))
	d.UseNumber()
	if d.Decode(&data) != nil {
		return false
	}
	data = k.property(data)
	k.mark(data)
	n.Attr = []html.Attribute{{Key: "type", Val: "application/ld+json"}}
	return setJSON(n, data)
}

// property is what stays of a value, nil if nothing does.
func (k *keeper) property(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := make(map[string]any)
		for name, inner := range v {
			if !keptProperties[name] {
				continue
			}
			if inner = k.property(inner); inner != nil && (!pictureProperties[name] || !nameless(inner)) {
				kept[name] = inner
			}
		}
		return kept
	case []any:
		kept := make([]any, 0, len(v))
		for _, inner := range v {
			if inner = k.property(inner); inner != nil {
				kept = append(kept, inner)
			}
		}
		return kept
	case string:
		if len(v) > maxProperty || k.taken.in(v) || k.taken.shows(v) || k.elsewhere(v) {
			return nil
		}
	}
	return value
}

var pictureProperties = setOf("image", "thumbnailUrl", "logo")

// nameless reports whether nothing is left of a picture, or of several, but its size.
func nameless(value any) bool {
	switch v := value.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(one any) bool { return !nameless(one) })
	case map[string]any:
		return v["url"] == nil && v["@id"] == nil
	}
	return false
}

// elsewhere reports whether a value is the address of another form of the page.
func (k *keeper) elsewhere(value string) bool {
	return (strings.Contains(value, "://") || strings.HasPrefix(value, "/")) && k.resource.otherForm(value)
}

// mark says of the page's own article that it is not free, as Google documents
// it (Search Central, "Structured data for subscription and paywalled content").
func (k *keeper) mark(value any) {
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			k.mark(inner)
		}
	case map[string]any:
		if isArticle(v["@type"]) {
			notFree(v)
			k.marked = true
			return
		}
		k.mark(v["@graph"])
		k.mark(v["mainEntity"])
	}
}

func notFree(article map[string]any) {
	article["isAccessibleForFree"] = false
	article["hasPart"] = map[string]any{"@type": "WebPageElement", "isAccessibleForFree": false, "cssSelector": "." + CutClass}
}

// isArticle: Article and what schema.org derives from it, and the other kinds
// of work that Google takes the mark for.
func isArticle(kind any) bool {
	switch v := kind.(type) {
	case []any:
		for _, one := range v {
			if isArticle(one) {
				return true
			}
		}
	case string:
		switch v {
		case "CreativeWork", "Report", "Review", "Course", "HowTo", "Recipe":
			return true
		}
		return strings.HasSuffix(v, "Article") || strings.HasSuffix(v, "Posting")
	}
	return false
}

// newStructuredData is for a page that has none about its article.
func (k *keeper) newStructuredData() (*html.Node, bool) {
	article := map[string]any{"@context": "https://schema.org", "@type": "Article"}
	if k.title != "" {
		article["headline"] = k.title
	}
	notFree(article)
	n := element("script", html.Attribute{Key: "type", Val: "application/ld+json"})
	return n, setJSON(n, article)
}

// setJSON writes a value into a script: "<" is escaped, so that nothing ends it.
func setJSON(n *html.Node, value any) bool {
	var b bytes.Buffer
	if json.NewEncoder(&b).Encode(value) != nil {
		return false
	}
	setText(n, b.String())
	return true
}
