package audit

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"

	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Compare looks up, in a state, everything that this part knows of. It counts the keys
// that must exist, by their first byte, over all parts.
func (a *Audit) Compare(get func(key []byte) ([]byte, error), counts map[byte]int) error {
	c := comparison{Audit: a, get: get, counts: counts}
	for account, balance := range a.accounts {
		c.want(state.AccountKey(account), state.EncodeBalance(balance), "the balance of "+account)
	}
	for key, count := range a.welcomes {
		c.want([]byte(key), count.Encode(), "a site's welcome credits")
	}
	for id, w := range a.wallets {
		c.compareWallet(id, w)
	}
	c.compareKeys()
	for id, u := range a.unlocks {
		value := state.Tombstone
		if !u.Bought.IsZero() {
			value = u.Encode()
		}
		c.want(append([]byte{state.TagUnlock}, id[:]...), value, "a purchase")
	}
	for key, g := range a.gifts {
		if w := a.wallets[g.giver]; w != nil { // of this part
			c.want(state.GiftKey(key), g.Encode(), "a gift")
			c.want(state.IndexKey(w.Number, state.GiftKey(key)), []byte{}, "the index of a wallet's gifts")
		}
	}
	for code, v := range a.vouchers {
		c.want(state.VoucherKey(code), v.Encode(), "a voucher")
	}
	c.compareFunding()
	for id, until := range a.revoked {
		c.want(state.RevokedKey(until, id), []byte{}, "a revocation")
	}
	return c.err
}

// comparison holds a state against what the audit found must be in it.
type comparison struct {
	*Audit
	get    func(key []byte) ([]byte, error)
	counts map[byte]int
	err    error
}

func (c *comparison) compareWallet(id state.WalletID, w *wallet) {
	own := id.String()
	w.Owed, w.Leaving.Parts, w.Leaving.Closes = c.owes[own], c.open[own], c.closes[own]
	c.want(state.WalletKey(id), w.Wallet.Encode(), "a wallet's balance, settings or sums")
	for resource, o := range w.resources {
		c.want(append(state.ResourcePrefix(w.Number), resource[:]...), o.Encode(), "what a wallet owns")
	}
	for key, at := range w.passkeys {
		c.want([]byte(key), state.Passkey{Of: id, Set: at}.Encode(), "a passkey")
		c.want(state.IndexKey(w.Number, []byte(key)), []byte{}, "the index of a wallet's passkeys")
	}
	for key, t := range w.transfers {
		c.want([]byte(key), t.Encode(), "a tip or top-up")
	}
	for key, count := range w.counters {
		c.want([]byte(key), count.Encode(), "a counter")
	}
	for key, months := range w.reduced {
		c.want([]byte(key), reducedCounter(months).Encode(), "the months of a cap")
	}
}

func (c *comparison) compareKeys() {
	for hash, k := range c.keys {
		key, opens, n := state.KeyKey(hash), k.of[:], c.wallets[k.of].Number
		index, at := state.IndexKey(n, key), state.AppendRef(nil, k.at)
		if k.dropped {
			opens, at, index = []byte{}, []byte{}, state.DroppedKey(n, hash)
		}
		c.want(key, opens, "a wallet's key")
		c.want(index, at, "the index of a wallet's keys")
	}
	for hash, id := range c.codes {
		c.want(state.CodeKey(hash), id[:], "a wallet's recovery code")
		c.want(state.IndexKey(c.wallets[id].Number, state.CodeKey(hash)), []byte{}, "the index of a wallet's keys")
	}
}

func (c *comparison) want(key, value []byte, what string) {
	c.counts[key[0]]++
	if c.err != nil {
		return
	}
	got, err := c.get(key)
	switch {
	case err != nil:
		c.err = err
	case got == nil:
		c.problem(nil, "the state lacks %s (key %s)", what, fingerprint(key))
	case !bytes.Equal(got, value):
		c.problem(nil, "the state has %s otherwise than the records make it (key %s)", what, fingerprint(key))
	}
}

// fingerprint tells keys apart in a report that people send around: keys hold wallets'
// ids and hashes of secrets.
func fingerprint(key []byte) string {
	h := sha256.Sum256(key)
	return fmt.Sprintf("%c-%x", key[0], h[:4])
}

// Surplus finds keys of a state that follow from no record: counts is what [Audit.Compare]
// counted over all parts.
func Surplus(keys iter.Seq2[[]byte, error], counts map[byte]int) ([]string, error) {
	have := map[byte]int{}
	for key, err := range keys {
		if err != nil {
			return nil, err
		}
		have[key[0]]++
	}
	delete(have, state.TagRevoked) // kept a little longer than they must
	counts = maps.Clone(counts)
	delete(counts, state.TagRevoked)
	for tag := range counts {
		have[tag] += 0
	}
	a := Audit{}
	for tag, n := range have {
		if n != counts[tag] {
			a.problem(nil, "the state has %d keys of the kind %q, the records make %d", n, tag, counts[tag])
		}
	}
	return a.problems, nil
}
