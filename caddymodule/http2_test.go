package caddymodule

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// field is a header field as it is put on the wire, pseudo or not.
type field struct{ name, value string }

// frames sends one HTTP/2 request of these fields, as they are, on a connection
// of its own: its status, or how the server ended the stream, and its body.
func (s *tlsSite) frames(fields []field) (status, body string) {
	s.t.Helper()
	conn := s.dial("site.test", "h2")
	defer conn.Close()
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range fields {
		if err := encoder.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		s.t.Fatal(err)
	}
	if err := framer.WriteSettings(); err != nil {
		s.t.Fatal(err)
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
		s.t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			s.t.Fatalf("%v: %v", fields, err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			status = f.PseudoValue("status")
		case *http2.DataFrame:
			body += string(f.Data())
		case *http2.RSTStreamFrame:
			return "reset", body
		case *http2.GoAwayFrame:
			return "goaway", body
		}
		if frame.Header().StreamID == 1 && frame.Header().Flags.Has(http2.FlagDataEndStream) {
			if status == "200" && body == "" {
				status = "empty" // what Caddy says where it has no site
			}
			return status, body
		}
	}
}

// TestC11NoOddityOfHTTP2IsUngated: whether the token is there or not, what
// HTTP/2 forbids ends in an error, and all else is judged as ever.
func TestC11NoOddityOfHTTP2IsUngated(t *testing.T) {
	s := newTLSSite(t, new(articles))
	_, r := s.unlock(s.wallet(), s.offer("/articles/a"))
	token := field{"authorization", "Bearer " + r.Token}
	host := fmt.Sprintf("site.test:%d", s.port)
	request := func(change map[string]string, more ...field) []field {
		all := []field{{":method", "GET"}, {":scheme", "https"}, {":authority", host}, {":path", "/articles/a"}}
		kept := all[:0]
		for _, f := range all {
			value, changed := change[f.name]
			switch {
			case changed && value == "":
				continue
			case changed:
				f.value = value
			}
			kept = append(kept, f)
		}
		return append(kept, more...)
	}
	const refused = "reset goaway 400 403 404 405 421 308" // never an answer of the site's
	for name, tc := range map[string]struct {
		fields       []field
		unpaid, paid string
	}{
		"nothing odd":            {request(nil), "402", "200"},
		"path without a slash":   {request(map[string]string{":path": "articles/a"}), refused, refused},
		"absolute path":          {request(map[string]string{":path": "https://" + host + "/articles/a"}), "402 " + refused, "200 " + refused},
		"absolute path, another": {request(map[string]string{":path": "https://evil.test/articles/a"}), "402 " + refused, "200 " + refused},
		"two paths":              {request(nil, field{":path", "/about"}), refused, refused},
		"no path":                {request(map[string]string{":path": ""}), refused, refused},
		"path of an asterisk":    {request(map[string]string{":path": "*"}), refused, refused},
		"two methods":            {request(nil, field{":method", "HEAD"}), refused, refused},
		"two authorities":        {request(nil, field{":authority", "free.test"}), refused, refused},
		"no authority, host":     {request(map[string]string{":authority": ""}, field{"host", host}), "402 " + refused, "200 " + refused},
		"neither":                {request(map[string]string{":authority": ""}), "empty " + refused, "empty " + refused},
		"host of the other site": {request(nil, field{"host", "free.test"}), "402 " + refused, "200 " + refused},
		"scheme of http":         {request(map[string]string{":scheme": "http"}), "402 " + refused, "200 401 " + refused},
		"capital names":          {request(nil, field{"X-Upper", "1"}), refused, refused},
		"capital authorization":  {request(nil, field{"Authorization", "Bearer " + r.Token}), refused, refused},
		"connection":             {request(nil, field{"connection", "keep-alive"}), refused, refused},
		"connection: close":      {request(nil, field{"connection", "authorization"}), refused, refused},
		"keep-alive":             {request(nil, field{"keep-alive", "timeout=5"}), refused, refused},
		"proxy-connection":       {request(nil, field{"proxy-connection", "x"}), refused, refused},
		"upgrade":                {request(nil, field{"upgrade", "websocket"}), refused, refused},
		"te: gzip":               {request(nil, field{"te", "gzip"}), refused, refused},
		"te: trailers":           {request(nil, field{"te", "trailers"}), "402", "200"},
		"transfer-encoding":      {request(nil, field{"transfer-encoding", "chunked"}), refused, refused},
		"content-length of 5":    {request(nil, field{"content-length", "5"}), "402 " + refused, "200 " + refused},
		"an unknown pseudo":      {request(nil, field{":paid", "yes"}), refused, refused},
		"a pseudo after others":  {append([]field{{"x-a", "b"}}, request(nil)...), refused, refused},
		"status in a request":    {request(nil, field{":status", "200"}), refused, refused},
		"line break in a value":  {request(nil, field{"x-a", "b\r\nauthorization: x"}), refused, refused},
		"NUL in a value":         {request(nil, field{"x-a", "b\x00"}), refused, refused},
		"space in a name":        {request(nil, field{"x a", "b"}), refused, refused},
		"extended CONNECT":       {request(map[string]string{":method": "CONNECT"}, field{":protocol", "websocket"}), refused, refused},
		"CONNECT with a path":    {request(map[string]string{":method": "CONNECT"}), refused, refused},
		"CONNECT":                {request(map[string]string{":method": "CONNECT", ":path": "", ":scheme": ""}), refused, refused},
		"TRACE":                  {request(map[string]string{":method": "TRACE"}), refused, refused},
	} {
		for _, want := range []struct {
			allowed string
			fields  []field
		}{{tc.unpaid, tc.fields}, {tc.paid, append(tc.fields[:len(tc.fields):len(tc.fields)], token)}} {
			status, body := s.frames(want.fields)
			if !slices.Contains(strings.Fields(want.allowed), status) || status != "200" && strings.Contains(body, "canary") {
				t.Errorf("%s: %s, want %s: %.100s", name, status, want.allowed, body)
			}
		}
	}
}

// TestC13TheNameOfTheHandshakeOpensNothing: the certificate of a site that sells
// nothing, and then a request for one that does.
func TestC13TheNameOfTheHandshakeOpensNothing(t *testing.T) {
	s := newTLSSite(t, new(articles))
	ask := func(sni, host, path string) (int, string) {
		conn := s.dial(sni, "http/1.1")
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		read, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		return res.StatusCode, string(read)
	}
	if status, body := ask("free.test", "free.test", "/articles/a"); status != http.StatusOK || body != "free" {
		t.Errorf("the site that sells nothing: %d %s", status, body)
	}
	for _, host := range []string{"site.test", fmt.Sprintf("site.test:%d", s.port), "SITE.test", "site.test."} {
		status, body := ask("free.test", host, "/articles/a")
		if status < 300 && body != "free" && body != "" || strings.Contains(body, "canary") {
			t.Errorf("Host %s: %d %s", host, status, body)
		}
		if host == "site.test" && status != http.StatusPaymentRequired && status != http.StatusMisdirectedRequest {
			t.Errorf("Host %s: %d", host, status)
		}
	}
}
