package checkout

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// exportEntry is a purchase with whether it was a gift in place of the gift's key,
// which is nobody's to know.
type exportEntry struct {
	paywall.Unlock
	Gift bool `json:"gift,omitzero"`
}

// exportHead is all of an export but its lists.
type exportHead struct {
	*paywall.WalletExport
	Purchases any `json:"purchases,omitempty"`
	Gifts     any `json:"gifts,omitempty"`
	Tips      any `json:"tips,omitempty"`
	Credits   any `json:"credits,omitempty"`
}

// exportedIntent is a payment that was begun and is not here yet.
type exportedIntent struct {
	ID     string              `json:"intent"`
	Way    string              `json:"way"`
	Amount paywall.Money       `json:"amount"`
	State  paywall.IntentState `json:"state"`
	Begun  time.Time           `json:"begun_at"`
}

// exportWallet hands a reader everything that the ledger holds of their wallet. Whoever
// wants nothing remembered of what they buy finds none of it here, either.
func exportWallet(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	e := exportWriter{x: x, out: bufio.NewWriterSize(x.w, 32<<10)}
	err := ledger.WalletExport(ctx, who.wallet.ID, e.part)
	if err == nil {
		err = e.moving(ctx, who.wallet.ID)
	}
	if err == nil {
		err = e.end()
	}
	switch {
	case errors.Is(err, errHeadOnly):
		return nil
	case err != nil && e.begun:
		if ctx.Err() == nil {
			x.logFailure(codeOf(err), http.StatusInternalServerError, err)
		}
		panic(http.ErrAbortHandler) // so that half of it is not taken for all
	}
	return err
}

// exportWriter writes an export as it is read: a history may be longer than what
// memory should hold.
type exportWriter struct {
	x     *exchange
	out   *bufio.Writer
	begun bool
	list  int // of exportLists, that is open
	has   bool
}

// exportLists follow the head, in this order.
var exportLists = [...]string{"purchases", "gifts", "tips", "credits", "top_ups", "cash_outs"}

var errHeadOnly = errors.New("HEAD wants no body")

func (e *exportWriter) part(p *paywall.WalletExport) error {
	if !e.begun {
		if err := e.begin(p); err != nil {
			return err
		}
	}
	for _, u := range p.Purchases {
		if err := e.add(0, exportEntry{unnamed(u), u.Gift != paywall.Hash{}}); err != nil {
			return err
		}
	}
	return errors.Join(addAll(e, 1, p.Gifts), addAll(e, 2, p.Tips), addAll(e, 3, p.Credits))
}

// moving writes what is on its way in, and what went back.
func (e *exportWriter) moving(ctx context.Context, wallet string) error {
	if e.x.c.o.TopUps == nil {
		return nil
	}
	waiting, err := e.x.c.o.TopUps.Waiting(ctx, wallet)
	if err != nil {
		return err
	}
	for i := range waiting {
		in := &waiting[i]
		if err := e.add(4, exportedIntent{in.ID, kindOf(in.Way), in.Amount, in.State, in.Begun}); err != nil {
			return err
		}
	}
	back, err := e.x.c.o.TopUps.CashOuts(ctx, wallet)
	return errors.Join(err, addAll(e, 5, cashOutEntries(back)))
}

func (e *exportWriter) begin(p *paywall.WalletExport) error {
	head, err := json.MarshalIndent(exportHead{WalletExport: p}, "", "  ")
	if err != nil {
		return err
	}
	e.begun = true
	e.x.answerHeaders()
	h := e.x.w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="wallet.json"`)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	e.x.w.WriteHeader(http.StatusOK)
	if e.x.r.Method == http.MethodHead {
		return errHeadOnly
	}
	return errors.Join(e.write(head[:len(head)-len("\n}")]), e.open())
}

func addAll[T any](e *exportWriter, list int, entries []T) error {
	for _, entry := range entries {
		if err := e.add(list, entry); err != nil {
			return err
		}
	}
	return nil
}

// add writes an entry of a list, which is the open one or follows it.
func (e *exportWriter) add(list int, entry any) error {
	for e.list < list {
		if err := errors.Join(e.close(), e.open()); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(entry, "    ", "  ")
	if err != nil {
		return err
	}
	between := ",\n    "
	if !e.has {
		e.has, between = true, "\n    "
	}
	return errors.Join(e.write([]byte(between)), e.write(text))
}

func (e *exportWriter) open() error {
	return e.write([]byte(",\n  \"" + exportLists[e.list] + "\": ["))
}

func (e *exportWriter) close() error {
	end := "]"
	if e.has {
		end = "\n  ]"
	}
	e.list, e.has = e.list+1, false
	return e.write([]byte(end))
}

// end closes what is open.
func (e *exportWriter) end() error {
	for {
		if err := e.close(); err != nil {
			return err
		}
		if e.list == len(exportLists) {
			break
		}
		if err := e.open(); err != nil {
			return err
		}
	}
	return errors.Join(e.write([]byte("\n}\n")), e.out.Flush())
}

func (e *exportWriter) write(text []byte) error {
	_, err := e.out.Write(text)
	return err
}
