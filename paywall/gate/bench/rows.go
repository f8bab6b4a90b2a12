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
	name   string
	goal   float64 // of its requests, divided by the base's; 0: none
	base   string  // the row it is divided by
	proxy  *process
	addr   string
	accept string             // what the reader wants: a page, or JSON
	path   func(i int) string // of request i
	cookie func() (string, error)
	count  int  // how many different requests there are
	unseen bool // they are made anew for each round
	status int
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
	paid := row{addr: s.gated, cookie: s.reader}
	unpaid := row{addr: s.gated, base: bareRow, status: http.StatusSeeOther, goal: 3}
	rows := []*row{
		{name: plainRow, addr: s.plain, cookie: s.reader},
		{name: "the same once more (the noise)", addr: s.plain, cookie: s.reader},
		{name: bareRow, addr: s.plain},
		{name: caddyPlainRow, addr: s.caddyPlain, proxy: s.caddyProcess, cookie: s.reader},
		{name: caddyForwardRow, addr: s.caddyForward, proxy: s.caddyProcess, cookie: s.reader},
		paid.as(paidRow, func(r *row) { r.goal = 0.97 }),
		paid.as(fmt.Sprintf("paid, %d readers", p.readers), func(r *row) { r.goal, r.count = 0.92, p.readers }),
		paid.as("paid, tokens never seen", func(r *row) { r.unseen, r.count = true, p.unseen }),
		{name: forwardRow, addr: s.forward, cookie: s.reader},
		unpaid.as("unpaid: 303", nil),
		unpaid.as("unpaid: 402", func(r *row) { r.accept, r.status = "application/json", http.StatusPaymentRequired }),
		unpaid.as(fmt.Sprintf("unpaid: 303, %d articles", p.articles), func(r *row) { r.goal, r.count, r.path = 0, p.articles, numbered }),
	}
	if s.nginxProcess != nil {
		rows = append(rows,
			&row{name: "nginx, plain", addr: s.nginxPlain, proxy: s.nginxProcess, cookie: s.reader},
			&row{name: "nginx auth_request, the same check", addr: s.nginxGated, proxy: s.nginxProcess, cookie: s.reader})
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
	if r.cookie == nil {
		r.cookie = func() (string, error) { return "", nil }
	}
	r.count = max(r.count, 1)
	if r.status == 0 {
		r.status = http.StatusOK
	}
}

// reader is the cookie of one who has bought the article: the token is signed
// with the server's own key.
func (s *servers) reader() (string, error) {
	now := time.Now()
	origin := "http://" + s.gated
	raw, err := s.ring.SignAccess(&token.Access{
		ID: paywall.NewID(), Issuer: origin, Audience: origin, Resource: article,
		IssuedAt: now, NotBefore: now, ExpiresAt: now.Add(paywall.AccessTTL),
	})
	return "; " + paywall.AccessCookie.On(false) + "=" + raw, err
}

// drive makes a row's requests with every header that Firefox sends. Fewer would
// mislead: Go's maps grow at fourteen entries, and which of two proxies pays for
// that must not be decided by the one header that a test left out.
func (r *row) drive() (*drive, error) {
	d := &drive{addr: r.addr, once: r.unseen, status: fmt.Sprint(r.status), requests: make([][]byte, r.count)}
	if r.status == http.StatusOK {
		d.length = pageSize
	}
	for i := range d.requests {
		cookie, err := r.cookie()
		if err != nil {
			return nil, err
		}
		d.requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n"+
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: %s\r\n"+
			"Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nSec-Fetch-Site: same-origin\r\n"+
			"Connection: keep-alive\r\nReferer: http://%s/\r\nUpgrade-Insecure-Requests: 1\r\nPriority: u=0, i\r\nCookie: session=0123456789abcdef%s\r\n\r\n",
			r.path(i), r.addr, r.accept, r.addr, cookie)
	}
	return d, nil
}
