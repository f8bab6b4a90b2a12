package journal

import (
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Record is one line: a transfer, and the references that a ledger needs to be
// rebuilt from the journal alone. Which of them are set depends on the kind:
//
//	genesis  Currency, Ledger
//	open     Wallet, Key, Code; legs and Site, which gave it, if there is a welcome credit
//	key      Wallet, Key, Code
//	passkey  Wallet, Passkey, Data; without Data it was removed
//	drop     Wallet, Key, and Code if that leads to the wallet no more, either
//	voucher  Vouchers, one or more made together
//	redeem   Wallet, Voucher; legs
//	unlock   Unlock to Auto, Gift if it was opened with one; legs, unless nothing was paid
//	refund   Unlock, Site, Resource, Free, Limit if there is one; legs
//	tip      Wallet, Tip, Site, Resource, which may be empty, Free, Shares; legs
//	gift     Gift, Wallet, Unlock, Readers, Limit if there is one
//	setting  Wallet, Setting
//	erase    Wallet
//
//	intent             Intent, State, Wallet; of an open one Way, Amount and Until, later Object if the way named one
//	topup              Way, ID, Payment, Intent, Wallet; legs
//	fee                Way, ID, Payment if it is one's; legs
//	reversal           Way, ID, Payment, Wallet, Free; Amount if some of it was sent back by hand before, which moves no more; legs of the rest
//	reversal-failed    Way, ID, Payment, Wallet, Free; ID is the reversal's; legs
//	dispute            the same
//	dispute-won        the same; ID is the dispute's
//	dispute-lost       the same; legs if something was owed
//	settlement         Way, ID; legs
//	settlement-failed  the same; ID is the settlement's
//	unclaimed          Way, ID, Payment, Intent if one was named; legs
//	assign             Way, ID, Intent, Wallet; ID is that of what stood in unclaimed; legs
//	send-back          Way, ID, the same; legs
//	suspense           Way, ID, Payment if it is one's; legs
//	cashout            CashOut, State, Wallet; planned: Way, Payment, Closes; later ID if a movement tells it; legs but for sent and pending
//	revoke             Batch
//
// In these, and of a redeemed voucher, Wallet stands in the legs, or in a field of its own
// if no leg is a wallet's. It is empty when the wallet is erased. Payment is the ID where a
// topup or unclaimed record has none.
//
// What follows from other fields is not written: the wallet, unlock and voucher
// stand in the cause, the wallet and site of a purchase in its legs if it has any,
// and its price in what was paid unless a cap left less to pay.
//
// Free credit, which the publisher gave, is spent before what the reader put in. A
// record that says nothing of it was paid without any, or is older than these
// fields: what came by welcome is free from the first record on, and until one says
// so how much of a transfer was free follows from those before it.
type Record struct {
	paywall.Transfer

	Currency paywall.Currency
	Ledger   string // random id, so that no two journals begin alike

	Wallet  string
	Key     paywall.Hash
	Code    paywall.Hash
	Voucher paywall.Hash

	Passkey string // credential id
	Data    string

	Vouchers []paywall.Voucher

	Unlock   string
	Offer    string // id of the offer; the unlock's own id unless two wallets used one offer
	Site     string
	Resource string
	URL      string
	Title    string
	Access   time.Duration
	Refund   time.Duration
	Price    int64 // of the offer, in millionths
	Cap      int64 // of the offer; 0: none
	Auto     bool  // bought without asking

	Free   int64           // of what was paid or went back, free credit
	Shares []paywall.Share // by which what was not free was divided; nil if all was, or nothing is free

	Tip     string // the tip's id
	Gift    paywall.Hash
	Readers int

	*Setting // nil of all other kinds: each purchase makes a record, and room costs time

	*Funding // nil of all other kinds

	Limit int // what of this kind a wallet may do in a month; 0: no limit
}

// Setting is all of a wallet's settings; amounts are in millionths, 0 where none is set.
type Setting struct {
	Budget  int64 // per day
	Today   int64 // of it, spent before this record
	Article int64 // without asking, for one article
	Week    int64 // without asking, in a week
	Used    int64 // of it, spent before this record
	Forget  bool
}

// Funding is what records of money in and out say beside their legs. IDs of a provider
// that lead to a wallet are sealed: whoever has the journal alone cannot connect them.
type Funding struct {
	Way     string    // stripe, bank
	Intent  string    // sealed
	Object  string    // sealed: what the provider calls the intent
	State   string    // of an intent or a cash-out, from this record on
	Until   time.Time // the intent's end
	Payment string    // sealed
	ID      string    // of the movement, sealed if Payment is set
	CashOut string    // id of a cash-out's part
	Amount  int64     // of an intent, or of a reversal whose legs do not say it, in millionths
	Closes  bool      // a planned cash-out closes its wallet
	Batch   uint64    // the number of the record that made the vouchers
}

// Paid is what a purchase took from its wallet, in millionths; of a refund, what went back.
func (r *Record) Paid() int64 {
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, walletPrefix) {
			return max(l.Micros, -l.Micros)
		}
	}
	return 0
}

// cause is the natural key of a record; the same cause is never recorded twice.
func (r *Record) cause() string {
	switch r.Kind {
	case paywall.KindGenesis: // there is one
	case paywall.KindOpen:
		return "open/" + r.Wallet
	case paywall.KindKey:
		return "key/" + r.Wallet + "/" + encodeHash(r.Key)
	case paywall.KindPasskey:
		return "passkey/" + r.Wallet + "/" + strconv.FormatUint(r.Seq, 10) // its counter changes, and may be set back
	case paywall.KindDrop:
		return "drop/" + r.Wallet + "/" + encodeHash(r.Key)
	case paywall.KindVoucher:
		return "voucher/" + encodeHash(r.Vouchers[0].Code)
	case paywall.KindRedeem:
		return "redeem/" + encodeHash(r.Voucher)
	case paywall.KindUnlock:
		return r.Unlock // nothing else is as frequent; it holds no slash, unlike the others
	case paywall.KindRefund:
		return "refund/" + r.Unlock
	case paywall.KindTip:
		return "tip/" + r.Wallet + "/" + r.Tip
	case paywall.KindGift:
		return "gift/" + encodeHash(r.Gift)
	case paywall.KindSetting:
		return "setting/" + r.Wallet + "/" + strconv.FormatUint(r.Seq, 10) // the same settings may come back
	case paywall.KindErase:
		return "erase/" + r.Wallet
	case paywall.KindIntent:
		return "intent/" + r.Intent + "/" + r.State
	case paywall.KindTopUp, paywall.KindFee, paywall.KindReversal, paywall.KindReversalFailed, paywall.KindDispute,
		paywall.KindDisputeWon, paywall.KindDisputeLost, paywall.KindSettlement, paywall.KindSettlementFailed,
		paywall.KindUnclaimed, paywall.KindAssign, paywall.KindSendBack, paywall.KindSuspense:
		return string(r.Kind) + "/" + r.Way + "/" + r.ID
	case paywall.KindCashOut:
		return "cashout/" + r.CashOut + "/" + r.State
	case paywall.KindRevoke:
		return "revoke/" + strconv.FormatUint(r.Batch, 10)
	}
	return string(r.Kind)
}

var (
	walletPrefix = paywall.WalletAccount("")
	sitePrefix   = paywall.SiteAccount("")
)

// legAccount is the rest of the first leg's account that begins with prefix.
func (r *Record) legAccount(prefix string) string {
	for _, l := range r.Legs {
		if rest, ok := strings.CutPrefix(l.Account, prefix); ok {
			return rest
		}
	}
	return ""
}
