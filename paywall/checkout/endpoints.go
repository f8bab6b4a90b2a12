package checkout

import (
	"context"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// endpoint is what can be done at one path.
type endpoint struct {
	get, post handler
	unlimited bool // caches keep what get answers
}

// endpoints is the whole map of the prefix, but for static files. The path must
// be spelled exactly so: an alias would be a second way around a limit.
var endpoints = map[string]endpoint{
	"":                {get: toWallet},
	"unlock":          {get: showOffer, post: buy},
	"wallet":          {get: visit(showWallet), post: commit(openWallet)},
	"wallet/recover":  {post: commit(recoverWallet)},
	"wallet/settings": {post: commitOwn(saveSettings)},
	"wallet/devices":  {post: commitOwn(signOut)},
	"wallet/erase":    {get: lookOwn(confirmErase), post: commitOwn(eraseWallet)},
	"wallet/code.svg": {get: lookOwn(showQR)},
	"wallet/export":   {get: lookOwn(exportWallet)},
	"wallet/gift":     {post: giveAway},
	"wallet/cash-out": {get: funding(lookOwn(showCashOut)), post: funding(commitOwn(cashOut))},
	"gift":            {get: showGift, post: openGift},
	"receipt":         {get: lookOwn(showReceipt)},
	"refund":          {post: commitOwn(refund)},
	"tip":             {post: tip},
	"forget.css":      {get: forgetPages},
	"topup":           {get: visit(showTopUp)},
	"topup/voucher":   {post: redeem},
	"topup/card":      {post: beginTopUp(byCard)},
	"topup/bank":      {post: beginTopUp(byBank)},
	"topup/intent":    {get: funding(visit(showIntent))},
	"topup/return":    {get: funding(visit(showReturn)), post: funding(commitOwn(goOn))},
	"topup/code.svg":  {get: funding(visit(showTransferCode))},
	"reset":           {get: showReset, post: reset},
	"jwks.json":       {get: showKeys, unlimited: true},

	"wallet/passkeys/add":         {post: commitOwn(addPasskey)},
	"wallet/passkeys/add/begin":   {post: lookOwn(beginPasskey)},
	"wallet/passkeys/remove":      {post: commitOwn(removePasskey)},
	"wallet/passkeys/login":       {post: commit(passkeyLogin)},
	"wallet/passkeys/login/begin": {post: beginPasskeyLogin},
}

func (e endpoint) allow() string {
	switch {
	case e.get == nil:
		return "POST"
	case e.post == nil:
		return "GET, HEAD"
	}
	return "GET, HEAD, POST"
}

// A handler answers a request, or returns why it cannot.
type handler func(*exchange) error

// Most handlers need the ledger, and whose wallet they are about.
type (
	onLedger func(ctx context.Context, x *exchange, l Ledger) error
	onWallet func(ctx context.Context, x *exchange, l Ledger, who identity) error
)

// funding is a page that is there where money comes in by other ways than vouchers.
func funding(do handler) handler {
	return func(x *exchange) error {
		if x.c.o.TopUps == nil {
			return paywall.Errorf(paywall.CodeNotFound, "money comes in by vouchers alone here")
		}
		return do(x)
	}
}

// commitTimeout bounds a change. A reader who leaves does not stop it: between
// debit and answer there is no way back.
const commitTimeout = 10 * time.Second

// commit is a change of the ledger. Its context outlives the client.
func commit(do onLedger) handler {
	return func(x *exchange) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), commitTimeout)
		defer cancel()
		l, err := x.ledger(ctx)
		if err != nil {
			return err
		}
		return do(ctx, x, l)
	}
}

// commitOwn is a commit of the reader's own wallet.
func commitOwn(do onWallet) handler { return commit(asOwner(do)) }

// look reads the ledger for as long as the client waits.
func look(do onLedger) handler {
	return func(x *exchange) error {
		ctx := x.r.Context()
		l, err := x.ledger(ctx)
		if err != nil {
			return err
		}
		return do(ctx, x, l)
	}
}

// lookOwn is a page of the reader's own wallet.
func lookOwn(do onWallet) handler { return look(asOwner(do)) }

// visit is a page that anyone may see: without a wallet, or with two, the visitor
// is nobody.
func visit(do onWallet) handler {
	return look(func(ctx context.Context, x *exchange, l Ledger) error {
		who, err := x.visitor(ctx, l)
		if err != nil {
			return err
		}
		return do(ctx, x, l, who)
	})
}

func asOwner(do onWallet) onLedger {
	return func(ctx context.Context, x *exchange, l Ledger) error {
		who, err := x.identify(ctx, l)
		if err != nil {
			return err
		}
		return do(ctx, x, l, who)
	}
}

// showKeys publishes the public keys. They are the same for everyone.
func showKeys(x *exchange) error {
	h := x.w.Header()
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517, 8.5.1
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	x.write(http.StatusOK, x.c.o.Ring.JWKS())
	return nil
}

// staticEndpoint serves the style sheets of the look, and what all looks share.
func (c *Checkout) staticEndpoint(name string) (endpoint, bool) {
	a, ok := c.o.Look.Asset(name)
	return endpoint{unlimited: true, get: func(x *exchange) error {
		h := x.w.Header()
		h.Set("Content-Type", a.Media())
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		x.write(http.StatusOK, a.Body())
		return nil
	}}, ok
}

// showQR draws the recovery code of this browser for the camera of another one.
// The picture's address says nothing: the code stands in the picture alone.
func showQR(_ context.Context, x *exchange, _ Ledger, who identity) error {
	return writePicture(x, x.recoveryLink(who.key.RecoveryCode()))
}

// writePicture answers with a QR code.
func writePicture(x *exchange, text string) error {
	picture, err := page.DrawQR(text)
	if err != nil {
		return err
	}
	x.pageHeaders()
	x.w.Header().Set("Content-Type", "image/svg+xml")
	x.write(http.StatusOK, picture)
	return nil
}

// recoveryLink leads to the form with the code filled in by the page's script.
// The code stands in the fragment, which browsers send to nobody (RFC 3986, 3.5;
// RFC 9110, 10.1.3).
func (x *request) recoveryLink(code string) string { return x.origin + Prefix + "wallet#code=" + code }
