package checkout

import (
	"context"
	"time"
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
	"gift":            {get: showGift, post: openGift},
	"receipt":         {get: lookOwn(showReceipt)},
	"refund":          {post: commitOwn(refund)},
	"tip":             {post: tip},
	"forget.css":      {get: forgetPages},
	"topup":           {get: visit(showTopUp)},
	"topup/voucher":   {post: redeem},
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
