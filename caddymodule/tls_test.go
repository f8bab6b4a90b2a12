package caddymodule

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tlsSite is two sites behind one TLS port: site.test sells, free.test does not.
type tlsSite struct {
	*site
	addr  string
	roots *x509.CertPool
}

func newTLSSite(t *testing.T, upstream http.Handler) *tlsSite {
	t.Helper()
	cert, key, roots := certificate(t, "site.test", "free.test")
	s := &tlsSite{
		site:  newSite(t, "welcome 1.00\n}\nauto_https disable_redirects\nservers {\nprotocols h1 h2 h3", articlesFor20, upstream),
		roots: roots,
	}
	var port int
	for attempt := 1; ; attempt++ {
		port = freePort(t)
		block := fmt.Sprintf("https://%%s:%d {\n\tbind 127.0.0.1\n\ttls %s %s\n\t%%s\n", port, cert, key)
		err := s.load("respond plain\n}\n" + fmt.Sprintf(block, "site.test", articlesFor20) + "}\n" + fmt.Sprintf(block, "free.test", "respond free"))
		if err == nil {
			break
		}
		// Somebody else may have been given the port, or its twin over UDP.
		if attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			t.Fatal(err)
		}
	}
	s.port, s.addr = port, fmt.Sprintf("127.0.0.1:%d", port)
	s.url = fmt.Sprintf("https://site.test:%d", s.port)
	s.client = &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", s.addr)
			},
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// dial opens a TLS connection for a host, speaking a protocol.
func (s *tlsSite) dial(host, protocol string) *tls.Conn {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: s.roots, ServerName: host, NextProtos: []string{protocol}})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// certificate makes one for the hosts that signs itself.
func certificate(t *testing.T, hosts ...string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", encoded), roots
}
