package badgerstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// passkey is the value of a passkey's key.
type passkey struct {
	of  walletID
	set journal.Ref
}

func passkeyKey(id string) []byte {
	h := sha256.Sum256([]byte(id))
	return append([]byte{tagPasskey}, h[:]...)
}

func (p passkey) encode() []byte { return appendPtr(p.of[:], p.set) }

func decodePasskey(v []byte) (p passkey, err error) {
	if len(v) < len(p.of) {
		return p, errValue
	}
	p.of = walletID(v[:len(p.of)])
	p.set, _, err = cutPtr(v[len(p.of):])
	return p, err
}

// passkey finds a passkey by its key: [paywall.ErrNoPasskey].
func (v *view) passkey(key []byte) (passkey, error) {
	value, err := v.get(key)
	if err != nil {
		return passkey{}, err
	}
	if value == nil {
		return passkey{}, paywall.ErrNoPasskey
	}
	p, err := decodePasskey(value)
	if err != nil {
		return p, err
	}
	if _, _, err = v.walletByID(p.of); paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = paywall.ErrNoPasskey // its wallet was erased
	}
	return p, err
}

// SetPasskey implements [paywall.Store].
func (s *Store) SetPasskey(ctx context.Context, wallet string, p paywall.Passkey) error {
	id, err := base64.RawURLEncoding.Strict().DecodeString(p.ID)
	fits := len(id) > 0 && len(id) <= paywall.MaxPasskeyID && p.Data != "" && len(p.Data) <= paywall.MaxPasskeyBytes
	if err != nil || !fits || strings.ContainsAny(p.ID, "\r\n") || !utf8.ValidString(p.Data) {
		return paywall.Errorf(paywall.CodeMalformed, "this passkey cannot be kept")
	}
	return s.submit(ctx, false, func(g *group) error {
		id, w, err := g.wallet(wallet)
		if err != nil {
			return err
		}
		had, err := g.passkey(passkeyKey(p.ID))
		switch {
		case err == nil && had.of != id:
			return paywall.ErrOfferChanged
		case paywall.ErrorCode(err) == paywall.CodeNotFound:
			err = g.mayAddPasskey(w.number)
		}
		if err != nil {
			return err
		}
		r := journal.Record{Wallet: wallet, Passkey: p.ID, Data: p.Data}
		r.Kind = paywall.KindPasskey
		return g.record(&r)
	})
}

func passkeyPrefix(n number) []byte { return append(indexPrefix(n), tagPasskey) }

func (g *group) mayAddPasskey(n number) error {
	has := 0
	err := g.each(passkeyPrefix(n), func(_, _ []byte) error {
		has++
		return nil
	})
	if err == nil && has >= paywall.MaxPasskeys {
		err = paywall.Errorf(paywall.CodeMalformed, "a wallet has at most %d passkeys; remove one first", paywall.MaxPasskeys)
	}
	return err
}

// RemovePasskey implements [paywall.Store].
func (s *Store) RemovePasskey(ctx context.Context, wallet, passkey string) error {
	return s.submit(ctx, false, func(g *group) error {
		id, _, err := g.wallet(wallet)
		if err != nil {
			return err
		}
		had, err := g.passkey(passkeyKey(passkey))
		if err != nil {
			return err
		}
		if had.of != id {
			return paywall.ErrNoPasskey
		}
		r := journal.Record{Wallet: wallet, Passkey: passkey}
		r.Kind = paywall.KindPasskey
		return g.record(&r)
	})
}

func (g *group) applyPasskey(r *journal.Record, at journal.Ref) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	key := passkeyKey(r.Passkey)
	if r.Data == "" {
		g.put(key, nil)
		g.put(indexKey(w.number, key), nil)
		return nil
	}
	g.put(key, passkey{of: id, set: at}.encode())
	g.put(indexKey(w.number, key), []byte{})
	return nil
}

func (s *Store) readPasskey(v *view, key []byte) (paywall.Passkey, walletID, error) {
	p, err := v.passkey(key)
	if err != nil {
		return paywall.Passkey{}, p.of, err
	}
	r, err := s.journal.Read(p.set)
	return paywall.Passkey{ID: r.Passkey, Data: r.Data, SetAt: r.Time}, p.of, err
}

// Passkey implements [paywall.Store].
func (s *Store) Passkey(ctx context.Context, id string) (paywall.Passkey, paywall.Wallet, error) {
	var found paywall.Passkey
	leads, err := query(ctx, s, s.latest, func(v *view) (w paywall.Wallet, err error) {
		var of walletID
		if found, of, err = s.readPasskey(v, passkeyKey(id)); err != nil {
			return w, err
		}
		_, has, err := v.walletByID(of)
		return s.wallet(of, has), err
	})
	return found, leads, err
}

// Passkeys implements [paywall.Store].
func (s *Store) Passkeys(ctx context.Context, wallet string) ([]paywall.Passkey, error) {
	return query(ctx, s, s.latest, func(v *view) ([]paywall.Passkey, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		return s.passkeys(v, w.number)
	})
}

func (s *Store) passkeys(v *view, n number) ([]paywall.Passkey, error) {
	list := []paywall.Passkey{}
	prefix := indexPrefix(n)
	err := v.each(passkeyPrefix(n), func(key, _ []byte) error {
		p, _, err := s.readPasskey(v, key[len(prefix):])
		list = append(list, p)
		return err
	})
	slices.SortFunc(list, func(a, b paywall.Passkey) int { return b.SetAt.Compare(a.SetAt) })
	return list, err
}
