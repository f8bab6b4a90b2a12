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
	if s == (settings{}) {
		return b
	}
	for _, n := range []int64{s.budget, s.article, s.week, s.forgot} {
		b = binary.AppendVarint(b, n)
	}
	if s.forget {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeSettings(v []byte) (s settings, err error) {
	if len(v) == 0 {
		return s, nil
	}
	for _, field := range []*int64{&s.budget, &s.article, &s.week, &s.forgot} {
		n, size := binary.Varint(v)
		if size <= 0 {
			return s, errValue
		}
		*field, v = n, v[size:]
	}
	if len(v) != 1 || v[0] > 1 {
		return s, errValue
	}
	s.forget = v[0] == 1
	return s, nil
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
	return u.Refundable(now) || !s.forget && u.At.UnixMilli() >= s.forgot
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
	return s.submit(ctx, true, func(g *group) error {
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
		if err := g.spentBefore(w, &r); err != nil {
			return err
		}
		return g.record(&r)
	})
}

// spentBefore has a budget begin with what was spent today, and what may be spent
// without asking with this week's: nobody counted it before.
func (g *group) spentBefore(w wallet, r *journal.Record) error {
	if r.Budget == 0 && r.Week == 0 {
		return nil
	}
	tips, err := g.s.transfers(&g.view, w.number)
	if err != nil {
		return err
	}
	for _, t := range tips {
		if r.Budget != 0 && t.Kind == paywall.KindTip && day(t.Time) == day(r.Time) {
			r.Today += t.Paid()
		}
	}
	places, err := g.bought(w.number)
	if err != nil {
		return err
	}
	for _, at := range places {
		u, err := g.s.unlockAt(&g.view, at)
		if err != nil {
			return err
		}
		if weekOf(u.At) != weekOf(r.Time) {
			break
		}
		if !u.RefundedAt.IsZero() {
			continue
		}
		if r.Budget != 0 && day(u.At) == day(r.Time) {
			r.Today += u.Paid.Micros
		}
		if r.Week != 0 && u.Auto {
			r.Used += u.Paid.Micros
		}
	}
	return nil
}

// applySetting has what no setting asks for counted no more.
func (g *group) applySetting(r *journal.Record) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	w.settings = w.next(r)
	g.begin(counterKey(w.number, countDay), day(r.Time), r.Today)
	g.begin(counterKey(w.number, countWeek), weekOf(r.Time), r.Used)
	g.put(walletKey(id), w.encode())
	return nil
}

// Settings implements [paywall.Store].
func (s *Store) Settings(ctx context.Context, wallet string) (paywall.Settings, paywall.Spending, error) {
	var settings paywall.Settings
	spending, err := query(ctx, s, s.settled, func(v *view) (spent paywall.Spending, err error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return spent, err
		}
		settings = s.settings(w)
		return s.spending(v, w, s.now())
	})
	return settings, spending, err
}

func (s *Store) settings(w wallet) paywall.Settings {
	return paywall.Settings{
		Budget: s.money(w.budget), Forget: w.forget,
		Auto: paywall.Auto{PerArticle: s.money(w.article), PerWeek: s.money(w.week)},
	}
}

func (s *Store) spending(v *view, w wallet, now time.Time) (spent paywall.Spending, err error) {
	today, err := v.counted(counterKey(w.number, countDay), day(now))
	if err != nil {
		return spent, err
	}
	week, err := v.counted(counterKey(w.number, countWeek), weekOf(now))
	if err != nil {
		return spent, err
	}
	places, err := v.bought(w.number)
	if err != nil {
		return spent, err
	}
	spent = paywall.Spending{Today: s.money(today), Week: s.money(week), Month: s.money(0)}
	for _, at := range places {
		u, err := s.unlockAt(v, at)
		if err != nil {
			return spent, err
		}
		if month(u.At) != month(now) {
			break
		}
		if u.RefundedAt.IsZero() {
			spent.Month.Micros += u.Paid.Micros
		}
	}
	tips, err := s.transfers(v, w.number)
	for _, t := range tips {
		if t.Kind == paywall.KindTip && month(t.Time) == month(now) {
			spent.Month.Micros += t.Paid()
		}
	}
	return spent, err
}
