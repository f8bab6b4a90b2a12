package caddymodule

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
)

// Words of each block, for whoever misspells one.
var (
	priceWords  = []string{"per", "share", "access"}
	teaserWords = []string{"paragraphs", "words"}
	globalWords = []string{"currency", "storage", "welcome", "refund", "limits", "topup", "ui"}
	uiWords     = []string{"name", "logo", "accent", "languages", "templates"}
)

var uiExamples = map[string]string{
	"name": `name "The Ferry"`, "logo": "logo /logo.svg", "accent": `accent "#7a1f4d"`, "languages": "languages en de", "templates": "templates /etc/tuppence/templates",
}

// siteWords are the words that a directive's block knows.
func siteWords() []string {
	return append([]string{"free", "price"}, slices.Sorted(maps.Keys(once))...)
}

// caddyWords are directives of Caddy that often follow the paywall's block, and
// whose handlers have other names.
var caddyWords = []string{
	"basic_auth", "forward_auth", "handle_errors", "handle_path", "handle", "header", "import", "log", "php_fastcgi", "redir",
	"request_header", "respond", "root", "route", "tls", "try_files", "uri",
}

// unknownSubdirective says of a word what it may have been meant to be.
func (p *directiveParser) unknownSubdirective(word string) string {
	switch {
	case slices.Contains(priceWords, word):
		return word + " belongs into the block of a price; write it below price 0.20 {, on a line of its own"
	case slices.Contains(globalWords, word):
		return word + " is for all sites; write it into the block of paywall in the global options, at the head of the file"
	case isDirective(word):
		return "unrecognized subdirective: " + word + "; is a } missing before this line?"
	}
	return words.Unknown("subdirective", word, siteWords())
}

// isDirective reports whether a word is one of Caddy's own directives.
func isDirective(word string) bool {
	_, err := caddy.GetModule("http.handlers." + word)
	return err == nil || slices.Contains(caddyWords, word)
}

// units are the words in which people write a duration, and what Caddy calls them.
var units = map[string]string{
	"second": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y",
}

// duration reads the arguments of a line that takes one duration.
func duration(d *caddyfile.Dispenser, word string, args []string) (time.Duration, error) {
	text := strings.Join(args, "")
	if len(args) == 0 {
		return 0, d.Errf("%s needs a duration; write: %s 30d", word, word)
	}
	value, err := caddy.ParseDuration(text)
	if err == nil && len(args) == 1 {
		return value, nil
	}
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz")
	unit := strings.TrimSuffix(text[len(number):], "s")
	count, err := strconv.Atoi(number)
	if short := cmp.Or(units[unit], text[len(number):]); err == nil && short != "" {
		if days := map[string]int{"w": 7, "mo": 30, "y": 365}[short]; days > 0 && count > 0 && count < 1000 {
			count, short = count*days, "d"
		}
		if _, err := caddy.ParseDuration(strconv.Itoa(count) + short); err == nil {
			return 0, d.Errf("%s %s is not a duration; write it in one word: %s %d%s", word, strings.Join(args, " "), word, count, short)
		}
	}
	return 0, d.Errf("%s %q is not a duration such as 30m, 24h or 30d", word, strings.Join(args, " "))
}

// perMonth parses the rest of a line: <count> per month
func perMonth(d *caddyfile.Dispenser) (int, error) { return countPer(d, "month", 5) }

func countPer(d *caddyfile.Dispenser, period string, example int) (int, error) {
	word, args := d.Val(), d.RemainingArgs()
	if len(args) != 3 || args[1] != "per" || args[2] != period {
		return 0, d.Errf("%s needs a number and its time; write: %s %d per %s", word, word, example, period)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n <= 0 || n > math.MaxInt32 {
		return 0, d.Errf("%s %q is not a whole number above zero", word, args[0])
	}
	return n, nil
}
