package caddymodule

import (
	"fmt"
	"strconv"

	"github.com/tuppence/tuppence/paywall/teaser"
)

// Teaser says how much of a page is shown to people who have not paid: status
// 200 and the site's own page, cut, with the offer in the place of the rest.
// The text after the cut goes from the whole page, and so do its scripts,
// hidden data, players, and links to the text in another form. Other clients get the 402 as without it. Only
// HTML pages of up to 1 MiB that carry the resource's own name are shown; where
// nothing can be, readers are sent to the purchase page, and the log says why.
type Teaser struct {
	// A CSS selector for the elements that hold the text: "article",
	// ".post .body". All that match are one text, in the order of the page.
	Selector string `json:"selector"`

	// How many paragraphs stay. Those in a header, aside or figure stay along
	// and are not counted. Never more than half of the words.
	Paragraphs int `json:"paragraphs,omitempty"`

	// How many words stay, in the place of paragraphs. Never more than half.
	Words int `json:"words,omitempty"`
}

func (t *Teaser) cutter() (*teaser.Cutter, error) {
	if t == nil {
		return nil, nil
	}
	cutter, err := teaser.NewCutter(teaser.Rule{Selector: t.Selector, Paragraphs: t.Paragraphs, Words: t.Words})
	if err != nil {
		return nil, fmt.Errorf("teaser: %w", err)
	}
	return cutter, nil
}

// teaser parses: teaser <selector> { paragraphs <count> | words <count> }
func (p *directiveParser) teaser() error {
	t := new(Teaser)
	begin := source(p.Dispenser)
	if args := p.RemainingArgs(); len(args) == 1 {
		t.Selector = args[0]
	} else {
		return p.Errf("teaser needs one selector, such as: teaser article; put one with spaces or a # in quotes")
	}
	given := false
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if given {
			return p.Errf("teaser takes one line in its block: write paragraphs 3, or words 100")
		}
		given = true
		if err := p.teaserLength(t); err != nil {
			return err
		}
	}
	if !given {
		return p.Errf("teaser needs a block that says how much stays: write paragraphs 3, or words 100")
	}
	if _, err := t.cutter(); err != nil {
		return atSource(begin, err)
	}
	p.handler.Teaser = t
	return nil
}

func (p *directiveParser) teaserLength(t *Teaser) error {
	word, args := p.Val(), p.RemainingArgs()
	if word != "paragraphs" && word != "words" {
		return p.Errf("%s", unknown("subdirective of teaser", word, teaserWords))
	}
	if len(args) != 1 {
		return p.Errf("wrong argument count: write %s 3", word)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n <= 0 {
		return p.Errf("%s %q is not a whole number above zero", word, args[0])
	}
	if word == "words" {
		t.Words = n
	} else {
		t.Paragraphs = n
	}
	return p.noBlock(word)
}
