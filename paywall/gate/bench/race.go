package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall/token"
)

// servers are the proxies of the race and where they listen.
type servers struct {
	ring                                          *token.Ring // Tuppence's own
	plain, gated, forward, nginxPlain, nginxGated string
	caddyPlain, caddyForward                      string
	tuppenceProcess, caddyProcess, nginxProcess   *process // nginx's is nil where it is not installed
}

func (s *servers) close() {
	for _, p := range []*process{s.tuppenceProcess, s.caddyProcess, s.nginxProcess} {
		if p != nil {
			p.stop()
		}
	}
}

func startServers(w *workshop) (_ *servers, err error) {
	addrs, err := freeAddrs(7)
	if err != nil {
		return nil, err
	}
	s := &servers{
		plain: addrs[0], gated: addrs[1], forward: addrs[2], nginxPlain: addrs[3], nginxGated: addrs[4],
		caddyPlain: addrs[5], caddyForward: addrs[6],
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.ring, err = token.OpenRing(filepath.Join(w.data(), "keys"), false); err != nil {
		return nil, err
	}
	jwks := filepath.Join(w.dir, "jwks.json")
	if err := os.WriteFile(jwks, s.ring.JWKS(), 0o600); err != nil {
		return nil, err
	}
	auth, err := w.around(authRole, "http://"+s.gated, jwks)
	if err != nil {
		return nil, err
	}
	if s.tuppenceProcess, err = w.proxy("http://"+s.gated, w.tuppence, tuppenceGlobal(w.data())+
		plainSite(s.plain, w.site)+gatedSite(s.gated, w.site)+forwardSite(s.forward, w.site, auth)); err != nil {
		return nil, err
	}
	if s.caddyProcess, err = w.proxy("http://"+s.caddyPlain, w.caddy,
		caddyGlobal()+plainSite(s.caddyPlain, w.site)+forwardSite(s.caddyForward, w.site, auth)); err != nil {
		return nil, err
	}
	if nginx, missing := exec.LookPath("nginx"); missing == nil {
		s.nginxProcess, err = w.proxy("http://"+s.nginxPlain, nginx, nginxConfig(w.dir, s.nginxPlain, s.nginxGated, w.site, auth))
	}
	return s, err
}

// lap is what one row did in one round.
type lap struct {
	rate  float64       // requests per second
	cpu   time.Duration // of the proxy, per request
	other float64       // cores that everything but the proxy used
}

func (l lap) requests() float64 { return l.rate }
func (l lap) micros() float64   { return float64(l.cpu.Nanoseconds()) / 1000 }

// turn is how much later in the table a round begins than the one before.
const turn = 5

// race loads all rows in turn, as often as there are rounds. Each round begins
// with another row, so that no row always follows the same one.
func race(w *workshop, p plan) error {
	s, err := startServers(w)
	if err != nil {
		return err
	}
	defer s.close()
	rows := s.rows(p)
	drives := make([]*drive, len(rows))
	laps := make(map[string][]lap, len(rows))
	for round := range p.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, p.rounds)
		for i := range rows {
			i = (i + round*turn) % len(rows)
			r := rows[i]
			if drives[i] == nil || r.unseen {
				if drives[i], err = r.drive(); err != nil {
					return err
				}
			}
			if round == 0 && !r.unseen {
				if err := drives[i].warm(); err != nil {
					return fmt.Errorf("%s: %w", r.name, err)
				}
			}
			l, err := w.lap(r, drives[i], p.each)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			laps[r.name] = append(laps[r.name], l)
		}
	}
	printRace(rows, laps, p, s.nginxProcess != nil)
	return nil
}

// lap loads one row and looks at the clocks of all who took part.
func (w *workshop) lap(r *row, d *drive, during time.Duration) (lap, error) {
	rest := []int{os.Getpid()}
	for _, p := range w.running {
		rest = append(rest, p.cmd.Process.Pid)
	}
	var proxyBefore, restBefore time.Duration
	clocks := func() (proxy, others time.Duration, err error) {
		if proxy, err = cpu(r.proxy.cmd.Process.Pid); err != nil {
			return 0, 0, err
		}
		others, err = cpu(rest...)
		return proxy, others, err
	}
	answered, took, err := d.run(during, func() (err error) {
		proxyBefore, restBefore, err = clocks()
		return err
	})
	if err != nil {
		return lap{}, err
	}
	proxy, others, err := clocks()
	if err != nil {
		return lap{}, err
	}
	return lap{
		rate:  float64(answered) / took.Seconds(),
		cpu:   (proxy - proxyBefore) / time.Duration(max(answered, 1)),
		other: float64(others-restBefore) / float64(took),
	}, nil
}
