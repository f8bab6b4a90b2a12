package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// row is a line of the table: one kind of request to one server.
type row struct {
	name    string
	goal    float64 // of its requests, divided by the base's; 0: none
	base    string  // the row it is divided by
	proxy   *process
	addr    string
	accept  string                            // what the reader wants: a page, or JSON
	path    func(i int) string                // of request i
	cookies func(count int) ([]string, error) // one for each request
	count   int                               // how many different requests there are
	unseen  bool                              // they are made anew for each round
	status  int
}

// article is the page that most rows ask for.
const article = "/articles/penny-post"

func oneArticle(int) string { return article }

// names of the rows that others are divided by, or that have a line of their own.
const (
	plainRow   = "plain reverse_proxy"
	bareRow    = "plain, requests without a token"
	paidRow    = "paid"
	forwardRow = "forward_auth, the same check"

	caddyPlainRow   = "Caddy without us, plain"
	caddyForwardRow = "Caddy without us, forward_auth"
)

// rows are the lines of the table, in their order. A new kind of answer, such
// as a page that is cut, is one more line here. The plain proxy gets the same
// bytes as the gate: the token is in both requests, or in neither.
func (s *servers) rows(p plan) []*row {
	paid := row{addr: s.gated, cookies: s.readers}
	unpaid := row{addr: s.gated, base: bareRow, status: http.StatusSeeOther, goal: 3}
	rows := []*row{
		{name: plainRow, addr: s.plain, cookies: s.readers},
		{name: "the same once more (the noise)", addr: s.plain, cookies: s.readers},
		{name: bareRow, addr: s.plain},
		{name: caddyPlainRow, addr: s.caddyPlain, proxy: s.caddyProcess, cookies: s.readers},
		{name: caddyForwardRow, addr: s.caddyForward, proxy: s.caddyProcess, cookies: s.readers},
		paid.as(paidRow, func(r *row) { r.goal = 0.97 }),
		paid.as(fmt.Sprintf("paid, %d readers", p.readers), func(r *row) { r.goal, r.count = 0.92, p.readers }),
		paid.as("a token's first request after its purchase", func(r *row) { r.goal, r.unseen, r.count, r.cookies = 0.9, true, p.bought, s.bought }),
		paid.as("paid, tokens that another process signed", func(r *row) { r.unseen, r.count = true, p.unseen }),
		{name: forwardRow, addr: s.forward, cookies: s.readers},
		unpaid.as("unpaid: 303", nil),
		unpaid.as("unpaid: 402", func(r *row) { r.accept, r.status = "application/json", http.StatusPaymentRequired }),
		unpaid.as(fmt.Sprintf("unpaid: 303, %d articles", p.articles), func(r *row) { r.goal, r.count, r.path = 0, p.articles, numbered }),
	}
	if s.nginxProcess != nil {
		rows = append(rows,
			&row{name: "nginx, plain", addr: s.nginxPlain, proxy: s.nginxProcess, cookies: s.readers},
			&row{name: "nginx auth_request, the same check", addr: s.nginxGated, proxy: s.nginxProcess, cookies: s.readers})
	}
	for _, r := range rows {
		r.fill(s)
	}
	return rows
}

// as is a row like this one but for its name and what is changed; change may be nil.
func (r row) as(name string, change func(*row)) *row {
	r.name = name
	if change != nil {
		change(&r)
	}
	return &r
}

func numbered(i int) string { return fmt.Sprintf("/articles/%d", i) }

// fill sets what most rows have in common.
func (r *row) fill(s *servers) {
	if r.base == "" {
		r.base = plainRow
	}
	if r.proxy == nil {
		r.proxy = s.tuppenceProcess
	}
	if r.accept == "" {
		r.accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-User: ?1"
	}
	if r.path == nil {
		r.path = oneArticle
	}
	if r.cookies == nil {
		r.cookies = func(count int) ([]string, error) { return make([]string, count), nil }
	}
	r.count = max(r.count, 1)
	if r.status == 0 {
		r.status = http.StatusOK
	}
}

// readers are the cookies of those who have bought the article where the server does
// not know of it: before a restart, or from another server with the same keys.
func (s *servers) readers(count int) ([]string, error) {
	now := time.Now()
	origin := "http://" + s.gated
	cookies := make([]string, count)
	for i := range cookies {
		raw, err := s.ring.SignAccess(&token.Access{
			ID: paywall.NewID(), Issuer: origin, Audience: origin, Resource: article,
			IssuedAt: now, NotBefore: now, ExpiresAt: now.Add(paywall.AccessTTL),
		})
		if err != nil {
			return nil, err
		}
		cookies[i] = accessCookie(raw)
	}
	return cookies, nil
}

// drive makes a row's requests with every header that Firefox sends. Fewer would
// mislead: Go's maps grow at fourteen entries, and which of two proxies pays for
// that must not be decided by the one header that a test left out.
func (r *row) drive() (*drive, error) {
	d := &drive{addr: r.addr, once: r.unseen, status: fmt.Sprint(r.status), requests: make([][]byte, r.count)}
	if r.status == http.StatusOK {
		d.length = pageSize
	}
	cookies, err := r.cookies(r.count)
	if err != nil {
		return nil, err
	}
	for i, cookie := range cookies {
		d.requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n"+
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: %s\r\n"+
			"Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nSec-Fetch-Site: same-origin\r\n"+
			"Connection: keep-alive\r\nReferer: http://%s/\r\nUpgrade-Insecure-Requests: 1\r\nPriority: u=0, i\r\nCookie: session=0123456789abcdef%s\r\n\r\n",
			r.path(i), r.addr, r.accept, r.addr, cookie)
	}
	return d, nil
}
