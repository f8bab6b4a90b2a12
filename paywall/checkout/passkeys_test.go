package checkout

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// authenticator is a passkey in software. Whatever it says can be spoiled.
type authenticator struct {
	id      []byte
	ec      *ecdsa.PrivateKey
	ed      ed25519.PrivateKey // instead, if set
	modulus []byte             // of an RSA key that is said to be its own, if set
	maker   bool               // vouches for it with a certificate
	handle  []byte
	site    string
	origin  string
	counter uint32
	flags   byte
	format  string // of its maker's word for it
}

const (
	userPresent  = 1 << 0
	userVerified = 1 << 2
	backedUp     = 1<<3 | 1<<4
	hasKey       = 1 << 6
)

func newAuthenticator(t testing.TB) *authenticator {
	t.Helper()
	a := &authenticator{id: make([]byte, 32), site: "news.example", origin: testOrigin, flags: userPresent | userVerified, format: "none"}
	_, _ = rand.Read(a.id)
	var err error
	if a.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return a
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) ID() string { return encoded(a.id) }

// publicKey is a COSE_Key (RFC 9053, 7.1 and 7.2).
func (a *authenticator) publicKey() map[int]any {
	if a.modulus != nil {
		return map[int]any{1: 3, 3: -257, -1: a.modulus, -2: []byte{1, 0, 1}}
	}
	if a.ed != nil {
		return map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(a.ed.Public().(ed25519.PublicKey))}
	}
	point, err := a.ec.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}
}

func (a *authenticator) data(flags byte) []byte {
	site := sha256.Sum256([]byte(a.site))
	return binary.BigEndian.AppendUint32(append(site[:], flags), a.counter)
}

func (a *authenticator) clientData(kind, challenge string) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		panic(err)
	}
	return raw
}

func mustCBOR(v any) []byte {
	raw, err := webauthncbor.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// create answers a request for a new passkey.
func (a *authenticator) create(challenge string) string {
	data := a.data(a.flags | hasKey)
	data = append(data, make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), mustCBOR(a.publicKey())...)
	client := a.clientData("webauthn.create", challenge)
	own := map[string]any{"alg": -7, "sig": a.sign(data, client)}
	if a.maker {
		own["x5c"] = []any{a.certificate()}
	}
	word := map[string]any{"none": map[string]any{}, "packed": own, "compound": []any{
		map[string]any{"fmt": "packed", "attStmt": own}, map[string]any{"fmt": "packed", "attStmt": own},
	}}[a.format]
	return a.answer(map[string]string{
		"clientDataJSON":    encoded(client),
		"attestationObject": encoded(mustCBOR(map[string]any{"fmt": a.format, "attStmt": word, "authData": data})),
	})
}

// certificate is that of a maker (WebAuthn, 8.2.1).
func (a *authenticator) certificate() []byte {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		Subject: pkix.Name{Country: []string{"DE"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Key"},
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, a.ec.Public(), a.ec)
	if err != nil {
		panic(err)
	}
	return raw
}

// get answers a request for a passkey.
func (a *authenticator) get(challenge string) string {
	data, client := a.data(a.flags), a.clientData("webauthn.get", challenge)
	return a.answer(map[string]string{
		"clientDataJSON": encoded(client), "authenticatorData": encoded(data), "userHandle": encoded(a.handle),
		"signature": encoded(a.sign(data, client)),
	})
}

func (a *authenticator) sign(data, client []byte) []byte {
	sum := sha256.Sum256(client)
	message := append(bytes.Clone(data), sum[:]...)
	if a.ed != nil {
		return ed25519.Sign(a.ed, message)
	}
	sum = sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, a.ec, sum[:])
	if err != nil {
		panic(err)
	}
	return signature
}

func (a *authenticator) answer(response map[string]string) string {
	raw, err := json.Marshal(map[string]any{"id": a.ID(), "rawId": a.ID(), "type": "public-key", "response": response})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// fetched is what a page's script sends to begin.
func fetched(r *http.Request) { r.Header.Set("Accept", "application/json") }

// options are those that the site gives a browser.
type options struct {
	Challenge string
	RPID      string
	RP        struct{ ID, Name string }
	User      struct{ ID, Name, DisplayName string }
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
	Selection object                `json:"authenticatorSelection"`

	Attestation      string
	UserVerification string
	Timeout          int
	AllowCredentials []any
	PubKeyCredParams []struct{ Alg int }
}

func (s *site) begin(what string, changes ...change) options {
	s.t.Helper()
	w := s.send(http.MethodPost, "/.paywall/wallet/passkeys/"+what+"/begin", "", "", append([]change{fetched}, changes...)...)
	wantStatus(s.t, w, http.StatusOK)
	var v struct{ PublicKey options }
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		s.t.Fatal(err)
	}
	return v.PublicKey
}

// registered is a passkey of the wallet with this key.
func (s *site) registered(key paywall.WalletKey) *authenticator {
	s.t.Helper()
	a := newAuthenticator(s.t)
	wantStatus(s.t, s.register(a, key), http.StatusSeeOther)
	return a
}

func (s *site) register(a *authenticator, key paywall.WalletKey) *httptest.ResponseRecorder {
	s.t.Helper()
	o := s.begin("add", cookie(key))
	a.handle, _ = base64.RawURLEncoding.DecodeString(o.User.ID)
	return s.add(a.create(o.Challenge), cookie(key))
}

// withPasskeys is the wallet page of somebody who has one of each kind.
func (s *site) withPasskeys() *httptest.ResponseRecorder {
	key, _ := s.opened(5_000_000)
	synced := newAuthenticator(s.t)
	synced.flags |= backedUp
	wantStatus(s.t, s.register(synced, key), http.StatusSeeOther)
	s.registered(key)
	return s.get("/.paywall/wallet?notice=passkey-added", cookie(key))
}

func (s *site) add(answer string, changes ...change) *httptest.ResponseRecorder {
	return s.post("/.paywall/wallet/passkeys/add", []string{"credential", answer}, changes...)
}

func (s *site) login(answer string, changes ...change) *httptest.ResponseRecorder {
	return s.post("/.paywall/wallet/passkeys/login", []string{"credential", answer}, changes...)
}

// enters logs in with a passkey, whose counter goes up as it should.
func (s *site) enters(a *authenticator) *httptest.ResponseRecorder {
	s.t.Helper()
	a.counter++
	return s.login(a.get(s.begin("login").Challenge))
}

// TestN08PasskeyLetsABrowserInWithAKeyOfItsOwn: neither the key that stood in the
// browser before, nor one that the wallet has.
func TestN08PasskeyLetsABrowserInWithAKeyOfItsOwn(t *testing.T) {
	s := newSite(t)
	mine, wallet := s.opened(5_000_000)
	for name, spoil := range map[string]func(*authenticator){
		"P-256":             func(*authenticator) {},
		"Ed25519":           func(a *authenticator) { _, a.ed, _ = ed25519.GenerateKey(rand.Reader) },
		"on several phones": func(a *authenticator) { a.flags |= backedUp },
		"on its own word":   func(a *authenticator) { a.format = "packed" },
	} {
		a := newAuthenticator(t)
		spoil(a)
		wantStatus(t, s.register(a, mine), http.StatusSeeOther)
		planted := paywall.NewWalletKey()
		w := s.login(a.get(s.begin("login").Challenge), cookie(planted))
		wantStatus(t, w, http.StatusSeeOther)
		if got := w.Header().Get("Location"); got != "/.paywall/wallet?notice=recovered" {
			t.Errorf("%s leads to %q", name, got)
		}
		c := cookieNamed(w, walletCookie)
		if c == nil || c.Value == string(mine) || c.Value == string(planted) || !c.HttpOnly || !c.Secure {
			t.Fatalf("%s: cookie %v", name, c)
		}
		wantText(t, s.get(w.Header().Get("Location"), cookie(paywall.WalletKey(c.Value))), "€5.00", "Welcome back")
		if s.opens(planted) || !s.opens(mine) {
			t.Errorf("%s: the planted key opens something, or the old one nothing", name)
		}
	}
	program := s.registered(mine)
	program.counter++
	w := s.call("/.paywall/wallet/passkeys/login", object{"credential": program.get(s.begin("login").Challenge)})
	wantStatus(t, w, http.StatusOK)
	if v := decode(t, w); v["wallet_id"] != wallet.ID || !s.opens(paywall.WalletKey(v["wallet_key"].(string))) || len(w.Result().Cookies()) > 0 {
		t.Errorf("a program gets %v %v", v, w.Result().Cookies())
	}
}

// TestPasskeysSayNothingOfTheReader: not to the authenticator, and not from one
// passkey to the next.
func TestPasskeysSayNothingOfTheReader(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	first := s.registered(key)
	o := s.begin("add", cookie(key))
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil || len(handle) != 32 || bytes.Equal(handle, first.handle) || bytes.Contains(handle, []byte(wallet.ID)) {
		t.Errorf("handle %q, %v", o.User.ID, err)
	}
	if o.User.Name != "Wallet, 22 November 2026" || o.User.DisplayName != o.User.Name || o.RP.ID != "news.example" || o.RP.Name != "news.example" {
		t.Errorf("%+v %+v", o.User, o.RP)
	}
	if len(o.Exclude) != 1 || o.Exclude[0].ID != first.ID() || o.Attestation != "none" || o.Timeout != 300_000 {
		t.Errorf("%+v", o)
	}
	if o.Selection["residentKey"] != "required" || o.Selection["userVerification"] != "required" || len(o.PubKeyCredParams) != 3 {
		t.Errorf("%+v", o)
	}
	login := s.begin("login")
	if login.RPID != "news.example" || login.UserVerification != "required" || len(login.AllowCredentials) > 0 || login.Timeout != 300_000 {
		t.Errorf("%+v", login)
	}
}

// TestN11LastPasskeyCanBeRemovedAndLocksNobodyOut: the recovery code stays, and so
// does this browser.
func TestN11LastPasskeyCanBeRemovedAndLocksNobodyOut(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	a, b := s.registered(key), s.registered(key)
	page := s.get("/.paywall/wallet?notice=passkey-added", cookie(key))
	wantText(t, page, "The passkey is added.", "added on 22 November 2026", `value="`+a.ID()+`"`, `value="`+b.ID()+`"`, "works even without any passkey")
	for _, id := range []string{a.ID(), b.ID()} {
		w := s.post("/.paywall/wallet/passkeys/remove", []string{"passkey", id}, cookie(key))
		wantStatus(t, w, http.StatusSeeOther)
		wantText(t, s.get(w.Header().Get("Location"), cookie(key)), "Your recovery code still brings your wallet back")
		wantStatus(t, s.post("/.paywall/wallet/passkeys/remove", []string{"passkey", id}, cookie(key)), http.StatusNotFound)
	}
	for _, gone := range []*authenticator{a, b} {
		wantStatus(t, s.enters(gone), http.StatusUnauthorized)
	}
	if !s.opens(key) || !s.recovers(key) {
		t.Error("without a passkey the wallet is lost")
	}
}

func TestPasskeysOfAnotherWalletCannotBeRemoved(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	other, _ := s.opened(0)
	a := s.registered(mine)
	wantStatus(t, s.post("/.paywall/wallet/passkeys/remove", []string{"passkey", a.ID()}, cookie(other)), http.StatusNotFound)
	wantStatus(t, s.enters(a), http.StatusSeeOther)
}

func TestWalletHasTenPasskeysAtMost(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	waiting := s.begin("add", cookie(key))
	for range paywall.MaxPasskeys {
		s.registered(key)
	}
	page := s.get("/.paywall/wallet", cookie(key))
	wantText(t, page, "ten passkeys, which is the most")
	if bytes.Contains(page.Body.Bytes(), []byte(`data-passkey="create"`)) {
		t.Error("an eleventh can be added")
	}
	w := s.send(http.MethodPost, "/.paywall/wallet/passkeys/add/begin", "", "", fetched, cookie(key))
	wantProblem(t, w, http.StatusBadRequest, "malformed")
	wantStatus(t, s.add(newAuthenticator(t).create(waiting.Challenge), cookie(key)), http.StatusBadRequest)
}

// TestPasskeysStandOnlyWhereTheyWork: over https, or on the reader's own machine.
func TestPasskeysStandOnlyWhereTheyWork(t *testing.T) {
	for origin, works := range map[string]bool{
		"https://news.example": true, "https://news.example:8443": true, "http://localhost:8402": true, "http://demo.localhost": true,
		"http://news.example": false, "http://127.0.0.1:8402": false, "https://192.0.2.1": false, "https://[2001:db8::1]": false,
	} {
		s := newSite(t, func(o *Options) { o.Origin = func(*http.Request) string { return origin } })
		key, _ := s.opened(0)
		same := header("Origin", origin)
		pages := []*httptest.ResponseRecorder{s.get("/.paywall/wallet"), s.post("/.paywall/wallet/recover", []string{"code", "x"}, same), s.post("/.paywall/reset", nil, same)}
		if origin[:5] == "https" {
			pages = append(pages, s.get("/.paywall/wallet", cookie(key)))
		}
		for i, w := range pages {
			body := w.Body.Bytes()
			for _, part := range []string{"data-passkey=", page.PasskeyModule.URL()} {
				if bytes.Contains(body, []byte(part)) != works {
					t.Errorf("%s, page %d: %s", origin, i, part)
				}
			}
		}
		status := http.StatusNotFound
		if works {
			status = http.StatusOK
		}
		wantStatus(t, s.send(http.MethodPost, "/.paywall/wallet/passkeys/login/begin", "", "", fetched, same), status)
	}
}

var hiddenForm = regexp.MustCompile(`<form [^>]*data-passkey=[^>]* hidden>`)

// TestPasskeysAreHiddenUntilTheScriptRuns, and only pages that use it load it.
func TestPasskeysAreHiddenUntilTheScriptRuns(t *testing.T) {
	s := newSite(t)
	if n := len(page.PasskeyModule.Body()); n > 5<<10 {
		t.Errorf("the script has %d bytes", n)
	}
	for name, w := range s.allPages() {
		body := w.Body.Bytes()
		forms := bytes.Count(body, []byte("data-passkey="))
		if hidden := len(hiddenForm.FindAll(body, -1)); hidden != forms {
			t.Errorf("%s: %d of %d forms are hidden", name, hidden, forms)
		}
		if loads := bytes.Contains(body, []byte(page.PasskeyModule.URL())); loads != (forms > 0) {
			t.Errorf("%s: %d forms, and the script is loaded: %v", name, forms, loads)
		}
	}
	key, _ := s.opened(0)
	if page := s.get("/.paywall/wallet", cookie(key)).Body.Bytes(); !bytes.Contains(page, []byte("<section data-passkeys hidden>")) {
		t.Error("a heading stands over nothing")
	}
}
