package bank

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
)

// nameLength is how long a payee's name may be at a bank, in characters.
const nameLength = 70

// nameCharacters are those that every bank in SEPA takes (EPC217-08), besides letters
// and digits.
const nameCharacters = "/-?:().,'+ "

// spelledOut is how characters outside of that set are written (EPC217-08, annex).
var spelledOut = strings.NewReplacer(
	"ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "ẞ", "SS",
	"æ", "ae", "Æ", "AE", "ø", "o", "Ø", "O", "œ", "oe", "Œ", "OE", "å", "a", "Å", "A",
	"ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "þ", "th", "Þ", "TH", "ð", "d", "ı", "i",
	"&", "+", "–", "-", "—", "-", "_", "-", "’", "'", "‘", "'", "`", "'", "´", "'",
	"\"", "'", "“", "'", "”", "'", "„", "'", "!", ".", ";", ",", "@", "(at)", "€", "EUR",
)

// code is what banking apps read from the QR code (EPC069-12, version 002, UTF-8, with
// a structured reference). The last two lines, which are empty, are left out.
func (w *Way) code(reference string, amount paywall.Money) string {
	return strings.Join([]string{
		"BCD", "002", "1", "SCT", w.config.BIC, w.config.Name, w.config.IBAN,
		"EUR" + amount.String(), "", reference,
	}, "\n")
}

// checkName answers the payee's name with single spaces.
func checkName(typed string) (string, error) {
	name := strings.Join(strings.Fields(typed), " ")
	n := utf8.RuneCountInString(name)
	switch {
	case name == "":
		return "", errors.New("the account holder's name is missing; write it as it is registered at the bank, which compares it with what readers send")
	case !utf8.ValidString(name):
		return "", errors.New("the account holder's name is not UTF-8; save the configuration as UTF-8")
	case n > nameLength:
		return "", fmt.Errorf("the account holder's name has %d characters, and banks take %d; write the first %d", n, nameLength, nameLength)
	case strings.HasPrefix(name, "/"), strings.HasSuffix(name, "/"), strings.Contains(name, "//"):
		return "", fmt.Errorf("banks take no name that begins or ends with a slash or has two in a row: %q; leave them out", name)
	}
	i := strings.IndexFunc(name, func(r rune) bool { return !isNameCharacter(r) })
	if i < 0 {
		return name, nil
	}
	bad, _ := utf8.DecodeRuneInString(name[i:])
	spelled := spell(name)
	if strings.IndexFunc(spelled, func(r rune) bool { return !isNameCharacter(r) }) >= 0 || utf8.RuneCountInString(spelled) > nameLength {
		return "", fmt.Errorf("not every bank takes %q in a name; write the account holder's name with letters A-Z, digits, spaces and / - ? : ( ) . , ' + only", bad)
	}
	return "", fmt.Errorf("not every bank takes %q in a name; write %q", bad, spelled)
}

func isNameCharacter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(nameCharacters, r)
}

// spell writes a name with the characters that every bank takes, as far as it can: what
// is left of a letter is the letter without its accents.
func spell(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(spelledOut.Replace(norm.NFC.String(name))))
}
