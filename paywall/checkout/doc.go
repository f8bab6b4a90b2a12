// Package checkout serves everything under /.paywall/: the purchase page, the
// reader's wallet, top-up, refund and the public keys, as pages for people and
// as JSON for programs.
//
// It knows offers and money, never price rules: all it needs to sell stands in
// the signed offer that the gate handed out. It debits only on POST, only what
// the offer says, and redirects only to the path the offer names.
//
// Every word that a reader sees stands in messages/, one file for each language;
// what programs read is English.
//
// # Gifts and tips
//
// What programs send, as JSON, and get. A key or an id of their own drawing makes
// a request that is sent again the same one.
//
//	POST /.paywall/wallet/gift  unlock_id, key or none → 201 unlock_id, link, readers
//	GET  /.paywall/gift?key=…   resource, url, title, readers, opened, made_at,
//	                            expires_at, already_owned; it changes nothing
//	POST /.paywall/gift         key → what /.paywall/unlock answers
//	POST /.paywall/tip          unlock_id, amount, tip_id or none → tip_id, unlock_id,
//	                            tipped, currency, balance
//
// # Templates
//
// A publisher's templates ([LookOptions]) take the place of those in templates/
// by the names of their files. Each page is "layout" of layout.html with
// "content" of its own file inside; "voucher", "recover" and "secrets" of
// forms.html hold the forms, and every form must keep its fields, "token" of
// token.html too, without which text browsers cannot send it. Forms with
// data-passkey stand hidden until static/passkey.js shows them. All pages have
//
//	.T "key" "Place" text   text of messages/, with what stands in its places
//	.N "key" number         the same in the plural form of the number
//	.Money .Date .Duration  an amount, a time, a length as the language writes it
//	.Tag .Dir               the language and its direction, for <html>
//	.Title .Site .Logo      of the page; the publisher's name or host, and image
//	.CSS .Icon              addresses
//	.Module                 the same of the script for passkeys, "" for none
//	.Notice .Alert .Field   what went well, what to mend, and the field's id
//	.Switch                 the languages: .Action .Offer .Unlock .Gift .Offered
//	.FormToken              for "token"; empty where browsers need none
//
// and besides
//
//	unlock.html    .Offer .NewWallet .Words .Minutes .Price .Access .Balance .After
//	               .Missing .House .Refund .Final .Vouchers .Auto
//	wallet.html    .Balance .Free .Vouchers .Code .Unlocks: .ID .Title .Link .Paid .At
//	               .Refunded .Refundable .Left .Auto .Given .GiftKey .Tip: see tip.html
//	               .Gifts: .MadeAt .Opened .Readers; .Tips: .Title .Amount .At
//	               .Suggest: .PerArticle .PerWeek .Article .Week;
//	               .WebAuthn .Full .Passkeys: .ID .Site .Synced .AddedAt
//	receipt.html   .Bought: as one of .Unlocks; .Seller .RefundedAt .Tips: .Amount .At
//	tip.html       .FormToken .ID .Unlock .Amounts; no page, a part of these two
//	stranger.html  .NewWallet .Vouchers .Welcome .WebAuthn
//	topup.html     .NewWallet .Known .Balance .Vouchers
//	gift.html      .Key .NewWallet .ExpiresAt
//	giftlink.html  .Link .Readers .Bought: as one of .Unlocks
//	erase.html     .Balance
//	reset.html     .Done .Cookies .Heavy .WebAuthn .Wallets: .Code .Known .Balance
//	error.html     .Next .Back .Wallet .Reset
//	box.html       .Offer .Words .Minutes .Price .Access .Refund .Form; no page
//	               around it, only .T .N .Money .Duration .Tag .Dir .CSS
//	bar.html       .ID .Paid .Auto .Left .Undo .Form .Suggest: as in wallet.html; as with box.html
package checkout
