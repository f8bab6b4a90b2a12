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
	goal   float64 // of its requests, divided by the plain proxy's; 0: none
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
	paidRow    = "paid"
	forwardRow = "forward_auth, the same check"
)

// rows are the lines of the table, in their order. A new kind of answer, such
// as a page that is cut, is one more line here.
func (s *servers) rows(p plan) []*row {
	rows := []*row{
		{name: plainRow, addr: s.plain},
		{name: "plain once more (the noise)", addr: s.plain},
		{name: "plain, Caddy without us", addr: s.caddy, proxy: s.caddyProcess},
		{name: paidRow, addr: s.gated, cookie: s.reader, goal: 0.97},
		{name: fmt.Sprintf("paid, %d readers", p.readers), addr: s.gated, cookie: s.reader, count: p.readers, goal: 0.92},
		{name: "paid, tokens never seen", addr: s.gated, cookie: s.reader, count: p.unseen, unseen: true},
		{name: forwardRow, addr: s.forward, cookie: s.reader},
		{name: "unpaid: 303", addr: s.gated, status: http.StatusSeeOther, goal: 3},
		{name: "unpaid: 402", addr: s.gated, accept: "application/json", status: http.StatusPaymentRequired, goal: 3},
		{name: fmt.Sprintf("unpaid: 303, %d articles", p.articles), addr: s.gated, status: http.StatusSeeOther, count: p.articles, path: numbered},
	}
	if s.nginxProcess != nil {
		rows = append(rows,
			&row{name: "nginx, plain", addr: s.nginxPlain, proxy: s.nginxProcess},
			&row{name: "nginx auth_request, the same check", addr: s.nginxGated, proxy: s.nginxProcess, cookie: s.reader})
	}
	for _, r := range rows {
		r.fill(s)
	}
	return rows
}

func numbered(i int) string { return fmt.Sprintf("/articles/%d", i) }

// fill sets what most rows have in common.
func (r *row) fill(s *servers) {
	if r.proxy == nil {
		r.proxy = s.tuppenceProcess
	}
	if r.accept == "" {
		r.accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document"
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

// drive makes a row's requests, as a browser writes them.
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
			"Upgrade-Insecure-Requests: 1\r\nPriority: u=0, i\r\nCookie: session=0123456789abcdef%s\r\n\r\n",
			r.path(i), r.addr, r.accept, cookie)
	}
	return d, nil
}
