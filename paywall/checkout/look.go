package checkout

import "github.com/tuppence/tuppence/paywall/checkout/page"

// NewLook checks what a publisher wants of the pages. Errors say what to write
// instead; those of a template begin with its file, line and column.
func NewLook(o page.Options) (*page.Look, error) { return page.NewLook(o, views) }

// views are what the templates are given, as empty as can be.
func views(c *page.Catalogue) map[string]any {
	l := layout{Catalogue: c, Title: "Title", Site: "Site", CSS: "/", Icon: "/"}
	forms := formsView{layout: l}
	return map[string]any{
		"unlock":   purchaseView{layout: l},
		"wallet":   walletView{formsView: forms},
		"stranger": forms,
		"topup":    forms,
		"erase":    forms,
		"reset":    resetView{formsView: forms},
		"receipt":  receiptView{layout: l},
		"gift":     giftView{layout: l},
		"giftlink": giftLinkView{layout: l},
		"error":    errorView{layout: l},
		"box":      boxView{Catalogue: c, CSS: "/"},
		"bar":      barView{Catalogue: c, CSS: "/"},
	}
}
