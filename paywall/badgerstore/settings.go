package badgerstore

import (
	"context"
	"encoding/binary"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// settings stand in the value of a wallet's key, which each purchase reads
// anyway, and take no room there while nothing is set.
type settings struct {
	budget  int64 // per day
	article int64 // without asking
	week    int64 // without asking
	forget  bool
	forgot  int64 // Unix milliseconds; what was bought before is not to be listed any more
}

func appendSettings(b []byte, s settings) []byte {
	for _, n := range [...]int64{s.budget, s.article, s.week, s.forgot} {
		b = binary.AppendVarint(b, n)
	}
	if s.forget {
		return append(b, 1)
	}
	return append(b, 0)
}

func cutSettings(v []byte) (s settings, rest []byte, err error) {
	for _, field := range [...]*int64{&s.budget, &s.article, &s.week, &s.forgot} {
		n, size := binary.Varint(v)
		if size <= 0 {
			return s, v, errValue
		}
		*field, v = n, v[size:]
	}
	if len(v) == 0 || v[0] > 1 {
		return s, v, errValue
	}
	s.forget = v[0] == 1
	return s, v[1:], nil
}

// next is what a record makes of them.
func (s settings) next(r *journal.Record) settings {
	after := settings{budget: r.Budget, article: r.Article, week: r.Week, forget: r.Forget, forgot: s.forgot}
	if s.forget && !r.Forget {
		after.forgot = r.Time.UnixMilli()
	}
	return after
}

// lists reports whether the history shows a purchase.
func (s settings) lists(u *paywall.Unlock, now time.Time) bool {
	return u.Refundable(now) || !s.forgets(u.At)
}

// forgets reports whether nobody is to be shown what a purchase or tip of that time was for.
func (s settings) forgets(at time.Time) bool {
	return s.forget || at.UnixMilli() < s.forgot
}

// forget takes from a purchase's record what owning its resource does not need.
func forget(r *journal.Record) { r.Title, r.URL = "", bare(r) }

// bare is the address of what a purchase opens, without what only its buyer's had:
// of the query, what belongs to the resource's name.
func bare(r *journal.Record) string {
	if i := strings.LastIndexByte(r.Resource, '?'); i >= 0 && strings.Contains(r.URL, "?") {
		return paywall.EscapePath(r.Resource[:i]) + r.Resource[i:]
	}
	return paywall.EscapePath(r.Resource)
}

// Set implements [paywall.Store].
func (s *Store) Set(ctx context.Context, wallet string, to paywall.Settings) error {
	if err := to.Check(s.o.Currency); err != nil {
		return err
	}
	return s.submit(ctx, false, func(g *group) error {
		_, w, err := g.wallet(wallet)
		if err != nil {
			return err
		}
		r := journal.Record{Wallet: wallet, Setting: &journal.Setting{
			Budget: to.Budget.Micros, Article: to.Auto.PerArticle.Micros, Week: to.Auto.PerWeek.Micros, Forget: to.Forget,
		}}
		r.Kind, r.Time = paywall.KindSetting, g.now
		if w.next(&r) == w.settings {
			return nil
		}
		spent := w.spent.on(g.now)
		if r.Budget != 0 {
			r.Today = spent.today
		}
		if r.Week != 0 {
			r.Used = spent.week
		}
		return g.record(&r)
	})
}

func (g *group) applySetting(r *journal.Record) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	w.settings = w.next(r)
	g.put(walletKey(id), w.encode())
	return nil
}

// Settings implements [paywall.Store].
func (s *Store) Settings(ctx context.Context, wallet string) (paywall.Settings, paywall.Spending, error) {
	var settings paywall.Settings
	spending, err := query(ctx, s, s.latest, func(v *view) (paywall.Spending, error) {
		_, w, err := v.wallet(wallet)
		settings = s.settings(w)
		if err != nil {
			return paywall.Spending{}, err
		}
		spent := w.spent.on(s.now())
		undone, err := v.counted(counterKey(w.number, countRefunds), month(s.now()))
		return paywall.Spending{
			Today: s.money(spent.today), Week: s.money(spent.week), Month: s.money(spent.month), Undone: int(undone),
		}, err
	})
	return settings, spending, err
}

func (s *Store) settings(w wallet) paywall.Settings {
	return paywall.Settings{
		Budget: s.money(w.budget), Forget: w.forget,
		Auto: paywall.Auto{PerArticle: s.money(w.article), PerWeek: s.money(w.week)},
	}
}
