package ledger

import (
	"context"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Set replaces a wallet's settings. Settings that [paywall.Settings.Check] refuses are
// [paywall.CodeMalformed]. [paywall.ErrNoWallet].
func (l *Ledger) Set(ctx context.Context, wallet string, to paywall.Settings) error {
	if err := to.Check(l.info.Currency); err != nil {
		return err
	}
	return act(ctx, l, walletReads(wallet), func(v *view) (*journal.Record, error) { return decideSettings(v, wallet, to) })
}

func decideSettings(v *view, wallet string, to paywall.Settings) (*journal.Record, error) {
	_, w, err := v.wallet(wallet)
	if err != nil {
		return nil, err
	}
	r := &journal.Record{Wallet: wallet, Setting: &journal.Setting{
		Budget: to.Budget.Micros, Article: to.Auto.PerArticle.Micros, Week: to.Auto.PerWeek.Micros, Forget: to.Forget,
	}}
	r.Kind, r.Time = paywall.KindSetting, v.now
	if settingsAfter(w.Settings, r) == w.Settings {
		return nil, nil
	}
	spent := spentOn(w.Spent, v.now)
	if r.Budget != 0 {
		r.Today = spent.Today
	}
	if r.Week != 0 {
		r.Used = spent.Week
	}
	return r, nil
}

// settingsAfter is what a record makes of a wallet's settings.
func settingsAfter(s state.Settings, r *journal.Record) state.Settings {
	after := state.Settings{Budget: r.Budget, Article: r.Article, Week: r.Setting.Week, Forget: r.Forget, Forgot: s.Forgot}
	if s.Forget && !r.Forget {
		after.Forgot = r.Time.UnixMilli()
	}
	return after
}

// lists reports whether the history shows a purchase.
func lists(s state.Settings, u *paywall.Unlock, now time.Time) bool {
	return u.Refundable(now) || !forgets(s, u.At)
}

// forgets reports whether nobody is to be shown the resource of a purchase or tip of
// that time.
func forgets(s state.Settings, at time.Time) bool {
	return s.Forget || at.UnixMilli() < s.Forgot
}

// forget takes from a purchase's record everything that owning its resource does not need.
func forget(r *journal.Record) { r.Title, r.URL = "", state.Bare(r) }

// Settings answers a wallet's settings and what it spent. [paywall.ErrNoWallet].
func (l *Ledger) Settings(ctx context.Context, wallet string) (paywall.Settings, paywall.Spending, error) {
	var settings paywall.Settings
	spending, err := look(ctx, l, walletReads(wallet), func(v *view) (paywall.Spending, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return paywall.Spending{}, err
		}
		settings = v.settings(&w)
		spent := spentOn(w.Spent, v.now)
		undone, err := v.counted(state.RefundsKey(w.Number), month(v.now))
		return paywall.Spending{
			Today: v.money(spent.Today), Week: v.money(spent.Week), Month: v.money(spent.Month), Undone: int(undone),
		}, err
	})
	return settings, spending, err
}

func (v *view) settings(w *state.Wallet) paywall.Settings {
	return paywall.Settings{
		Budget: v.money(w.Budget), Forget: w.Forget,
		Auto: paywall.Auto{PerArticle: v.money(w.Article), PerWeek: v.money(w.Week)},
	}
}
