//go:build linux

package main

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	currency     = paywall.Currency("EUR")
	site         = "https://news.example"
	wallets      = 1000
	priceMicros  = 200_000
	startBalance = int64(1) << 50
	refundWindow = 30 * time.Minute
)

// contender is one way to make a purchase durable.
type contender interface {
	// buy makes one purchase, and answers when it survives a power cut.
	buy(ctx context.Context, p *paywall.Purchase) error
	close() error
}

// counter hands out purchases that nobody made before: each wallet buys one
// article after the other.
type counter struct{ n atomic.Int64 }

func (c *counter) next(wallets []string) *paywall.Purchase {
	n := c.n.Add(1)
	day := strconv.FormatInt(n/int64(len(wallets)), 10)
	resource := "/articles/the-story-of-day-" + day
	return &paywall.Purchase{
		Wallet: wallets[n%int64(len(wallets))],
		Offer: paywall.Offer{
			ID: paywall.NewID(), Site: site, Resource: resource, URL: resource,
			Title:     "The story of day " + day,
			Price:     paywall.Money{Micros: priceMicros, Currency: currency},
			ExpiresAt: time.Now().Add(paywall.OfferTTL),
		},
		Refund: refundWindow,
	}
}

// result of one measurement.
type result struct {
	rate     float64       // purchases a second
	p50, p99 time.Duration // of one purchase
	cores    float64       // that the whole machine kept busy
	cpu      time.Duration // for one purchase, of the contender and the buyers
}

// load has so many buyers buy one after the other for a while.
func load(ctx context.Context, c contender, ids []string, count *counter, buyers int, d time.Duration) (result, error) {
	runtime.GC() // nobody pays for the garbage of the one before
	took := make([][]time.Duration, buyers)
	errs := make([]error, buyers)
	var clock clock
	clock.start()
	start := time.Now()
	var done sync.WaitGroup
	for i := range buyers {
		done.Go(func() {
			for last := time.Now(); last.Sub(start) < d && errs[i] == nil && ctx.Err() == nil; {
				errs[i] = c.buy(ctx, count.next(ids))
				now := time.Now()
				took[i] = append(took[i], now.Sub(last))
				last = now
			}
		})
	}
	done.Wait()
	clock.stop()
	for _, err := range append(errs, ctx.Err()) {
		if err != nil {
			return result{}, err
		}
	}
	all := slices.Sorted(func(yield func(time.Duration) bool) {
		for _, of := range took {
			for _, t := range of {
				if !yield(t) {
					return
				}
			}
		}
	})
	return clock.result(all), nil
}

// median of several measurements, column by column.
func median(of []result) result {
	return result{
		rate:  middle(of, func(r result) float64 { return r.rate }),
		p50:   middle(of, func(r result) time.Duration { return r.p50 }),
		p99:   middle(of, func(r result) time.Duration { return r.p99 }),
		cores: middle(of, func(r result) float64 { return r.cores }),
		cpu:   middle(of, func(r result) time.Duration { return r.cpu }),
	}
}

func middle[T float64 | time.Duration](of []result, column func(result) T) T {
	values := make([]T, len(of))
	for i, r := range of {
		values[i] = column(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
