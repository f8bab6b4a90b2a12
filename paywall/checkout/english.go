package checkout

import (
	"strconv"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// english is the catalogue of British-leaning English. Another language is
// another such file, with the same keys.
var english = &catalogue{
	Tag: "en", Dir: "ltr", date: "2 Jan 2006",
	plural: func(n int) string {
		if n == 1 {
			return "one"
		}
		return "other"
	},
	money: englishMoney, integer: func(n int) string { return groupThousands(strconv.Itoa(n)) },
	texts: map[string]string{
		"wallet":      "Wallet",
		"minutes.one": "%s minute", "minutes.other": "%s minutes",
		"hours.one": "%s hour", "hours.other": "%s hours",
		"days.one": "%s day", "days.other": "%s days",
		"words.one": "%s word", "words.other": "%s words",
		"reading.one": "%s minute to read", "reading.other": "%s minutes to read",

		// Purchase page.
		"unlock.untitled":  "This article",
		"unlock.price":     "Price",
		"unlock.lasts":     "Yours for %s",
		"unlock.forever":   "Yours to keep",
		"unlock.have":      "You have %s",
		"unlock.house":     "You have %s on the house",
		"unlock.after":     "%s left after this",
		"unlock.pay":       "Pay %s and read",
		"unlock.undo":      "Changed your mind? Undo within %s on your wallet page.",
		"unlock.final":     "No subscription, no account.",
		"unlock.missing":   "%s more and it is yours.",
		"unlock.empty":     "Your wallet is empty.",
		"unlock.noway":     "This site has no way to add money right now.",
		"unlock.elsewhere": "Bought it in another browser? Bring your wallet here.",
		"unlock.cookie":    "Your wallet is a cookie in this browser. We ask for no name and no e-mail.",

		// Vouchers.
		"voucher.label":  "Voucher code",
		"voucher.hint":   "20 letters and digits. Dashes and capitals do not matter.",
		"voucher.read":   "Redeem, pay %s and read",
		"voucher.redeem": "Redeem voucher",
		"voucher.wrong":  "This voucher code is not valid. Check it for typing mistakes; a code can be redeemed once, and may have run out.",

		// Top-up page.
		"topup.title": "Add money",
		"topup.none":  "This site has no way to add money right now. What is in your wallet stays yours.",
		"topup.lead":  "Money in your wallet is for articles on this site.",
		"topup.new":   "You have no wallet in this browser yet. Your first voucher opens one.",

		// Wallet.
		"wallet.title":     "Your wallet",
		"wallet.balance":   "Balance",
		"wallet.add":       "Add money",
		"wallet.purchases": "What you bought",
		"wallet.nothing":   "Nothing yet. What you buy will be listed here.",
		"wallet.undo":      "Undo",
		"wallet.undoFor":   "Undo purchase of %s",
		"wallet.left":      "%s left to undo",
		"wallet.refunded":  "Refunded",
		"wallet.paid":      "%s on %s",
		"wallet.code":      "Recovery code",
		"wallet.codeHint":  "This code brings your wallet to another browser, or back after you cleared this one. Print it or write it down. Whoever has it has your wallet.",
		"wallet.recover":   "Bring another wallet here",
		"wallet.replaces":  "It takes the place of the wallet above. Write down that one’s code first.",
		"wallet.erase":     "Erase this wallet",
		"wallet.eraseHint": "Removes your purchases and everything that leads to them.",

		// Nobody's wallet page.
		"stranger.title":   "You have no wallet here yet",
		"stranger.lead":    "A wallet is opened when you buy your first article. It is a cookie in your browser: no name, no e-mail, no account.",
		"stranger.house":   "Yours starts with %s on the house.",
		"stranger.recover": "Had one in another browser, or lost the cookie?",

		// Recovery and erasure.
		"recover.label":  "Recovery code",
		"recover.hint":   "26 letters and digits. Dashes and capitals do not matter.",
		"recover.button": "Bring my wallet here",
		"recover.wrong":  "No wallet has this recovery code. Check it for typing mistakes: it has 26 letters and digits, and none of them is I, L, O or U.",
		"erase.title":    "Erase this wallet?",
		"erase.balance":  "The %s in it will be gone for good.",
		"erase.lead":     "Your purchases close, and nothing will lead to them or to you. The bookkeeping keeps the sums, without a name. This cannot be undone.",
		"erase.button":   "Erase for good",
		"erase.keep":     "Keep my wallet",

		// Notices after a redirect, by key.
		"notice.refunded":  "The purchase is undone and the money is back in your wallet.",
		"notice.credited":  "Thank you. The voucher is in your wallet.",
		"notice.recovered": "Welcome back. This browser has your wallet now.",
		"notice.erased":    "Your wallet is erased.",

		// Errors: what happened, and what to do next.
		"error.malformed":                   "This link does not work",
		"error.malformed.next":              "It may be cut off or altered. Open the article again; nothing was charged.",
		"error.two-wallets":                 "Your browser sent two wallets",
		"error.two-wallets.next":            "One of them may not be yours, so nothing was done. Remove the cookies of this site in your browser’s settings, then bring your wallet back with its recovery code.",
		"error.no-such-wallet":              "No wallet in this browser",
		"error.no-such-wallet.next":         "Open your wallet page to bring your wallet here with its recovery code.",
		"error.insufficient-funds":          "Not enough in your wallet",
		"error.insufficient-funds.next":     "Add money and try again; nothing was charged.",
		"error.cross-site":                  "This came from another page",
		"error.cross-site.next":             "For your safety we only take payments from our own pages. Nothing was charged. Open the article and press the button there.",
		"error.not-found":                   "There is nothing here",
		"error.not-found.next":              "The page or purchase does not exist, or is not yours. Your wallet page lists what you bought.",
		"error.method-not-allowed":          "This page cannot be opened like that",
		"error.method-not-allowed.next":     "Start from the article or from your wallet page.",
		"error.offer-changed":               "This offer was already used",
		"error.offer-changed.next":          "Open the article again for a new one; nothing was charged.",
		"error.refund-closed":               "The time to undo this purchase is over",
		"error.refund-closed.next":          "The article stays open to you.",
		"error.offer-expired":               "This offer has run out",
		"error.offer-expired.next":          "An offer holds for fifteen minutes and for one purchase. Go back to the article for a new one; nothing was charged.",
		"error.too-large":                   "That was too much",
		"error.too-large.next":              "The form was larger than it can be. Open the page again.",
		"error.unsupported-media-type":      "The form came in an unknown format",
		"error.unsupported-media-type.next": "Open the page again and press the button there.",
		"error.bad-voucher":                 "This voucher code is not valid",
		"error.bad-voucher.next":            "Check it for typing mistakes.",
		"error.too-early":                   "A moment too early",
		"error.too-early.next":              "Your browser was faster than the secure connection. Please try again; nothing was charged.",
		"error.rate-limited":                "Too many attempts",
		"error.rate-limited.next":           "Wait a few minutes, then try again. Your money is safe.",
		"error.internal":                    "Something went wrong on our side",
		"error.internal.next":               "Please try again in a moment. If you were charged, the article is open to you; your wallet page shows it.",
		"error.unavailable":                 "Purchases are paused",
		"error.unavailable.next":            "What you bought stays open. Please try again in a moment; you will not be charged twice.",
		"error.article":                     "Back to the article",
		"error.wallet":                      "Go to your wallet",
		"error.home":                        "Go to the front page",
	},
}

// englishSymbols are CLDR's symbols for English; a currency without one is
// written with its code ("CHF 0.20"). Compared with Intl.NumberFormat("en").
var englishSymbols = map[paywall.Currency]string{
	"AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "HKD": "HK$",
	"ILS": "₪", "INR": "₹", "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "PHP": "₱",
	"TWD": "NT$", "USD": "$", "VND": "₫", "XAF": "FCFA\u00a0", "XCD": "EC$", "XCG": "Cg.\u00a0",
	"XOF": "F\u202fCFA\u00a0", "XPF": "CFPF\u00a0",
}

func englishMoney(m paywall.Money) string {
	amount, minus := strings.CutPrefix(m.String(), "-")
	sign := ""
	if minus {
		sign = "-"
	}
	symbol, ok := englishSymbols[m.Currency]
	if !ok {
		symbol = string(m.Currency) + "\u00a0"
	}
	units, fraction, dotted := strings.Cut(amount, ".")
	amount = groupThousands(units)
	if dotted {
		amount += "." + fraction
	}
	return sign + symbol + amount
}

// groupThousands puts a comma before every third digit from the right.
func groupThousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
