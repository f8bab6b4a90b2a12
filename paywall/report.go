package paywall

// BackupOptions of a backup.
type BackupOptions struct {
	Since uint64            // only the records after this one; 0: everything
	Size  func(bytes int64) // is told the backup's length before its first byte; may be nil
}

// Stats sums up the ledger. Amounts are decimal strings on the wire.
type Stats struct {
	Currency  Currency        `json:"currency"`
	Wallets   int             `json:"wallets"`
	Sales     Tally           `json:"sales"`
	Refunds   Tally           `json:"refunds"`
	TopUps    Tally           `json:"top_ups"` // PaidIn and FreeGiven together
	Tips      Tally           `json:"tips"`
	Gifts     int             `json:"gifts"`        // opened, for nothing
	Owed      Money           `json:"wallets_owed"` // what all wallets hold together
	Resources []ResourceSales `json:"resources"`

	// What readers put in, and what the publisher gave, which is spent first. Sales,
	// refunds and tips consist of both.
	PaidIn      Tally `json:"paid_in"`    // vouchers redeemed, and payments that went into wallets
	FreeGiven   Tally `json:"free_given"` // welcome credit
	SalesPaid   Money `json:"sales_paid"`
	SalesFree   Money `json:"sales_free"`
	RefundsPaid Money `json:"refunds_paid"`
	RefundsFree Money `json:"refunds_free"`
	TipsPaid    Money `json:"tips_paid"`
	TipsFree    Money `json:"tips_free"`
	OwedPaid    Money `json:"wallets_owed_paid"` // owed to readers
	OwedFree    Money `json:"wallets_owed_free"` // owed to nobody, but readers may spend it

	Creators []CreatorOwed `json:"creators_owed"` // by name

	Funding *Funding `json:"funding,omitempty"` // nil: money came in by vouchers alone
}

// Funding sums up money that came in and went out.
type Funding struct {
	Ways       []WayFunding `json:"ways"` // by name
	Vouchers   Tally        `json:"vouchers"`
	Fees       Money        `json:"fees"`
	Receivable Money        `json:"receivable"` // what wallets owe
	Losses     Money        `json:"losses"`
	Unclaimed  Money        `json:"unclaimed"`
	Suspense   Money        `json:"suspense"` // below zero: what nothing explains took something
	Transit    Money        `json:"transit"`  // on its way back to readers
}

// WayFunding is what came in by one way, and went out.
type WayFunding struct {
	Way       string `json:"way"`
	PaidIn    Tally  `json:"paid_in"`    // into wallets, or what they owed
	CashedOut Tally  `json:"cashed_out"` // by readers, and it did not fail
	Reversed  Tally  `json:"reversed"`   // refunded at the provider, and it did not fail
	Disputed  Tally  `json:"disputed"`   // and not won
	Fees      Money  `json:"fees"`
	Balance   Money  `json:"balance"` // what is there
}

// CreatorOwed is what a creator has earned, less what was undone.
type CreatorOwed struct {
	Creator string `json:"creator"`
	Amount  Money  `json:"amount"`
}

// Tally counts and sums.
type Tally struct {
	Count  int   `json:"count"`
	Amount Money `json:"amount"`
}

// ResourceSales is what one resource brought.
type ResourceSales struct {
	Site     string `json:"site"`
	Resource string `json:"resource"`
	Sales    Tally  `json:"sales"`
	Refunds  Tally  `json:"refunds"`
}

// Report is the outcome of a verification. OK means that Problems is empty. Notes
// say what is no damage but good to know, such as what the next start will repair.
type Report struct {
	OK        bool     `json:"ok"`
	Transfers uint64   `json:"transfers"`
	Seq       uint64   `json:"seq"`
	Head      string   `json:"head"` // hash of the last record
	Problems  []string `json:"problems"`
	Notes     []string `json:"notes,omitempty"`
}
