package revenue

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/tuppence/tuppence/paywall"
)

// beans writes a Beancount file that bean-check accepts. Accounts:
//
//	Liabilities:Wallets     what readers have in their wallets: owed, not earned
//	Income:Site:…           a site's part of its sales
//	Income:Creators:…       a creator's part
//	Equity:Promo            welcome credit given
//	Assets:Vouchers         vouchers redeemed: what they were sold for
//	Assets:Bank             the publisher's bank
//	Assets:Providers:…      what a provider has of the publisher's, such as stripe
//	Expenses:Fees           what providers took
//	Assets:Receivable       what readers owe after a payment was taken back
//	Expenses:Losses         of that, what never comes
//	Liabilities:Transit     on its way back to readers
//	Liabilities:Unclaimed   money that came and belongs to no wallet yet
//	Equity:Suspense         movements of a provider that nothing explains
//	Equity:Other:…          anything else the ledger may come to know
//
// Beancount writes debits as positive amounts, so every sign is turned: money
// in a wallet is a liability, below zero.
type beans struct {
	w        *bufio.Writer
	currency paywall.Currency
	accounts map[string]string // of the ledger → Beancount's
	taken    map[string]bool
}

func newBeans(w io.Writer) *beans {
	return &beans{w: bufio.NewWriter(w), accounts: map[string]string{}, taken: map[string]bool{}}
}

func (b *beans) begin(currency paywall.Currency) error {
	b.currency = currency
	_, err := fmt.Fprintf(b.w, "option \"title\" \"Tuppence\"\noption \"operating_currency\" \"%s\"\n", currency)
	return err
}

func (b *beans) add(t *transfer) error {
	for _, leg := range t.Legs {
		if err := b.open(leg[0]); err != nil {
			return err
		}
	}
	at := t.Time.UTC()
	fmt.Fprintf(b.w, "\n%s * %s %s\n", at.Format(time.DateOnly), quoted(string(t.Kind)), quoted(t.Title))
	fmt.Fprintf(b.w, "  seq: %d\n  time: %s\n  cause: %s\n", t.Seq, quoted(at.Format("15:04:05.000")), quoted(t.Cause))
	if t.Resource != "" {
		fmt.Fprintf(b.w, "  resource: %s\n", quoted(t.Resource))
	}
	for _, leg := range t.Legs {
		amount, err := paywall.ParseMoney(leg[1], b.currency)
		if err != nil {
			return fmt.Errorf("reading transfer %d: %w", t.Seq, err)
		}
		amount.Micros = -amount.Micros
		fmt.Fprintf(b.w, "  %s  %s %s\n", b.name(leg[0]), amount, b.currency)
	}
	return b.flushed()
}

// flushed reports what went wrong in writing so far, which [bufio.Writer] keeps.
func (b *beans) flushed() error {
	_, err := b.w.Write(nil)
	return err
}

func (b *beans) end() error { return b.w.Flush() }

const wallets = "Liabilities:Wallets"

// name is an account's name after open. There are too many wallets to note each.
func (b *beans) name(account string) string {
	if strings.HasPrefix(account, paywall.WalletAccount("")) {
		return wallets
	}
	return b.accounts[account]
}

// open names an account before it is used. The date is long past, because clocks
// are set back, and an entry before its account was opened is an error.
func (b *beans) open(account string) error {
	if b.taken[b.name(account)] {
		return nil
	}
	kind, name, _ := strings.Cut(account, "/")
	var opened string
	switch kind {
	case "wallet":
		opened, name = wallets, ""
	case "site":
		_, host, _ := strings.Cut(name, "://")
		opened = b.free("Income:Site:" + component(host))
	case "creator":
		opened = b.free("Income:Creators:" + component(name))
	case paywall.AccountPromo:
		opened = "Equity:Promo"
	case paywall.AccountVoucher:
		opened = "Assets:Vouchers"
	case paywall.AccountBank:
		opened = "Assets:Bank"
	case paywall.AccountFees:
		opened = "Expenses:Fees"
	case paywall.AccountReceivable:
		opened = "Assets:Receivable"
	case paywall.AccountLosses:
		opened = "Expenses:Losses"
	case paywall.AccountTransit:
		opened = "Liabilities:Transit"
	case paywall.AccountUnclaimed:
		opened = "Liabilities:Unclaimed"
	case paywall.AccountSuspense:
		opened = "Equity:Suspense"
	case account: // a way's is a name without more
		opened, name = b.free("Assets:Providers:"+component(account)), account
	default:
		opened, name = b.free("Equity:Other:"+component(account)), account
	}
	if opened != wallets {
		b.accounts[account] = opened
	}
	b.taken[opened] = true
	fmt.Fprintf(b.w, "\n1970-01-01 open %s %s\n", opened, b.currency)
	if name != "" {
		fmt.Fprintf(b.w, "  name: %s\n", quoted(name))
	}
	return b.flushed()
}

// free numbers accounts whose names come out alike, in the order in which they
// come up. That order is the ledger's, so a later export names them the same.
func (b *beans) free(account string) string {
	for n, name := 2, account; ; n++ {
		if !b.taken[name] {
			return name
		}
		name = fmt.Sprintf("%s-%d", account, n)
	}
}

// component makes one part of an account's name: letters, digits and hyphens, the
// first an upper-case letter or a digit.
func component(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	name := strings.TrimRight(out.String(), "-")
	if name == "" {
		return "X"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// quoted is a Beancount string.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(s)) + `"`
}
