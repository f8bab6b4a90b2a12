// Package checkout serves everything under /.paywall/: the purchase page, the
// reader's wallet, top-up, refund and the public keys, as pages for people and
// as JSON for programs.
//
// It knows offers and money, never price rules: all it needs to sell stands in
// the signed offer that the gate handed out. It debits only on POST, only what
// the offer says, and redirects only to the path the offer names.
//
// What a reader sees is made by [page], in their language; what programs read is
// English.
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
// # Money in and out
//
//	GET  /.paywall/topup              balance, currency, ways, amounts, buy_voucher
//	POST /.paywall/topup/card         amount, topup_id or none → intent, url, expires_at
//	POST /.paywall/topup/bank         the same → intent, iban, name, reference, amount,
//	                                  currency, epc, expires_at
//	GET  /.paywall/topup/intent?id=…  intent, state, amount, currency, credited
//	GET  /.paywall/wallet/cash-out    amount, rest, free_credit, currency, parts, cash_outs
//	POST /.paywall/wallet/cash-out    cash_out or none, shown or none, closes → cash_out,
//	                                  amount, currency, balance, closed, parts
//
// The same topup_id and amount begin one payment, the same cash_out sends money back
// once. Credited is what this look at the provider found in the wallet; the balance is
// the wallet's to tell.
//
// # Templates
//
// A publisher's templates ([page.Options]) take the place of those in
// page/templates/ by the names of their files. Each page is "layout" of layout.html
// with "content" of its own file inside; "voucher", "recover" and "secrets" of
// forms.html hold the forms, and every form must keep its fields, "token" of
// token.html too, without which text browsers cannot send it. Forms with
// data-passkey stand hidden until the script of .Module shows them. A line that says
// "as in" another file stands for the names there, too. All pages have
//
//	.T "key" "Place" text   text of page/messages/, with what stands in its places
//	.N "key" number         the same in the plural form of the number
//	.Money .Date .Duration  an amount, a time, a length as the language writes it
//	.Number                 a whole number; .Machine a time for the datetime attribute
//	.Micros .IsZero         of an amount, in millionths; of a time
//	.Tag .Dir               the language and its direction, for <html>
//	.Title .Site .Logo      of the page; the publisher's name or host, and image
//	.CSS .Icon              addresses
//	.Script .Module         addresses of its scripts, "" for none: the usual one, and
//	                        the module for passkeys
//	.Notice .Onward         what went well, and the path of the article it is about
//	.Alert .Field .Typed    what to correct, the field's id, and what stood in it
//	.Switch                 the languages: .Action .Offer .Unlock .Gift .Intent .ID
//	                        .Offered: .Tag .Name
//	.FormToken              for "token"; empty where browsers need none
//
// and besides
//
//	forms.html     .NewWallet .Offer .Shown .WebAuthn .Buy: hidden fields; whether
//	               passkeys work; where vouchers are sold. Every page that takes in one
//	               of its forms has what that names
//	unlock.html    .Offer .NewWallet .Words .Minutes .Price .Access .Balance .House
//	               .Charge: what the purchase takes, which the page must show
//	               .Shown: the same, as its form says it back
//	               .After .Missing: what is left then; what lacks
//	               .Cap .Spent .Ends .Capped: of the site's monthly cap; whether it
//	               takes something off the price
//	               .Budget: the purchase would go over the reader's own limit
//	               .Refund .Final .Vouchers .Auto
//	               .Add: .Amount .Stays: money that one press adds; nil if none is enough
//	               .Others .TopUpID .Owed .Closed: other ways to add some; of its form;
//	               a debt, which is a part of .Missing; the wallet is closed
//	wallet.html    .Balance .Free .Vouchers .Others .Owed .Closed .CashOut
//	               .Moving: .Text .State .At .Link
//	               .Code .Older .Unlocks: .ID .Title .Link .Paid
//	               .At .Refunded .Refundable .Left .Auto .Given .GiftKey
//	               .Tip: as in tip.html; .Gifts: .MadeAt .Opened .Readers
//	               .Tips: .Title .Amount .At
//	               .Suggest: .PerArticle .PerWeek .Article .Week
//	               as in settings.html, as in devices.html, as in passkeys.html
//	settings.html  .Settings: .Budget .Auto .Forget; .Auto has .PerArticle .PerWeek
//	               .Spent: .Today .Week .Month
//	               .Currency .Budget .PerArticle .PerWeek: what stands in the fields;
//	               a part of wallet.html, as the next two
//	devices.html   .Devices: .ID .Current .AddedAt
//	passkeys.html  .WebAuthn .Full .Passkeys: .ID .Site .Synced .AddedAt
//	receipt.html   .Seller .RefundedAt .Tips: .Amount .At
//	               .Bought: .ID .Title .Link .Paid .At .Refunded .Refundable .Left .Auto
//	               .Given .GiftKey .Tip: as in tip.html
//	tip.html       .FormToken .ID .Unlock .Amounts; no page, a part of these two
//	stranger.html  .NewWallet .Vouchers .Others .Welcome .WebAuthn
//	topup.html     .NewWallet .Known .Balance .Vouchers .Offer .Shown
//	               .Ways: .Kind, card or bank, .Amounts; .TopUpID of their forms
//	               .Article .Back .Owed .Closed: what money is added for; as above
//	intent.html    .Lead .ID .Amount .Ends .Transfer: .Name .IBAN .Reference .Amount
//	               .Picture: of the transfer; .Mine .Paid .Failed .Balance
//	               .Read .Auto: a form leads on to the article, and is sent by a script
//	               .Pay .Again .Back .Offer: addresses, and the offer that stands
//	cashout.html   .ID .Shown .Amount .Ways: .Kind .Amount; .Rest .Free
//	cashedout.html .ID .Seller .At .Amount .Parts: .Text .State .At .Link; .Closed .Text
//	gift.html      .Key .NewWallet .ExpiresAt
//	giftlink.html  .Link .Readers .Bought: .ID .Title .Link .Paid .At .Refundable .Left
//	erase.html     .Balance
//	reset.html     .Done .Cookies .Heavy .WebAuthn .Wallets: .Code .Known .Balance
//	error.html     .Next .Back .Wallet .Reset .Add
//	box.html       .Offer .Words .Minutes .Price .Access .Refund .Form; no page
//	               around it, only .T .N .Money .Duration .Tag .Dir .CSS
//	bar.html       .ID .Paid .Auto .Left .Undo .Form .Suggest: .PerArticle .PerWeek
//	               .Article .Week; as with box.html
package checkout
