package badgerstore

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
)

// comparison holds Badger's snapshot against what the audit found must be in it.
type comparison struct {
	*audit
	v      *view
	counts map[byte]int // keys that must exist, by tag, over all parts
	err    error
}

// compare looks up everything one part of the audit knows of.
func (a *audit) compare(v *view, counts map[byte]int) error {
	c := comparison{audit: a, v: v, counts: counts}
	for account, balance := range a.accounts {
		c.want(accountKey(account), encodeBalance(balance), "the balance of "+account)
	}
	for id, w := range a.wallets {
		c.want(walletKey(id), w.encode(), "a wallet's balance, settings or sums")
		for resource, o := range w.resources {
			key := append(resourcePrefix(w.number), resource[:]...)
			c.want(key, o.encode(), "what a wallet owns")
		}
	}
	for id, w := range a.wallets {
		for key, at := range w.passkeys {
			c.want([]byte(key), passkey{of: id, set: at}.encode(), "a passkey")
			c.want(indexKey(w.number, []byte(key)), []byte{}, "the index of a wallet's passkeys")
		}
		for key, t := range w.transfers {
			c.want([]byte(key), t.encode(), "a tip or top-up")
		}
		for key, count := range w.counters {
			c.want([]byte(key), count.encode(), "a counter")
		}
		for key, months := range w.reduced {
			c.want([]byte(key), reducedCounter(months).encode(), "the months of a cap")
		}
	}
	for key, count := range a.welcomes {
		c.want([]byte(key), count.encode(), "a site's welcome credits")
	}
	for hash, k := range a.keys {
		key, opens, n := keyKey(hash), k.of[:], a.wallets[k.of].number
		index, at := indexKey(n, key), appendPtr(nil, k.at)
		if k.dropped {
			opens, at = []byte{}, []byte{}
			index = indexKey(n, append([]byte{tagDropped}, hash[:]...))
		}
		c.want(key, opens, "a wallet's key")
		c.want(index, at, "the index of a wallet's keys")
	}
	for hash, id := range a.codes {
		c.want(codeKey(hash), id[:], "a wallet's recovery code")
		c.want(indexKey(a.wallets[id].number, codeKey(hash)), []byte{}, "the index of a wallet's keys")
	}
	for id, u := range a.unlocks {
		value := u.encode()
		if u.bought.IsZero() {
			value = u.number[:]
		}
		c.want(append([]byte{tagUnlock}, id[:]...), value, "a purchase")
	}
	c.compareGifts()
	for code, v := range a.vouchers {
		c.want(voucherKey(code), v.encode(), "a voucher")
	}
	for id, until := range a.revoked {
		c.want(revokedKey(until, id), []byte{}, "a revocation")
	}
	return c.err
}

func (c *comparison) want(key, value []byte, what string) {
	c.counts[key[0]]++
	if c.err != nil {
		return
	}
	got, err := c.v.get(key)
	switch {
	case err != nil:
		c.err = err
	case got == nil:
		c.problem(nil, "Badger lacks %s (key %s)", what, fingerprint(key))
	case !bytes.Equal(got, value):
		c.problem(nil, "Badger has %s otherwise than the journal makes it (key %s)", what, fingerprint(key))
	}
}

// fingerprint tells keys apart in a report that people send around: keys hold
// wallets' ids and hashes of secrets.
func fingerprint(key []byte) string {
	h := sha256.Sum256(key)
	return fmt.Sprintf("%c-%x", key[0], h[:4])
}

// surplus finds keys in Badger that follow from no record.
func surplus(v *view, counts map[byte]int, interrupted func() error) (problems []string, err error) {
	have := map[byte]int{}
	it := v.txn.NewIterator(keysOnly)
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()
		if value, over := v.pending[string(key)]; !over || value != nil {
			have[key[0]]++
		}
		if err := interrupted(); err != nil {
			return nil, err
		}
	}
	delete(have, tagMeta)
	delete(have, tagRevoked) // kept a little longer than they must
	counts = maps.Clone(counts)
	delete(counts, tagRevoked)
	for tag := range counts {
		have[tag] += 0
	}
	a := audit{}
	for tag, n := range have {
		if n != counts[tag] {
			a.problem(nil, "Badger has %d keys of the kind %q, the journal makes %d", n, tag, counts[tag])
		}
	}
	return a.problems, nil
}
