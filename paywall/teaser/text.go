package teaser

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"

	"golang.org/x/net/html/charset"
)

// sniffed is how far a page's own declaration of its character encoding may
// stand from its beginning, in bytes (HTML, 4.2.5.5).
const sniffed = 1024

// The joiners are invisible, but spell something in Persian, Indic scripts and emoji.
const zwnj, zwj = '\u200c', '\u200d'

// Decode turns a page into UTF-8. contentType is the response's header, may be
// empty. A page that does not say what it is counts as UTF-8: nearly all are,
// and what is not valid shows as replacement characters.
func Decode(r io.Reader, contentType string) io.Reader {
	buffered := bufio.NewReaderSize(r, sniffed)
	start, _ := buffered.Peek(sniffed) // a short page, or an error that reading on meets again
	encoding, name, certain := charset.DetermineEncoding(start, contentType)
	declared := certain || bytes.Contains(bytes.ToLower(start), []byte("charset"))
	if name == "utf-8" || !declared { // undeclared ASCII is taken for windows-1252
		_, _ = buffered.Discard(len(byteOrderMark(start)))
		return buffered
	}
	return encoding.NewDecoder().Reader(buffered)
}

func byteOrderMark(start []byte) []byte {
	mark := []byte("\ufeff")
	if bytes.HasPrefix(start, mark) {
		return mark
	}
	return nil
}

// plain makes one short line of plain text: white space collapses, and control
// and format characters go, among them the direction overrides that could make
// a title read as something else on the purchase page.
func plain(s string, most int) string {
	var b strings.Builder
	n, last, space := 0, 0, false // last: where the last rune that may stay begins
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != zwnj && r != zwj:
			continue
		}
		if space {
			space = false
			if n++; n == most {
				last = b.Len()
			}
			b.WriteByte(' ')
		}
		if n++; n == most {
			last = b.Len()
		}
		if n > most {
			return strings.TrimRight(b.String()[:last], " ") + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

// countWords counts the words that begin in a run of text. A word holds a letter
// or a digit; Chinese and Japanese are counted by the character, as word processors
// do, and scripts without spaces by the length. continued says that the text before
// ended within a word, open that this one does.
func countWords(s string, continued bool) (n int, open bool) {
	open = scanWords(s, continued, func(int) bool { n++; return true })
	return n, open
}

// unspacedWord is how many letters a word of an unspaced script has, about.
const unspacedWord = 4

// scanWords calls begin with the place of each word that begins in a run of
// text, until it says to stop.
func scanWords(s string, open bool, begin func(at int) bool) bool {
	letters := 0 // of an unspaced script, in a row
	before := rune(0)
	for i, r := range s {
		switch {
		case unspaced(r):
			open = false
			if unicode.IsMark(r) || joins(before) {
				break
			}
			if letters++; letters%unspacedWord == 1 && !begin(i) {
				return open
			}
		case unicode.IsSpace(r):
			open, letters = false, 0
		case ideograph(r):
			if !begin(i) {
				return open
			}
			open, letters = false, 0
		case !open && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if !begin(i) {
				return open
			}
			open, letters = true, 0
		}
		before = r
	}
	return open
}

// ideograph reports whether a character counts as a word.
func ideograph(r rune) bool {
	return r >= 0x2e80 && (unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r))
}

// unspaced reports whether a character is of a script that has no spaces between
// words. Unicode leaves their words to dictionaries (line breaking class SA of UAX
// 14); without one, its word segmentation (UAX 29) ends a word after each letter
// with its marks. They are counted and compared by such letters.
func unspaced(r rune) bool {
	return r >= 0xe00 && unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tai_Le,
		unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet, unicode.Ahom)
}

// joins reports whether the letter after a character belongs to it: after a vowel
// that is written before its consonant, and after what stacks consonants.
func joins(r rune) bool {
	return r >= 'เ' && r <= 'ไ' || r >= 'ເ' && r <= 'ໄ' || r == '\u17d2' || r == '\u1039' || r == '\u1a60'
}
