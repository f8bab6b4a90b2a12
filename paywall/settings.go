package paywall

// Settings are what a reader wants of the ledger, for one wallet.
type Settings struct {
	// Budget is the most that purchases and tips take in a UTC day; what is refunded
	// does not count. Zero: no limit.
	Budget Money `json:"budget"`

	// Auto allows small purchases without being asked.
	Auto Auto `json:"auto"`

	// Forget has purchases recorded without their title and query: only the resource
	// stays, which owning it needs. All purchases until then are [Unlock.Forgotten]
	// from then on. The history lists none of these that can no longer be undone.
	Forget bool `json:"forget"`
}

// Auto bounds what [Purchase.Auto] may take. Either both are above zero, and
// PerArticle is not above PerWeek, or both are zero: nothing without being asked.
type Auto struct {
	PerArticle Money `json:"per_article"`
	PerWeek    Money `json:"per_week"` // in a UTC week, which begins on Monday
}

// Check refuses settings that are negative, in another currency than c, too
// large or contradict one another, with [CodeMalformed].
func (s *Settings) Check(c Currency) error {
	for _, m := range []Money{s.Budget, s.Auto.PerArticle, s.Auto.PerWeek} {
		if m.Micros < 0 || m.Micros > maxPriceUnits*microsPerUnit || m.Micros > 0 && m.Currency != c {
			return Errorf(CodeMalformed, "%s %s is no amount that can be set here", m, m.Currency)
		}
	}
	if s.Auto.PerArticle.IsZero() != s.Auto.PerWeek.IsZero() || s.Auto.PerArticle.Micros > s.Auto.PerWeek.Micros {
		return Errorf(CodeMalformed, "to open articles without being asked, set an amount for one article and at least as much for a week")
	}
	return nil
}

// Spending is what a wallet spent for purchases and tips in the periods that run,
// less what was refunded.
type Spending struct {
	Today Money // counts against the budget
	Week  Money // without being asked
	Month Money

	Undone int // purchases that were undone in this month
}
