package caddymodule

import (
	"errors"
	"fmt"

	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/paywall/gate"
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

// provisionCrawlers sets up who reads without paying because a search engine sends it.
func (h *Handler) provisionCrawlers() error {
	if h.Crawlers == nil {
		return nil
	}
	if requests.TrustsClientAddress(h.place.Server) {
		return errors.New("crawlers are told by their addresses, and behind trusted_proxies clients can write one of Google's into X-Forwarded-For; add trusted_proxies_strict to the server's options")
	}
	var err error
	h.bots, err = gate.NewCrawlers(h.Crawlers, h.dns, requests.ProvenAddr)
	return err
}
