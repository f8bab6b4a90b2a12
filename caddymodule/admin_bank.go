package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/topups"
	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
)

// maxListed bounds the lists of the admin API. What is placed makes room for the rest.
const maxListed = 1000

// bankAccount is the account that statements are about.
func (a *App) bankAccount() (*topups.Statements, error) {
	for _, way := range a.ways {
		if account, ok := way.Way.(*topups.Statements); ok {
			return account, nil
		}
	}
	return nil, paywall.Errorf(paywall.CodeNotFound, "no bank account is configured; write topup bank with its name, iban and amounts into the global option paywall")
}

// adminBank books a bank's statement. With book=ID it books that one entry alone, which a
// person looked at; intent=REFERENCE says what it pays for.
func adminBank(app *App, w http.ResponseWriter, r *http.Request) error {
	account, err := app.bankAccount()
	if err != nil {
		return err
	}
	if _, err := app.ledger(r.Context()); err != nil {
		return err
	}
	statement, err := account.Parse(r.Body)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if id := query.Get("book"); id != "" {
		transfer, err := app.bookByHand(r.Context(), statement, id, intentOf(query.Get("intent")))
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, transfer)
	}
	call := newLongCall(w, r)
	placed, err := app.placeStatement(r.Context(), &statement, call.progress)
	answer := importOf(statement, placed)
	app.logger.Info("a bank statement is imported", "format", answer.Format, "transfers", len(answer.Transfers), "need_a_person", answer.Open, "not_ours", answer.NotOurs)
	if err != nil {
		err = fmt.Errorf("%w; %d of the statement's transfers are booked: import it again later, which books the rest", err, len(placed))
	}
	return call.end(http.StatusOK, answer, err)
}

// importOf says what became of each entry that may concern the ledger.
func importOf(statement bank.Statement, placed map[int]topup.Placed) wire.Import {
	answer := wire.Import{Format: statement.Format, OtherAccounts: statement.OtherAccounts, Transfers: []wire.Transfer{}}
	for i, entry := range statement.Entries {
		if entry.Matter == bank.NotOurs {
			answer.NotOurs++
			continue
		}
		transfer := transferOf(entry)
		switch p, ok := placed[i]; {
		case ok && p.Err == nil:
			transfer.Outcome = outcomeOf(p.Booked)
			if transfer.Outcome == wire.TransferUnclaimed {
				answer.Open++
			}
		case entry.Matter != bank.Pending:
			answer.Open++
		}
		answer.Transfers = append(answer.Transfers, transfer)
	}
	return answer
}

func transferOf(entry bank.Entry) wire.Transfer {
	transfer := wire.Transfer{
		ID: entry.ID, In: entry.Credit, Amount: entry.Amount.String(), Currency: string(entry.Amount.Currency),
		Intent: entry.Intent, Outcome: string(entry.Matter), Why: entry.Why,
	}
	if !entry.Booked.IsZero() {
		transfer.Booked = entry.Booked.Format(time.DateOnly)
	}
	return transfer
}

func outcomeOf(booked paywall.Booked) string {
	switch {
	case booked.Replayed:
		return wire.TransferReplayed
	case !booked.Placed:
		return wire.TransferUnclaimed
	}
	return wire.TransferBooked
}

// bookByHand books an entry that a person looked at. One whose id the bank gave to another
// transfer, too, gets an id of its own, which is the same the next time.
func (a *App) bookByHand(ctx context.Context, statement bank.Statement, id, intent string) (wire.Transfer, error) {
	for _, entry := range statement.Entries {
		if entry.ID != id {
			continue
		}
		if entry.Matter == bank.Pending || entry.Matter == bank.OtherCurrency {
			return wire.Transfer{}, paywall.Errorf(paywall.CodeConflict, "this transfer cannot be booked: %s", entry.Why)
		}
		if entry.Amount.Currency != a.currency {
			return wire.Transfer{}, paywall.Errorf(paywall.CodeConflict, "this transfer is in %s, and the ledger keeps %s", entry.Amount.Currency, a.currency)
		}
		if intent != "" {
			entry.Intent = intent
		}
		placed, err := a.placeOne(ctx, entry)
		if errors.Is(err, paywall.ErrConflict) {
			sum := sha256.Sum256(fmt.Append(nil, entry.Credit, entry.Amount, entry.Booked, entry.Intent))
			entry.ID += "#" + hex.EncodeToString(sum[:4])
			placed, err = a.placeOne(ctx, entry)
		}
		if err != nil {
			return wire.Transfer{}, err
		}
		a.logger.Info("a transfer is booked by hand", "id", entry.ID)
		entry.Why = ""
		transfer := transferOf(entry)
		transfer.Outcome = outcomeOf(placed)
		return transfer, nil
	}
	return wire.Transfer{}, paywall.Errorf(paywall.CodeNotFound, "the statement has no transfer %q; write an id as the import shows it, or the bank's own reference", id)
}

func (a *App) placeOne(ctx context.Context, entry bank.Entry) (paywall.Booked, error) {
	placed, err := a.topups.Place(ctx, []paywall.Movement{entry.Movement()})
	if err != nil {
		return paywall.Booked{}, err
	}
	return placed[0].Booked, placed[0].Err
}

// intentOf reads an intent's id, or the reference of its transfer, as people write them.
func intentOf(text string) string {
	if intent, ok := bank.ParseReference(text); ok {
		return intent
	}
	return strings.ToUpper(strings.TrimSpace(text))
}

func adminUnclaimed(app *App, w http.ResponseWriter, r *http.Request) error {
	list, err := app.topups.Unclaimed(r.Context(), maxListed)
	if err != nil {
		return err
	}
	answer := make([]wire.Unclaimed, len(list))
	for i, u := range list {
		answer[i] = wire.Unclaimed{Way: u.Way, ID: u.ID, Amount: u.Amount.String(), Currency: string(u.Amount.Currency), At: u.At}
	}
	return writeJSON(w, http.StatusOK, answer)
}

// readPlacing reads an order about unclaimed money. Without a way it is the bank's.
func readPlacing(w http.ResponseWriter, r *http.Request) (order wire.Placing, err error) {
	order.Way = paywall.AccountBank
	if err := readOrder(w, r, &order); err != nil {
		return order, err
	}
	if order.ID == "" {
		return order, paywall.Errorf(paywall.CodeMalformed, "the order names no money; write its id, as the list of unclaimed money has it")
	}
	return order, nil
}

func adminAssign(app *App, w http.ResponseWriter, r *http.Request) error {
	order, err := readPlacing(w, r)
	if err != nil {
		return err
	}
	booked, err := app.topups.Assign(r.Context(), order.Way, order.ID, intentOf(order.Intent))
	if err != nil {
		return err
	}
	app.logger.Info("unclaimed money is assigned", "way", order.Way, "id", order.ID)
	return writeJSON(w, http.StatusOK, wire.Placed{Credited: booked.Credited.String(), Currency: string(app.currency), Replayed: booked.Replayed})
}

func adminReturn(app *App, w http.ResponseWriter, r *http.Request) error {
	order, err := readPlacing(w, r)
	if err != nil {
		return err
	}
	if err := app.topups.SendBack(r.Context(), order.Way, order.ID); err != nil {
		return err
	}
	app.logger.Info("unclaimed money is sent back", "way", order.Way, "id", order.ID)
	return writeJSON(w, http.StatusOK, wire.Placed{})
}

// adminCashOuts lists what a person has to send back at the bank.
func adminCashOuts(app *App, w http.ResponseWriter, r *http.Request) error {
	parts, err := app.topups.OpenCashOuts(r.Context(), paywall.AccountBank, "", maxListed)
	if err != nil {
		return err
	}
	answer := make([]wire.CashOut, len(parts))
	for i, part := range parts {
		if answer[i], err = cashOutOf(part); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

func cashOutOf(part paywall.CashOutPart) (wire.CashOut, error) {
	shown := wire.CashOut{
		Part: part.ID, Payment: part.Payment, Amount: part.Amount.String(), Currency: string(part.Amount.Currency), State: string(part.State), At: part.At,
	}
	if part.Intent == "" {
		return shown, nil
	}
	var err error
	shown.Reference, err = bank.Reference(part.Intent)
	return shown, err
}

func adminSent(app *App, w http.ResponseWriter, r *http.Request) error {
	var order wire.Sent
	if err := readOrder(w, r, &order); err != nil {
		return err
	}
	part, err := app.topups.CashOutDone(r.Context(), order.Part)
	if err != nil {
		return err
	}
	app.logger.Info("a cash-out was sent by hand", "part", part.ID)
	shown, err := cashOutOf(part)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shown)
}
