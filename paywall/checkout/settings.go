package checkout

import (
	"context"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// settingsKeeper keeps what a reader wants of the ledger, and counts what they spend.
type settingsKeeper interface {
	Settings(ctx context.Context, wallet string) (paywall.Settings, paywall.Spending, error)
	Set(ctx context.Context, wallet string, to paywall.Settings) error
}

// wantedSettings are the settings with what the fields say; fields that were not
// sent leave theirs alone. wrong is the key of a text, "" if all is well.
func wantedSettings(x *exchange, s paywall.Settings) (_ paywall.Settings, wrong string, err error) {
	for _, f := range [...]struct {
		name, wrong string
		amount      *paywall.Money
	}{
		{"budget", "budget.wrong", &s.Budget},
		{"per_article", "auto.wrong", &s.Auto.PerArticle},
		{"per_week", "auto.wrong", &s.Auto.PerWeek},
	} {
		if _, sent := x.fields[f.name]; !sent {
			continue
		}
		if *f.amount, err = readAmount(x, f.name); err != nil {
			return s, f.wrong, err
		}
	}
	switch x.fields["forget"] {
	case "":
	case "true", "false":
		s.Forget = x.fields["forget"] == "true"
	default:
		return s, "", paywall.Errorf(paywall.CodeMalformed, "the field forget is neither true nor false")
	}
	if err := s.Check(x.c.o.Currency); err != nil {
		return s, "auto.wrong", err
	}
	return s, "", nil
}

// saveSettings changes what the reader wants of the ledger.
func saveSettings(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	had, _, err := ledger.Settings(ctx, who.wallet.ID)
	if err != nil {
		return err
	}
	wanted, wrong, err := wantedSettings(x, had)
	if wrong != "" && !x.json {
		return ownPage(ctx, x, ledger, http.StatusBadRequest, who, wrong)
	}
	if err != nil {
		return err
	}
	if err := ledger.Set(ctx, who.wallet.ID, wanted); err != nil {
		return err
	}
	if !x.json {
		notice := "saved"
		if wanted.Forget && !had.Forget {
			notice = "forgotten"
		}
		x.redirect(Prefix + "wallet?notice=" + notice)
		return nil
	}
	return x.answer(http.StatusOK, newSettingsEntry(wanted))
}

// settingsEntry has the names of the fields that change the settings.
type settingsEntry struct {
	Budget     paywall.Money `json:"budget"`
	PerArticle paywall.Money `json:"per_article"`
	PerWeek    paywall.Money `json:"per_week"`
	Forget     bool          `json:"forget"`
}

func newSettingsEntry(s paywall.Settings) settingsEntry {
	return settingsEntry{s.Budget, s.Auto.PerArticle, s.Auto.PerWeek, s.Forget}
}

type spendingEntry struct {
	Today paywall.Money `json:"today"`
	Week  paywall.Money `json:"week"`
	Month paywall.Money `json:"month"`
}

// newSettingsView is what the settings of the wallet page show. The fields hold
// what was typed where that has to be corrected.
type settingsView struct {
	Settings                    paywall.Settings
	Spent                       paywall.Spending
	Budget, PerArticle, PerWeek string
}

func newSettingsView(ctx context.Context, x *exchange, ledger settingsKeeper, wallet string) (v settingsView, err error) {
	if v.Settings, v.Spent, err = ledger.Settings(ctx, wallet); err != nil {
		return v, err
	}
	for name, field := range map[string]struct {
		text *string
		now  paywall.Money
	}{
		"budget":      {&v.Budget, v.Settings.Budget},
		"per_article": {&v.PerArticle, v.Settings.Auto.PerArticle},
		"per_week":    {&v.PerWeek, v.Settings.Auto.PerWeek},
	} {
		typed, sent := x.fields[name]
		if *field.text = typed; !sent {
			*field.text = x.text().Field(field.now)
		}
	}
	return v, nil
}
