package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/topups"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
	"github.com/tuppence/tuppence/paywall/topup/stripe"
)

// folderEvery is how often a folder for bank statements is looked at.
const folderEvery = 5 * time.Second

// openTopUps makes the service that money comes in by. There is one without ways, too:
// what a way of an earlier config began goes on to its end, and its keys are deleted in time.
func (a *App) openTopUps(v *sharedVault) (*topup.Service, error) {
	seals, err := topup.OpenSeals(filepath.Join(a.dir, "keys"), time.Now)
	if err != nil {
		return nil, fmt.Errorf("opening the link keys: %w", err)
	}
	service, err := topup.New(topup.Options{
		Ledger:   func(context.Context) (topup.Ledger, error) { return v.Ledger() },
		Ways:     a.ways,
		Seals:    seals,
		Memory:   v.topups,
		Currency: a.currency,
		Logger:   newOnceLog(a.logger),
		Now:      time.Now,

		LimitFactor: a.Limits,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the ways of topup: %w", err)
	}
	for _, way := range a.ways {
		if card, ok := way.Way.(*stripe.Way); ok && !card.Live() {
			a.logger.Warn("stripe is in test mode: no money moves, and whoever has a test card reads for nothing")
		}
	}
	return service, nil
}

// offered is what readers can put money in by, and get it back; nil without ways.
func (a *App) offered() checkout.TopUps {
	if len(a.ways) == 0 {
		return nil
	}
	return a.topups
}

// runTopUps begins what goes on beside the requests until Stop. The service waits until
// that of the config before has ended; a folder needs no such care, since a new look at
// one takes no file within its first seconds.
func (a *App) runTopUps() {
	var ctx context.Context
	ctx, a.end = context.WithCancel(context.Background())
	go a.topups.Run(ctx)
	for _, way := range a.ways {
		if account, ok := way.Way.(*topups.Statements); ok && account.Folder != "" {
			go a.watch(ctx, account)
		}
	}
}

// watch reads the statements that come into an account's folder.
func (a *App) watch(ctx context.Context, account *topups.Statements) {
	folder := bank.NewFolder(account.Folder, account.Way, a.bookStatement, a.logger)
	ticker := time.NewTicker(folderEvery)
	defer ticker.Stop()
	said := ""
	for {
		switch err := folder.Look(ctx); {
		case ctx.Err() != nil:
			return
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			a.logger.Error("bank statements cannot be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// bookStatement books what is sure of a statement. A movement that the ledger has under
// the same id with other content needs a person, which the statement says from then on.
func (a *App) bookStatement(ctx context.Context, statement *bank.Statement) error {
	_, err := a.placeStatement(ctx, statement, nil)
	return err
}

// placedAtOnce is how many movements are booked before progress is told.
const placedAtOnce = 100

// placeStatement books the entries of a statement that are sure, and answers what became
// of each by its place among them. When the ledger goes away meanwhile, what was booked
// stays booked.
func (a *App) placeStatement(ctx context.Context, statement *bank.Statement, progress func(done, total int)) (map[int]topup.Placed, error) {
	var sure []int
	for i, entry := range statement.Entries {
		if entry.Matter == bank.Sure {
			sure = append(sure, i)
		}
	}
	outcome := make(map[int]topup.Placed, len(sure))
	for begin := 0; begin < len(sure); begin += placedAtOnce {
		part := sure[begin:min(begin+placedAtOnce, len(sure))]
		movements := make([]paywall.Movement, len(part))
		for i, index := range part {
			movements[i] = statement.Entries[index].Movement()
		}
		placed, err := a.topups.Place(ctx, movements)
		for i, p := range placed {
			outcome[part[i]] = p
			if p.Err != nil {
				entry := &statement.Entries[part[i]]
				entry.Matter, entry.Why = bank.NeedsPerson, cannotBook(p.Err)
			}
		}
		if err != nil {
			return outcome, err
		}
		if progress != nil {
			progress(begin+len(part), len(sure))
		}
	}
	return outcome, nil
}

// cannotBook says why a movement that looked sure is not.
func cannotBook(err error) string {
	if errors.Is(err, paywall.ErrConflict) {
		return "the bank gave its reference (AcctSvcrRef) to another transfer before; compare the two, and book this one by hand"
	}
	return err.Error()
}
