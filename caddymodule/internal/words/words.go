// Package words is what all parsers of the glue say alike: where in a file something
// stands, and which word was meant.
package words

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// Resolve replaces placeholders such as {env.PRICE}; one that is unknown or empty
// is an error. Visitors have no part in what is resolved.
func Resolve(s string) (string, error) {
	if !strings.Contains(s, "{") {
		return s, nil
	}
	return caddy.NewReplacer().ReplaceOrErr(s, true, true)
}

// Source is where the current token stands. The folder is left out: it would
// tell readers of /config/ about the machine, and people know their file.
func Source(d *caddyfile.Dispenser) string {
	return fmt.Sprintf("%s:%d", filepath.Base(d.File()), d.Line())
}

// AtSource says where in a config file an error stands, as Caddy does, unless
// the error says so itself.
func AtSource(source string, err error) error {
	if _, placed := errors.AsType[*pricing.RuleError](err); placed {
		return err
	}
	return &pricing.RuleError{Source: source, Err: err}
}

// Unknown is the message for a word that a block does not know: the word that it
// resembles, or all that there are.
func Unknown(kind, word string, words []string) string {
	message := "unrecognized " + kind + ": " + word
	if near := nearest(word, words); near != "" {
		return message + "; did you mean " + near + "?"
	}
	return message + "; write one of: " + strings.Join(words, ", ")
}

// nearest is the word that another is most likely a misspelling of, "" if none is.
func nearest(word string, words []string) string {
	plain := func(s string) string { return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s)) }
	best, least := "", 3
	for _, candidate := range words {
		distance := editDistance(plain(word), plain(candidate))
		if distance < least && distance*2 < len(candidate) {
			best, least = candidate, distance
		}
	}
	return best
}

// editDistance is how many letters must be added, removed or replaced, or
// swapped with the next, to make one word of the other (optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			rows[i][j] = min(replaced, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
