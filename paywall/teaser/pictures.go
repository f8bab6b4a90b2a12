package teaser

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Pictures after the cut are known again by the names of their files, whatever
// the size, the format and the server that delivers it.

const (
	// plainName is from which length on the name of a file is nobody else's.
	// Shorter ones ("1.jpg") are taken together with their folder.
	plainName = 6
	// maxFileName is the longest name that is looked at, in bytes.
	maxFileName = 200
)

var (
	pictureFormat = regexp.MustCompile(`(?i)\.(?:jpe?g|jfif|png|webp|avif|gif|svg|heic|heif|tiff?|bmp|jxl)$`)
	pictureSize   = regexp.MustCompile(`(?i)(?:[-_@](?:\d{2,4}x\d{1,4}|\d{2,4}(?:w|px)?|[1-4](?:\.\d)?x|scaled|thumb|thumbnail|small|medium|large|xlarge|full)|_hu[0-9a-z_]{6,}.*)+$`)
	styledPicture = regexp.MustCompile(`(?i)(?:url|image-set)\([^)]*\)`)
)

// addPictures takes the pictures in a part of a page, removePictures gives them free.
func (t *taken) addPictures(n *html.Node) {
	eachPicture(n, func(name string) { t.pictures[name] = struct{}{} })
}

func (t *taken) removePictures(n *html.Node) {
	eachPicture(n, func(name string) { delete(t.pictures, name) })
}

// eachPicture names the pictures below a node: what elements load, link or paint.
func eachPicture(root *html.Node, each func(name string)) {
	visit := func(n *html.Node) {
		loads := n.DataAtom == atom.Img || n.DataAtom == atom.Source || n.Data == "amp-img" || n.Data == "image"
		for _, a := range n.Attr {
			address := loads && (a.Key == "src" || a.Key == "srcset" || a.Key == "href" || strings.HasPrefix(a.Key, "data-"))
			for _, spelling := range []string{a.Val, unescape(a.Val)} {
				eachFile(spelling, func(name, folder string, picture bool) {
					if picture || address && len(name) > plainName {
						each(fileKey(name, folder))
					}
				})
			}
		}
	}
	visit(root)
	for n := range root.Descendants() {
		visit(n)
	}
}

// eachFile names the files that stand in a text, as parts of addresses. Names are
// in lower case, without what tells sizes and formats of one picture apart.
func eachFile(text string, each func(name, folder string, picture bool)) {
	folder := ""
	for part := range strings.FieldsFuncSeq(text, endsFileName) {
		if len(part) > maxFileName {
			folder = ""
			continue
		}
		stem := pictureFormat.ReplaceAllString(part, "")
		picture := len(stem) < len(part)
		if short := pictureSize.ReplaceAllString(stem, ""); short != "" {
			stem = short
		}
		each(strings.ToLower(stem), folder, picture)
		folder = strings.ToLower(part)
	}
}

func endsFileName(r rune) bool {
	return r <= ' ' || strings.ContainsRune(`/?#&="'(),:;<>\|`, r)
}

func fileKey(name, folder string) string {
	if len(name) >= plainName {
		return name
	}
	return folder + "/" + name
}

// shows reports whether a value leads, in any spelling, to a picture that was taken.
func (t *taken) shows(value string) bool {
	if len(t.pictures) == 0 || !strings.ContainsAny(value, "/.=%") && len(value) < 2*plainName {
		return false
	}
	found := false
	complete := spellings(value, &t.left, func(spelling string) bool {
		eachFile(spelling, func(name, folder string, picture bool) {
			_, hit := t.pictures[fileKey(name, folder)]
			found = found || hit && (picture || len(name) > plainName)
		})
		return !found
	})
	return found || !complete
}

// restyle takes the pictures that were taken out of a style sheet.
func (t *taken) restyle(sheet string) string {
	if len(t.pictures) == 0 {
		return sheet
	}
	return styledPicture.ReplaceAllStringFunc(sheet, func(address string) string {
		if t.shows(address) {
			return "none"
		}
		return address
	})
}
