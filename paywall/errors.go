package paywall

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Code classes an error for callers and for the wire, where it becomes
// "urn:paywall:<code>". Whatever carries no code is [CodeInternal].
type Code string

// The codes, in the order of their HTTP status.
const (
	CodeMalformed         Code = "malformed"
	CodeNoCookies         Code = "no-cookies"
	CodeNoWallet          Code = "no-such-wallet"
	CodePaymentRequired   Code = "payment-required"
	CodeInsufficientFunds Code = "insufficient-funds"
	CodeOverBudget        Code = "over-budget"
	CodeAskFirst          Code = "ask-first"
	CodeOwing             Code = "owing"
	CodeCrossSite         Code = "cross-site"
	CodeMisconfigured     Code = "misconfigured"
	CodeNotFound          Code = "not-found"
	CodeMethodNotAllowed  Code = "method-not-allowed"
	CodeOfferChanged      Code = "offer-changed"
	CodeConflict          Code = "conflict"
	CodeRefundClosed      Code = "refund-closed"
	CodeWalletClosed      Code = "wallet-closed"
	CodeOfferExpired      Code = "offer-expired"
	CodeGiftOver          Code = "gift-over"
	CodeTooLarge          Code = "too-large"
	CodeUnsupportedMedia  Code = "unsupported-media-type"
	CodeBadVoucher        Code = "bad-voucher"
	CodeTooEarly          Code = "too-early"
	CodeTooManyRefunds    Code = "too-many-refunds"
	CodeTooManyGifts      Code = "too-many-gifts"
	CodeTooManyTopUps     Code = "too-many-top-ups"
	CodeRateLimited       Code = "rate-limited"
	CodeInternal          Code = "internal"
	CodeUnavailable       Code = "unavailable"
)

// HTTPStatus is the one map from code to status.
func (c Code) HTTPStatus() int {
	switch c {
	case CodeMalformed, CodeNoCookies:
		return http.StatusBadRequest
	case CodeNoWallet:
		return http.StatusUnauthorized
	case CodePaymentRequired, CodeInsufficientFunds, CodeOverBudget, CodeAskFirst, CodeOwing:
		return http.StatusPaymentRequired
	case CodeCrossSite, CodeMisconfigured:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case CodeOfferChanged, CodeConflict, CodeRefundClosed, CodeWalletClosed:
		return http.StatusConflict
	case CodeOfferExpired, CodeGiftOver:
		return http.StatusGone
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeUnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case CodeBadVoucher:
		return http.StatusUnprocessableEntity
	case CodeTooEarly:
		return http.StatusTooEarly
	case CodeTooManyRefunds, CodeTooManyGifts, CodeTooManyTopUps, CodeRateLimited:
		return http.StatusTooManyRequests
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Error is an error that a caller may act on. Message is fit for a reader: it
// holds no secret and no id of anyone else. Err, if any, is for the log.
type Error struct {
	Code    Code
	Message string
	Err     error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare codes, so that a wrapped *Error matches the
// sentinel of its kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf makes an [Error]. A cause wrapped at the end (": %w") is kept for the
// log and is no part of the message.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	message, cause := err.Error(), errors.Unwrap(err)
	if cause != nil {
		message = strings.TrimSuffix(message, ": "+cause.Error())
	}
	return &Error{Code: code, Message: message, Err: cause}
}

// ErrorCode is the code that err carries, [CodeInternal] if none.
func ErrorCode(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// ErrorMessage is what a reader may see of err: the message of an [Error], and
// a bland sentence for everything else.
func ErrorMessage(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return "something went wrong on our side"
}

// Sentinels that a ledger answers; compare with errors.Is.
var (
	// ErrNoWallet: no wallet has this id or key.
	ErrNoWallet = Errorf(CodeNoWallet, "no such wallet")
	// ErrNotFound: no such unlock, or it belongs to someone else.
	ErrNotFound = Errorf(CodeNotFound, "no such purchase")
	// ErrNoDevice: no such device, or it belongs to someone else.
	ErrNoDevice = Errorf(CodeNotFound, "no such device")
	// ErrNoPasskey: no such passkey, or it belongs to someone else.
	ErrNoPasskey = Errorf(CodeNotFound, "no such passkey")
	// ErrInsufficientFunds: the balance does not cover the price.
	ErrInsufficientFunds = Errorf(CodeInsufficientFunds, "the balance does not cover the price")
	// ErrOverBudget: it would take more than the reader wants to spend in a day.
	ErrOverBudget = Errorf(CodeOverBudget, "this is more than you want to spend in a day; change your daily budget, or wait until tomorrow")
	// ErrAskFirst: the reader has not allowed this purchase without being asked.
	ErrAskFirst = Errorf(CodeAskFirst, "please confirm that you want to buy this")
	// ErrBadVoucher: no voucher has this code. errors.Is finds it in those that follow, too.
	ErrBadVoucher = Errorf(CodeBadVoucher, "this voucher code is not valid")
	// ErrVoucherUsed: redeemed by another wallet. Whoever knows the code may know it.
	ErrVoucherUsed = Errorf(CodeBadVoucher, "this voucher was redeemed already")
	// ErrVoucherExpired: not redeemed in time.
	ErrVoucherExpired = Errorf(CodeBadVoucher, "this voucher has run out")
	// ErrVoucherRevoked: the publisher took it back before anybody redeemed it.
	ErrVoucherRevoked = Errorf(CodeBadVoucher, "this voucher was withdrawn")
	// ErrOwing: a payment into the wallet was taken back, and part of it was spent.
	ErrOwing = Errorf(CodeOwing, "a payment into this wallet was taken back after it was spent; top the wallet up to buy again")
	// ErrWalletClosed: its credit was paid out, and the wallet closed with that.
	ErrWalletClosed = Errorf(CodeWalletClosed, "this wallet is closed; what was bought with it can still be read")
	// ErrTooManyTopUps: the wallet has begun as many top-ups as may wait at once.
	ErrTooManyTopUps = Errorf(CodeTooManyTopUps, "several payments were begun and not finished; finish one of them, choose another way, or try again in half an hour")
	// ErrNoIntent: no top-up was begun with this id.
	ErrNoIntent = Errorf(CodeNotFound, "no such payment was begun")
	// ErrNoPayment: the payment that a movement belongs to, or the movement that it ends, is not booked.
	ErrNoPayment = Errorf(CodeNotFound, "the payment that this belongs to is not booked")
	// ErrNeverTaken: a movement gives back another amount than was taken, or what was
	// given up before.
	ErrNeverTaken = Errorf(CodeConflict, "what this gives back was not taken, or given up before")
	// ErrNoCashOut: no part of a cash-out has this id.
	ErrNoCashOut = Errorf(CodeNotFound, "no such cash-out")
	// ErrNotUnclaimed: no money that belongs to nobody came with this id.
	ErrNotUnclaimed = Errorf(CodeNotFound, "no such money waits for somebody to claim it")
	// ErrNothingToCashOut: the wallet holds nothing that can go back.
	ErrNothingToCashOut = Errorf(CodeConflict, "there is nothing in this wallet that can be paid back: credit goes back only to the card or account it came from")
	// ErrNoBatch: no vouchers were made together under this number.
	ErrNoBatch = Errorf(CodeNotFound, "no such batch of vouchers")
	// ErrConflict: the same key was used before with other content; of an offer it is ErrOfferChanged.
	ErrConflict = Errorf(CodeConflict, "this was used before with other content")
	// ErrOfferChanged: the offer was used before with other content.
	ErrOfferChanged = Errorf(CodeOfferChanged, "this offer was used before with other content")
	// ErrOfferSpent: the purchase made with this offer was refunded; a new one needs a new offer.
	ErrOfferSpent = Errorf(CodeOfferExpired, "this offer was used and refunded; open the article again for a new one")
	// ErrRefundClosed: the refund window is over.
	ErrRefundClosed = Errorf(CodeRefundClosed, "the time for a refund is over")
	// ErrRefundOnce: the wallet undid a purchase of this resource before.
	ErrRefundOnce = Errorf(CodeRefundClosed, "a purchase of this article was undone before, and that can be done once")
	// ErrRefundCapped: the month's cap took something off a price at this site.
	ErrRefundCapped = Errorf(CodeRefundClosed, "the most that a month costs at this site was reached, and reading was free from then on; that month's purchases can no longer be undone")
	// ErrRefundGiven: others opened a gift of it.
	ErrRefundGiven = Errorf(CodeRefundClosed, "others read this article through your gift link, so its purchase can no longer be undone")
	// ErrTooManyRefunds: the wallet's refunds of this UTC month are used up; see [NextMonth].
	ErrTooManyRefunds = Errorf(CodeTooManyRefunds, "no more purchases can be undone this month")
	// ErrTooManyGifts: the wallet's gift links of this UTC month are used up; see [NextMonth].
	ErrTooManyGifts = Errorf(CodeTooManyGifts, "no more gift links can be made this month")
	// ErrGiftOver: unknown, used up, or of a purchase that is refunded or over; on purpose not told apart.
	ErrGiftOver = Errorf(CodeGiftOver, "this gift link opens nothing any more")
	// ErrUnavailable: the store is not open, failing, full or too busy. Nothing was taken.
	ErrUnavailable = Errorf(CodeUnavailable, "purchases are not possible at the moment")
)
