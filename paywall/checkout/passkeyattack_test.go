package checkout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const challengeTTL = 5 * time.Minute

// TestN09LoginThatIsNotInOrderIsRefused: with a page for people and a problem for
// programs, and nobody is let in.
func TestN09LoginThatIsNotInOrderIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		answer func(s *site, a *authenticator) string
	}{
		"a challenge used before": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			challenge := s.begin("login").Challenge
			a.counter++
			wantStatus(s.t, s.login(a.get(challenge)), http.StatusSeeOther)
			a.counter++
			return a.get(challenge)
		}},
		"a challenge used in vain": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			challenge := s.begin("login").Challenge
			bad := *a
			bad.flags = userPresent
			wantStatus(s.t, s.login(bad.get(challenge)), http.StatusUnauthorized)
			return a.get(challenge)
		}},
		"a challenge for a new passkey": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			key, _ := s.opened(0)
			return a.get(s.begin("add", cookie(key)).Challenge)
		}},
		"a challenge of another origin": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			return a.get(s.asks("https://music.example"))
		}},
		"a challenge of another server": {http.StatusBadRequest, func(_ *site, a *authenticator) string {
			other := newSite(t)
			return a.get(other.begin("login").Challenge)
		}},
		"a challenge after its time": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			challenge := s.begin("login").Challenge
			s.advance(challengeTTL)
			return a.get(challenge)
		}},
		"a challenge whose time was changed": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			raw, _ := base64.RawURLEncoding.DecodeString(s.begin("login").Challenge)
			raw[len(raw)-sha256.Size-2]++ // before the tag
			return a.get(encoded(raw))
		}},
		"no challenge": {http.StatusBadRequest, func(_ *site, a *authenticator) string { return a.get("") }},
		"another origin": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			a.origin = "https://evil.test"
			return a.get(s.begin("login").Challenge)
		}},
		"an origin with a path": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			a.origin = testOrigin + "/x"
			return a.get(s.begin("login").Challenge)
		}},
		"a sibling origin": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			a.origin = "https://shop.news.example"
			return a.get(s.begin("login").Challenge)
		}},
		"plain HTTP": {http.StatusBadRequest, func(s *site, a *authenticator) string {
			a.origin = "http://news.example"
			return a.get(s.begin("login").Challenge)
		}},
		"the parent domain's id": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			a.site = "example"
			return a.get(s.begin("login").Challenge)
		}},
		"a reader not verified": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			a.flags = userPresent
			return a.get(s.begin("login").Challenge)
		}},
		"no reader": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			a.flags = userVerified
			return a.get(s.begin("login").Challenge)
		}},
		"another handle": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			key, _ := s.opened(0)
			a.handle = s.registered(key).handle
			return a.get(s.begin("login").Challenge)
		}},
		"no handle": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			a.handle = nil
			return a.get(s.begin("login").Challenge)
		}},
		"another wallet's passkey": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			key, _ := s.opened(9_000_000)
			victim := s.registered(key)
			a.id = victim.id
			return a.get(s.begin("login").Challenge)
		}},
		"a passkey nobody knows": {http.StatusUnauthorized, func(s *site, _ *authenticator) string {
			stranger := newAuthenticator(t)
			stranger.handle = bytes.Repeat([]byte{1}, 32)
			return stranger.get(s.begin("login").Challenge)
		}},
		"a signature of something else": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			first, second := a.get(s.begin("login").Challenge), a.get(s.begin("login").Challenge)
			_, signed, _ := strings.Cut(first, `"signature":"`)
			head, tail, _ := strings.Cut(second, `"signature":"`)
			signed, _, _ = strings.Cut(signed, `"`)
			_, tail, _ = strings.Cut(tail, `"`)
			return head + `"signature":"` + signed + `"` + tail
		}},
		"the answer to another question": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			raw := a.get(s.begin("login").Challenge)
			client := encoded(a.clientData("webauthn.create", s.begin("login").Challenge))
			head, tail, _ := strings.Cut(raw, `"clientDataJSON":"`)
			_, tail, _ = strings.Cut(tail, `"`)
			return head + `"clientDataJSON":"` + client + `"` + tail
		}},
		"a counter that stays": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			a.counter = 7
			wantStatus(s.t, s.login(a.get(s.begin("login").Challenge)), http.StatusSeeOther)
			return a.get(s.begin("login").Challenge)
		}},
		"a counter that goes back": {http.StatusUnauthorized, func(s *site, a *authenticator) string {
			a.counter = 7
			wantStatus(s.t, s.login(a.get(s.begin("login").Challenge)), http.StatusSeeOther)
			a.counter = 3
			return a.get(s.begin("login").Challenge)
		}},
		"nothing":             {http.StatusBadRequest, func(*site, *authenticator) string { return "" }},
		"no JSON":             {http.StatusBadRequest, func(*site, *authenticator) string { return "{" }},
		"the wrong members":   {http.StatusBadRequest, func(*site, *authenticator) string { return `{"id":1,"response":[]}` }},
		"null":                {http.StatusBadRequest, func(*site, *authenticator) string { return `null` }},
		"an answer too large": {http.StatusRequestEntityTooLarge, func(s *site, a *authenticator) string { return strings.Repeat("A", 64<<10) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			key, _ := s.opened(5_000_000)
			w := s.login(test.answer(s, s.registered(key)))
			wantStatus(t, w, test.status)
			if c := cookieNamed(w, walletCookie); c != nil {
				t.Errorf("somebody is let in: %v", c)
			}
			if test.status != http.StatusRequestEntityTooLarge {
				wantText(t, w, `role="alert"`, `id="recover"`) // the page to go on with
			}
			v := s.call("/.paywall/wallet/passkeys/login", object{"credential": test.answer(s, s.registered(key))})
			code := map[int]string{400: "malformed", 401: "no-such-wallet", 413: "too-large"}[test.status]
			wantProblem(t, v, test.status, code)
		})
	}
}

// TestN09CopiedPasskeyIsToldToTheOperator, who does not learn whose it is.
func TestN09CopiedPasskeyIsToldToTheOperator(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	a := s.registered(key)
	a.counter = 9
	wantStatus(t, s.login(a.get(s.begin("login").Challenge)), http.StatusSeeOther)
	a.counter = 5
	wantStatus(t, s.login(a.get(s.begin("login").Challenge), from("192.0.2.55:1")), http.StatusUnauthorized)
	logs := s.logs.String()
	if !strings.Contains(logs, "level=WARN") || !strings.Contains(logs, "counter did not go up") {
		t.Errorf("the log says nothing of it:\n%s", logs)
	}
	for _, secret := range []string{wallet.ID, a.ID(), encoded(a.handle), string(key), "192.0.2.55"} {
		if strings.Contains(logs, secret) {
			t.Errorf("%q stands in the log:\n%s", secret, logs)
		}
	}
	a.counter = 10 // and the one that goes on counting is let in
	wantStatus(t, s.login(a.get(s.begin("login").Challenge)), http.StatusSeeOther)
}

// TestN09PasskeyThatIsNotInOrderIsNotKept.
func TestN09PasskeyThatIsNotInOrderIsNotKept(t *testing.T) {
	fresh := func(s *site, key paywall.WalletKey) string { return s.begin("add", cookie(key)).Challenge }
	for name, test := range map[string]struct {
		status int
		answer func(s *site, a *authenticator, key paywall.WalletKey) string
	}{
		"a challenge used before": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			challenge := fresh(s, key)
			wantStatus(s.t, s.add(newAuthenticator(s.t).create(challenge), cookie(key)), http.StatusSeeOther)
			return a.create(challenge)
		}},
		"a challenge of another wallet": {http.StatusBadRequest, func(s *site, a *authenticator, _ paywall.WalletKey) string {
			other, _ := s.opened(0)
			return a.create(fresh(s, other))
		}},
		"a challenge to log in": {http.StatusBadRequest, func(s *site, a *authenticator, _ paywall.WalletKey) string {
			return a.create(s.begin("login").Challenge)
		}},
		"a challenge after its time": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			challenge := fresh(s, key)
			s.advance(challengeTTL + time.Second)
			return a.create(challenge)
		}},
		"another origin": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.origin = "https://evil.test"
			return a.create(fresh(s, key))
		}},
		"the parent domain's id": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.site = "example"
			return a.create(fresh(s, key))
		}},
		"a reader not verified": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.flags = userPresent
			return a.create(fresh(s, key))
		}},
		"another wallet's passkey": {http.StatusConflict, func(s *site, a *authenticator, key paywall.WalletKey) string {
			other, _ := s.opened(0)
			a.id = s.registered(other).id
			return a.create(fresh(s, key))
		}},
		"a login": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.handle = []byte{1}
			return a.get(fresh(s, key))
		}},
		"more than its own word": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.format = "compound"
			return a.create(fresh(s, key))
		}},
		"the word of a maker": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.format, a.maker = "packed", true
			return a.create(fresh(s, key))
		}},
		"a key that takes long to check": {http.StatusBadRequest, func(s *site, a *authenticator, key paywall.WalletKey) string {
			a.modulus = bytes.Repeat([]byte{0xff}, 1024)
			return a.create(fresh(s, key))
		}},
		"nothing":             {http.StatusBadRequest, func(*site, *authenticator, paywall.WalletKey) string { return "" }},
		"an answer too large": {http.StatusRequestEntityTooLarge, func(*site, *authenticator, paywall.WalletKey) string { return strings.Repeat("A", 64<<10) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			key, wallet := s.opened(5_000_000)
			a := newAuthenticator(t)
			answer := test.answer(s, a, key)
			had := len(s.passkeysOf(wallet))
			w := s.add(answer, cookie(key))
			if wantStatus(t, w, test.status); test.status != http.StatusRequestEntityTooLarge {
				wantText(t, w, catalogueOf(t, "en").T("passkey.again"))
			}
			if got := len(s.passkeysOf(wallet)); got != had {
				t.Errorf("it is kept: %d", got)
			}
		})
	}
	s := newSite(t)
	wantStatus(t, s.add(newAuthenticator(t).create("x")), http.StatusUnauthorized)
	w := s.send(http.MethodPost, "/.paywall/wallet/passkeys/add/begin", "", "", fetched)
	wantProblem(t, w, http.StatusUnauthorized, "no-such-wallet")
}

// TestN09OtherSitesCannotUsePasskeys: neither to put a reader into a wallet of
// theirs, nor to give theirs a way into the reader's.
func TestN09OtherSitesCannotUsePasskeys(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	a := s.registered(key)
	elsewhere := func(r *http.Request) {
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set("Origin", "https://evil.test")
	}
	for _, foreign := range []change{header("Sec-Fetch-Site", "cross-site"), elsewhere} {
		for _, path := range []string{"add", "add/begin", "remove", "login", "login/begin"} {
			a.counter++
			fields := []string{"credential", a.get(s.begin("login").Challenge), "passkey", a.ID()}
			wantStatus(t, s.post("/.paywall/wallet/passkeys/"+path, fields, cookie(key), foreign), http.StatusForbidden)
		}
	}
	wantStatus(t, s.enters(a), http.StatusSeeOther)
}

// TestN10OneOfTwoAnswersToOneChallengeWins.
func TestN10OneOfTwoAnswersToOneChallengeWins(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	a := s.registered(key)
	a.flags |= backedUp
	synced := newAuthenticator(t)
	synced.flags |= backedUp // whose counter stays 0, so that only the challenge tells
	wantStatus(t, s.register(synced, key), http.StatusSeeOther)
	toLogin, toAdd := synced.get(s.begin("login").Challenge), s.begin("add", cookie(key)).Challenge
	statuses := make([]int, 16)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			if i%2 == 0 {
				statuses[i] = s.login(toLogin).Code
			} else {
				statuses[i] = s.add(newAuthenticator(t).create(toAdd), cookie(key)).Code
			}
		})
	}
	all.Wait()
	for kind, what := range []string{"logins", "passkeys"} {
		won := 0
		for i := kind; i < len(statuses); i += 2 {
			switch statuses[i] {
			case http.StatusSeeOther:
				won++
			case http.StatusBadRequest:
			default:
				t.Errorf("status %d", statuses[i])
			}
		}
		if won != 1 {
			t.Errorf("%d %s won", won, what)
		}
	}
}

// foundLedger tells when a login has found its passkey.
type foundLedger struct {
	Ledger
	found func()
}

func (l foundLedger) Passkey(ctx context.Context, id string) (paywall.Passkey, paywall.Wallet, error) {
	p, w, err := l.Ledger.Passkey(ctx, id)
	l.found()
	return p, w, err
}

// TestRemovedPasskeyDoesNotComeBack with the counter of a login that was under way.
func TestRemovedPasskeyDoesNotComeBack(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	a := s.registered(key)
	removed := make(chan int)
	s.through(foundLedger{s.ledger, func() {
		go func() {
			removed <- s.post("/.paywall/wallet/passkeys/remove", []string{"passkey", a.ID()}, cookie(key)).Code
		}()
		time.Sleep(50 * time.Millisecond) // it could be done by now
	}})
	wantStatus(t, s.enters(a), http.StatusSeeOther)
	if status := <-removed; status != http.StatusSeeOther {
		t.Errorf("removing answers %d", status)
	}
	if left := s.passkeysOf(wallet); len(left) != 0 {
		t.Errorf("it is there again: %v", left)
	}
}

// TestReloadDoesNotBreakALogin, and does not let a challenge be used again.
func TestReloadDoesNotBreakALogin(t *testing.T) {
	before := newSite(t)
	key, _ := before.opened(5_000_000)
	a := before.registered(key)
	challenge := before.begin("login").Challenge
	after := newSite(t, func(o *Options) {
		o.Ceremonies, o.Now = before.c.o.Ceremonies, before.now
		o.Ledger = func(context.Context) (Ledger, error) { return before.ledger, nil }
	})
	a.counter++
	wantStatus(t, after.login(a.get(challenge)), http.StatusSeeOther)
	a.counter++
	wantStatus(t, before.login(a.get(challenge)), http.StatusBadRequest)
}

// TestRefusedPasskeysCountAsGuesses is a part of row K14: together with recovery codes. An answer to no
// challenge of ours does not.
func TestRefusedPasskeysCountAsGuesses(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	a, stranger := s.registered(key), newAuthenticator(t)
	stranger.handle = []byte{1}
	for range 2 * atOnce(guessing) {
		wantStatus(t, s.login(stranger.get("AAAA")), http.StatusBadRequest)
		wantStatus(t, s.enters(a), http.StatusSeeOther)
	}
	for i := range atOnce(guessing) {
		if i%2 == 0 {
			s.post("/.paywall/wallet/recover", []string{"code", "x"})
			continue
		}
		wantStatus(t, s.enters(stranger), http.StatusUnauthorized)
	}
	wantStatus(t, s.enters(stranger), http.StatusTooManyRequests)
	wantStatus(t, s.enters(a), http.StatusSeeOther) // whatever a stranger at the address did
}

// asks is an open question of this server to a browser at an origin.
func (s *site) asks(origin string) (challenge string) {
	party, err := s.c.o.Ceremonies.At(origin, "")
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := party.AskForAny(s.now())
	if err != nil {
		s.t.Fatal(err)
	}
	return request.Response.Challenge.String()
}

// FuzzN09PasskeyLogin: what a stranger sends is refused with a page, and lets
// nobody in.
func FuzzN09PasskeyLogin(f *testing.F) {
	s := newSite(f)
	key, _ := s.opened(5_000_000)
	a := s.registered(key)
	good := func() string { return a.get(s.asks(testOrigin)) }
	for _, seed := range []string{good(), a.create(s.begin("add", cookie(key)).Challenge), "", "{}", "null", strings.Replace(good(), "rawId", "RAWID", 1)} {
		f.Add(seed, uint16(0), byte(0))
	}
	f.Add("", uint16(40), byte(1))
	f.Fuzz(func(t *testing.T, answer string, at uint16, mask byte) {
		s.advance(30 * time.Minute) // so that nobody is refused for guessing alone
		if mask != 0 {              // one byte of a good answer is another
			a.counter++
			raw := []byte(good())
			raw[int(at)%len(raw)] ^= mask
			answer = string(raw)
		}
		w := s.login(answer)
		switch w.Code {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
		case http.StatusSeeOther: // JSON has more than one spelling
			if mask == 0 {
				t.Errorf("%q lets somebody in", answer)
			}
		default:
			t.Errorf("status %d of %q:\n%s", w.Code, answer, s.logs)
		}
		s.logs.Reset()
	})
}
