package bank

import (
	"fmt"
	"slices"
	"strings"
)

// intentLength is how long an intent's ID is: 80 random bits in base32.
const intentLength = 16

// referenceLength is how long our references are: RF, check digits, intent.
const referenceLength = 2 + 2 + intentLength

// mistypedLength is from how many characters after the check digits on a reference that
// is wrong may be one of ours, with two lost.
const mistypedLength = intentLength - 2

// Reference is the RF creditor reference (ISO 11649) of an intent. It needs no spaces;
// people may type some.
func Reference(intent string) (string, error) {
	if len(intent) != intentLength || !isBase32(intent) {
		return "", fmt.Errorf("an intent for a bank transfer has %d characters of A-Z and 2-7", intentLength)
	}
	return fmt.Sprintf("RF%02d%s", 98-mod97(intent+"RF00"), intent), nil
}

// ParseReference reads one reference as people write it and answers its intent. Spaces,
// punctuation and case do not matter.
func ParseReference(typed string) (intent string, ok bool) {
	s := alphanumerics(typed)
	if len(s) != referenceLength {
		return "", false
	}
	if intent, ok = referenceAt(s); !ok {
		return "", false
	}
	return intent, true
}

// references are what the texts of one transfer say that may concern us.
type references struct {
	intents  []string // of valid references, each once
	mistyped bool     // something looks like a reference of ours, and is none
}

// none reports whether the transfer has nothing to do with us.
func (r references) none() bool { return len(r.intents) == 0 && !r.mistyped }

// single is the one intent that the transfer is for, "" if there is none or several.
func (r references) single() string {
	if len(r.intents) != 1 {
		return ""
	}
	return r.intents[0]
}

// field reads a field that holds one reference and nothing else. A valid one that is not
// ours belongs to an invoice of the publisher.
func (r *references) field(text string) {
	s := alphanumerics(text)
	if _, ours := ParseReference(s); !ours && strings.HasPrefix(s, "RF") && len(s) > 4 && mod97(s[4:]+s[:4]) == 1 {
		return
	}
	r.text(s)
}

// text finds references in free text. Banks cut it into lines anywhere, so spaces count
// for nothing.
func (r *references) text(text string) {
	s := alphanumerics(text)
	for i := 0; i+4+mistypedLength <= len(s); i++ {
		if s[i] != 'R' || s[i+1] != 'F' {
			continue
		}
		if i+referenceLength <= len(s) {
			if intent, ok := referenceAt(s[i : i+referenceLength]); ok {
				if !slices.Contains(r.intents, intent) {
					r.intents = append(r.intents, intent)
				}
				i += referenceLength - 1
				continue
			}
		}
		r.mistyped = r.mistyped || looksMistyped(s[i:])
	}
}

// referenceAt checks what is exactly as long as a reference, in capitals.
//
// The check digits show every wrong letter, every wrong digit, and every swap of
// neighbours of one sort; of letters typed for digits and the reverse, one in 97 passes.
// That is the reference of no intent, as of 80 random bits each: nobody is credited.
func referenceAt(s string) (intent string, ok bool) {
	intent = s[4:]
	valid, err := Reference(intent)
	return intent, err == nil && s == valid
}

// looksMistyped reports whether s, which begins with RF, goes on like a reference: check
// digits, of which letters O and I may be some, and characters that are not all digits,
// as in references of invoices.
func looksMistyped(s string) bool {
	check, body := s[2:4], s[4:4+mistypedLength]
	return strings.Trim(check, "0123456789OI") == "" && strings.ContainsAny(check, "0123456789") &&
		strings.Trim(body, "0123456789") != ""
}

// alphanumerics are the ASCII letters, as capitals, and digits of s.
func alphanumerics(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

// isBase32 reports whether s is of A-Z and 2-7 only, as intents are.
func isBase32(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// mod97 is the remainder of ISO 7064 for capitals and digits: A counts as 10, Z as 35.
// What has right check digits, moved to its end, leaves 1.
func mod97(s string) int {
	rest := 0
	for _, c := range []byte(s) {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest
}
