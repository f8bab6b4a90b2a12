package topup

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	// patience is how long a reader waits for a provider.
	patience = 2500 * time.Millisecond
	// maxBegun bounds the intents that are remembered for a reader who tries again.
	maxBegun = 1000

	returnPath = "/.paywall/topup/return?intent="
)

// Request is a top-up that a reader asks for.
type Request struct {
	ID      string // of the intent to be, 16 characters of A-Z and 2-7 that a form brings along, so that it begins one however often it is sent; "": drawn
	Wallet  string
	Way     string
	Amount  paywall.Money // one of the way's
	Network netip.Prefix  // the client's: a /32 of IPv4, a /56 of IPv6
	Site    string        // origin that the reader comes back to
	Known   bool          // the wallet was paid into before: it is let in when a way is closed for new ones
}

// Status is what a reader is told about a top-up. Its ids are in clear.
type Status struct {
	Intent   paywall.Intent
	Next     *Next         // what the reader has to do; nil if nothing
	Credited paywall.Money // went into the wallet; of Look only
	Late     bool          // the provider did not answer: what stands here may be older
}

// wanted is what a reader asks for again after no answer came.
type wanted struct {
	wallet, way, site string
	micros            int64
}

// begun is an intent in the ledger whose answer from the way is not known, or did not
// reach the reader.
type begun struct {
	Begin
	sealed   string
	answered bool
}

// Begin records a top-up and asks its way for what the reader has to do, which is in
// [Status.Next]. It answers within about three seconds. A provider that does not answer is
// [paywall.CodeUnavailable], and nothing is taken; the same request again then goes on
// with the same intent.
func (s *Service) Begin(ctx context.Context, q Request) (Status, error) {
	way, err := s.way(q.Way)
	if err != nil {
		return Status{}, err
	}
	if !slices.Contains(way.Amounts, q.Amount) {
		return Status{}, paywall.Errorf(paywall.CodeMalformed, "%s cannot be paid in here; choose one of the amounts that are offered", q.Amount)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return Status{}, err
	}
	want := wanted{q.Wallet, q.Way, q.Site, q.Amount.Micros}
	if status, known, err := s.goOn(ctx, l, way, want, q); known || err != nil {
		return status, err
	}
	if b := s.remembered(want); b != nil {
		status, err := s.offer(ctx, l, way, want, b)
		if !errors.Is(err, ErrRefused) {
			return status, err
		}
	}
	b, err := s.record(ctx, l, way, q)
	if err != nil {
		return Status{}, err
	}
	return s.offer(ctx, l, way, want, b)
}

// goOn goes on with the intent that a request names, if it was begun before.
func (s *Service) goOn(ctx context.Context, l Ledger, way *openWay, want wanted, q Request) (_ Status, known bool, _ error) {
	if q.ID == "" {
		return Status{}, false, nil
	}
	if !intentID(q.ID) {
		return Status{}, false, paywall.Errorf(paywall.CodeMalformed, "a top-up cannot have this id; it has 16 characters of A-Z and 2-7")
	}
	in, err := s.find(ctx, l, q.ID)
	switch {
	case isNotFound(err):
		return Status{}, false, nil
	case err != nil:
		return Status{}, false, err
	case in.Wallet != q.Wallet || in.Way != q.Way || in.Amount != q.Amount:
		return Status{}, false, paywall.ErrConflict
	case in.State == paywall.IntentOpen:
		b := begin(q, q.ID, in.ExpiresAt)
		b.sealed = in.ID
		b.Strict, _ = way.breaker.judge(s.o.Now())
		status, err := s.offer(ctx, l, way, want, b)
		return status, true, err
	}
	status, err := s.Look(ctx, q.ID)
	if err == nil && status.Intent.State == paywall.IntentOffered && status.Next == nil {
		err = errSilent
	}
	return status, true, err
}

// errSilent is for a reader whose provider does not say where to pay.
var errSilent = paywall.Errorf(paywall.CodeUnavailable, "the payment service does not answer; nothing was taken. Try again in a minute, or choose another way: %w", ErrProvider)

// begin is what a way is told of a request.
func begin(q Request, id string, expires time.Time) *begun {
	back := q.Site + returnPath + url.QueryEscape(id)
	return &begun{Begin: Begin{ID: id, Amount: q.Amount, Expires: expires, Return: back, Cancel: back + "&canceled=1"}}
}

// record has the ledger know an intent before anybody is asked for money.
func (s *Service) record(ctx context.Context, l Ledger, way *openWay, q Request) (*begun, error) {
	now := s.o.Now()
	strict, closed := way.judge(now)
	if closed && !q.Known {
		return nil, paywall.Errorf(paywall.CodeUnavailable, "this way is closed for new wallets for an hour, since too many payments failed; choose another way")
	}
	if !s.networks.allow(q.Network, s.o.LimitFactor, now) {
		return nil, paywall.Errorf(paywall.CodeRateLimited, "too many top-ups were begun from your network; try again in an hour, or choose a voucher")
	}
	b := begin(q, cmp.Or(q.ID, rand.Text()[:intentLength]), now.Add(way.Life()).UTC().Truncate(time.Second))
	b.Strict = strict
	var err error
	if b.sealed, err = s.o.Seals.seal(b.ID, s.o.Seals.year()); err != nil {
		return nil, err
	}
	in, err := l.BeginTopUp(ctx, paywall.Intent{
		ID: b.sealed, Wallet: q.Wallet, Way: q.Way, Amount: q.Amount,
		State: paywall.IntentOpen, Begun: now, ExpiresAt: b.Expires,
	})
	b.Expires = in.ExpiresAt // of the first, if the same form began it at the same moment
	return b, err
}

// offer asks the way, and records its answer before the reader gets it: nobody can pay
// what the ledger could not look up.
func (s *Service) offer(ctx context.Context, l Ledger, way *openWay, want wanted, b *begun) (Status, error) {
	next, err := way.Begin(ctx, b.Begin)
	if errors.Is(err, ErrRefused) {
		s.forget(want, b)
		s.o.Logger.Error("a way refused a top-up", "way", want.way, "error", err)
		if _, moved := l.MoveIntent(ctx, b.sealed, paywall.IntentRefused, ""); moved != nil {
			return Status{}, moved
		}
		return Status{}, paywall.Errorf(paywall.CodeUnavailable, "this way does not take the payment; choose another way: %w", err)
	}
	if err != nil {
		s.remember(want, b)
		s.o.Logger.Warn("a way did not answer a new top-up", "way", want.way, "error", err)
		return Status{}, paywall.Errorf(paywall.CodeUnavailable, "%s: %w", errSilent.Message, err)
	}
	in, err := s.offered(ctx, l, b, next.Object)
	if err != nil {
		s.remember(want, b)
		return Status{}, err
	}
	s.forget(want, b)
	if in, err = s.opened(in); err != nil {
		return Status{}, err
	}
	return Status{Intent: in, Next: &next}, nil
}

// offered records what the provider calls an intent.
func (s *Service) offered(ctx context.Context, l Ledger, b *begun, object string) (paywall.Intent, error) {
	year, err := sealedIn(b.sealed)
	if err != nil {
		return paywall.Intent{}, err
	}
	sealed, err := s.o.Seals.seal(object, year)
	if err != nil {
		return paywall.Intent{}, err
	}
	return l.MoveIntent(ctx, b.sealed, paywall.IntentOffered, sealed)
}

// remembered takes an intent that the reader asked for before, unless its time is over.
// Taken, it is no other request's.
func (s *Service) remembered(want wanted) *begun {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.begun[want]
	delete(s.begun, want)
	if b == nil || !s.o.Now().Before(b.Expires) {
		return nil
	}
	return b
}

func (s *Service) remember(want wanted, b *begun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun[want] == nil && len(s.begun) < maxBegun {
		s.begun[want] = b
	}
}

// forget drops an intent, if it is still the one that is remembered.
func (s *Service) forget(want wanted, b *begun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun[want] == b {
		delete(s.begun, want)
	}
}
