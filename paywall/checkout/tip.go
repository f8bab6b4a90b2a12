package checkout

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// tipper takes tips for what a wallet bought.
type tipper interface {
	Shares(ctx context.Context, wallet, unlock string) ([]paywall.Share, error)
	Tip(ctx context.Context, wallet string, t paywall.Tip) (paywall.Wallet, error)
	Tips(ctx context.Context, wallet string, limit int) ([]paywall.TipState, error)
}

// maxTips bounds the amounts to choose from: more would be a form to read.
const maxTips = 4

// CheckTips reports what is wrong with the amounts of a site's tips.
func CheckTips(amounts []paywall.Money) error {
	if len(amounts) > maxTips {
		return paywall.Errorf(paywall.CodeMalformed, "%d tips are too many to choose from; write one to %d amounts", len(amounts), maxTips)
	}
	for i, m := range amounts {
		if m.Micros <= 0 || m.Currency != amounts[0].Currency || i > 0 && m.Micros <= amounts[i-1].Micros {
			return paywall.Errorf(paywall.CodeMalformed, "the tip %s is not above zero and the one before it; write the smallest first", m)
		}
	}
	return nil
}

// newTipView is the form with the buttons of a purchase's tips.
type tipView struct {
	*page.Catalogue
	FormToken string
	ID        string // of the tips to be
	Unlock    string
	Amounts   []paywall.Money
}

// newTipView is nil where no tip can be given: tips are divided as the money of the
// purchase was, and each site has amounts of its own.
func newTipView(x *exchange, u *paywall.Unlock) *tipView {
	if len(x.c.o.Tips) == 0 || !x.tippable(u) {
		return nil
	}
	return &tipView{Catalogue: x.text(), FormToken: x.drawCSRFToken(), ID: paywall.NewID(), Unlock: u.ID, Amounts: x.c.o.Tips}
}

func (x *request) tippable(u *paywall.Unlock) bool {
	return u.Site == x.origin && u.RefundedAt.IsZero() && !u.Paid.IsZero()
}

// tip takes one of the site's amounts for who made what the reader bought. Who that
// is, the ledger says: nothing of it comes with the form.
func tip(x *exchange) error {
	amount, err := wantedTip(x)
	if err != nil {
		return err
	}
	return commitOwn(func(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
		u, err := ledger.Bought(ctx, who.wallet.ID, x.fields["unlock_id"])
		if err != nil {
			return err
		}
		if !x.tippable(&u) {
			return paywall.Errorf(paywall.CodeNotFound, "no tip can be given for this")
		}
		shares, err := ledger.Shares(ctx, who.wallet.ID, u.ID)
		if err != nil {
			return err
		}
		id, err := tipID(x, amount)
		if err != nil {
			return err
		}
		t := paywall.Tip{ID: id, Site: u.Site, Resource: u.Resource, Amount: amount, Shares: shares, FreeShares: x.c.o.FreeShares}
		wallet, err := ledger.Tip(ctx, who.wallet.ID, t)
		switch {
		case errors.Is(err, paywall.ErrInsufficientFunds):
			return tooPoorToTip(x, who, amount, err)
		case err != nil:
			return err
		case x.json:
			return x.answer(http.StatusOK, struct {
				TipID    string           `json:"tip_id"`
				UnlockID string           `json:"unlock_id"`
				Tipped   paywall.Money    `json:"tipped"`
				Currency paywall.Currency `json:"currency"`
				Balance  paywall.Money    `json:"balance"`
			}{t.ID, u.ID, amount, amount.Currency, wallet.Balance})
		}
		x.redirect(Prefix + "wallet?notice=" + noticeTipped)
		return nil
	})(x)
}

// wantedTip is the amount of the button that was pressed, or that a program names.
func wantedTip(x *exchange) (paywall.Money, error) {
	if len(x.c.o.Tips) == 0 {
		return paywall.Money{}, paywall.Errorf(paywall.CodeNotFound, "no tips can be given here")
	}
	wanted, err := paywall.ParseMoney(x.fields["amount"], x.c.o.Currency)
	var amounts []string
	for _, m := range x.c.o.Tips {
		if err == nil && m == wanted {
			return m, nil
		}
		amounts = append(amounts, m.String())
	}
	return wanted, paywall.Errorf(paywall.CodeMalformed, "the field amount is none of the tips here: %s", strings.Join(amounts, ", "))
}

// tipID is the key under which the ledger takes a tip once. A page has one for all
// of its buttons, which are a tip each: who goes back and presses another one means it.
// Without it, a double click would be two.
func tipID(x *exchange, amount paywall.Money) (string, error) {
	id := x.fields["tip_id"]
	switch {
	case id == "" && !x.json:
		return "", paywall.Errorf(paywall.CodeMalformed, "the field tip_id is missing")
	case id == "":
		return paywall.NewID(), nil
	case x.json:
		return id, nil
	}
	return id + "/" + amount.String(), nil
}

func tooPoorToTip(x *exchange, who identity, amount paywall.Money, cause error) error {
	if x.json {
		return poorProblem(x, cause, who.wallet.Balance, amount)
	}
	return topUpPage(x, http.StatusPaymentRequired, who, wanted{}, "tip.wrong")
}

// noticeTipped asks the wallet page to say thank you.
const noticeTipped = "tipped"

// thanksFor is how long after a tip it does.
const thanksFor = 5 * time.Minute

// tipEntry is a tip on the wallet page and the receipt.
type tipEntry struct {
	Title  string // of what it was for, or the site's host
	Amount paywall.Money
	At     time.Time
}

// listTips lists what a wallet gave, as it can be shown beside its purchases.
func listTips(ctx context.Context, x *exchange, ledger tipper, who identity, unlocks []paywall.Unlock) ([]tipEntry, error) {
	list, err := ledger.Tips(ctx, who.wallet.ID, maxListed)
	if err != nil {
		return nil, err
	}
	titles := map[[2]string]string{}
	for i := range unlocks {
		titles[[2]string{unlocks[i].Site, unlocks[i].Resource}] = shownTitle(&unlocks[i])
	}
	entries := make([]tipEntry, 0, len(list))
	for _, t := range list {
		e := tipEntry{Title: titles[[2]string{t.Site, t.Resource}], Amount: t.Amount, At: t.At}
		if e.Title == "" {
			_, e.Title, _ = strings.Cut(t.Site, "://")
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// thanks is for a reader who comes from giving a tip. The address asks for it, and
// the ledger says what was given: nobody can make the page say anything else.
func thanks(x *exchange, tips []tipEntry) string {
	asked := x.r.Method != http.MethodPost && x.r.URL.Query().Get("notice") == noticeTipped
	if !asked || len(tips) == 0 || x.now.Sub(tips[0].At) > thanksFor {
		return ""
	}
	return x.text().T("notice."+noticeTipped, "Amount", x.text().Money(tips[0].Amount), "Title", tips[0].Title)
}
