package gate

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tuppence/tuppence/paywall/teaser"
)

const (
	// pageTTL is how long the answer to a probe is believed. That something is
	// not there is believed for shorter: articles get published.
	pageTTL   = 60 * time.Second
	absentTTL = 5 * time.Second
	// maxPages bounds what is remembered: so many pages, or fewer when parts of
	// them are shown. One weighs pageWeight bytes.
	maxPages   = 8192
	pageWeight = 4 << 10
	// maxVary is how many headers a page may depend on and still be told apart.
	maxVary = 8
)

// page is what the site said about one target when the gate asked for it.
type page struct {
	sellable     bool // it delivers something (2xx), or redirects to where it is
	head         teaser.Head
	opener       string   // Cross-Origin-Opener-Policy
	vary         []string // headers of a reader's that it was made for
	variant      pageKey  // and what they said
	cut          *cutPage // nil: there is nothing to show of it
	until        time.Time
	signedOffers signedOffers
}

// pageKey stands for one target. Clients choose targets, of up to 8 KB, and a
// key must not hold what they chose in memory.
type pageKey [sha256.Size]byte

// keyOf makes the key of its parts, none of which holds a NUL.
func keyOf(parts ...string) pageKey {
	all := make([]byte, 0, 512) // on the stack, mostly
	for _, part := range parts {
		all = append(append(all, part...), 0)
	}
	return sha256.Sum256(all)
}

// keyOfPage is the key of what a request asks for. Many addresses may be
// rewritten to one; and whatever a site may take for its own name belongs to it,
// since a title that repeats it is for those who sent the same.
func keyOfPage(r *http.Request, t *ticket) pageKey {
	line := func(name string) string { return strings.Join(r.Header[name], "\n") } // which one counts depends on the site
	return keyOf(t.origin, t.raw, r.RequestURI, r.Host,
		line("X-Forwarded-Host"), line("X-Forwarded-Proto"), line("X-Forwarded-Port"))
}

// pages remembers. Entries carry their own time to live, so that the gate needs
// no goroutine of its own, and nothing to close when a server drops it.
type pages struct{ cache *otter.Cache[pageKey, *page] }

func newPages() (*pages, error) {
	cache, err := otter.New(&otter.Options[pageKey, *page]{
		MaximumWeight: maxPages,
		Weigher:       func(_ pageKey, p *page) uint32 { return uint32(1 + p.cut.size()/pageWeight) },
	})
	if err != nil {
		return nil, err
	}
	return &pages{cache}, nil
}

// variantOf stands for what a request says in the headers that a page depends on.
func variantOf(names []string, h http.Header) pageKey {
	parts := make([]string, 0, maxVary)
	for _, name := range names {
		parts = append(parts, strings.Join(h[name], "\n"))
	}
	return keyOf(parts...)
}

// get answers the page under a key for a reader with these headers. What the site
// made for one language, say, is not shown to who reads another.
func (p *pages) get(ctx context.Context, key pageKey, h http.Header, now time.Time, ask func() (*page, error)) (*page, error) {
	found, err := p.load(ctx, key, now, ask)
	if err != nil || len(found.vary) == 0 {
		return found, err
	}
	variant := variantOf(found.vary, h)
	if variant == found.variant {
		return found, nil
	}
	return p.load(ctx, keyOf(string(key[:]), string(variant[:])), now, ask)
}

// load answers the page under a key, asking the site if need be, one request at
// a time per key: the others wait. The error is the context's, or that of ask.
// When the reader who asks gives up before he has a place, another one asks.
//
// When the site has been asked too much already, what it last said is repeated.
func (p *pages) load(ctx context.Context, key pageKey, now time.Time, ask func() (*page, error)) (*page, error) {
	known, ok := p.cache.GetIfPresent(key)
	if ok {
		if now.Before(known.until) {
			return known, nil
		}
		p.forget(key, known)
	}
	return p.cache.Get(ctx, key, otter.LoaderFunc[pageKey, *page](func(context.Context, pageKey) (*page, error) {
		found, err := ask()
		if errors.Is(err, errBusy) && known != nil && known.sellable {
			again := &page{sellable: true, head: known.head, cut: known.cut, opener: known.opener, vary: known.vary, variant: known.variant}
			again.until = now.Add(absentTTL)
			return again, nil
		}
		return found, err
	}))
}

// forget drops a page, unless it has been replaced by now.
func (p *pages) forget(key pageKey, old *page) {
	p.cache.ComputeIfPresent(key, func(current *page) (*page, otter.ComputeOp) {
		if current == old {
			return nil, otter.InvalidateOp
		}
		return current, otter.CancelOp
	})
}
