//go:build linux

package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// ours is the ledger as the server uses it.
type ours struct {
	*ledger.Ledger
	dir     string
	wallets []string
}

func openLedger(ctx context.Context, dir string, disk segment.Disk) (*ledger.Ledger, error) {
	s, err := badgerstore.Open(ctx, badgerstore.Options{
		Dir: dir, Currency: currency, Disk: disk, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	l, err := ledger.New(s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return l, nil
}

func newOurs(ctx context.Context, dir string, disk segment.Disk) (*ours, error) {
	l, err := openLedger(ctx, dir, disk)
	if err != nil {
		return nil, err
	}
	o := &ours{Ledger: l, dir: dir}
	for range wallets {
		w, err := o.openWallet(ctx)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		o.wallets = append(o.wallets, w)
	}
	return o, nil
}

func (o *ours) openWallet(ctx context.Context) (string, error) {
	keys, _ := paywall.NewWalletKey().Hashes()
	return o.openWith(ctx, keys)
}

// openWith opens a wallet with keys, and pays into it.
func (o *ours) openWith(ctx context.Context, keys paywall.KeyHashes) (string, error) {
	w, err := o.OpenWallet(ctx, keys, paywall.Welcome{})
	if err != nil {
		return "", err
	}
	voucher := paywall.Voucher{Code: keys.Key, Amount: paywall.Money{Micros: startBalance, Currency: currency}}
	if err := o.AddVouchers(ctx, []paywall.Voucher{voucher}); err != nil {
		return "", err
	}
	_, err = o.Redeem(ctx, w.ID, voucher.Code)
	return w.ID, err
}

func (o *ours) buy(ctx context.Context, p *paywall.Purchase) error {
	r, err := o.Unlock(ctx, *p)
	if err == nil && r.AlreadyOwned {
		return errors.New("a purchase was made before")
	}
	return err
}

func (o *ours) close() error { return o.Close() }

// slowDisk takes so much longer for each sync.
type slowDisk struct {
	segment.OS
	by time.Duration
}

func (d slowDisk) OpenFile(name string, flag int, perm fs.FileMode) (segment.File, error) {
	f, err := d.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return slowFile{f, d.by}, nil
}

func (d slowDisk) SyncDir(dir string) error {
	time.Sleep(d.by)
	return d.OS.SyncDir(dir)
}

type slowFile struct {
	segment.File
	by time.Duration
}

func (f slowFile) Sync() error {
	err := f.File.Sync()
	time.Sleep(f.by)
	return err
}
