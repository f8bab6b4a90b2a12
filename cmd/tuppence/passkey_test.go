package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

const (
	addPasskey = `form[data-passkey="create"]`
	usePasskey = `form[data-passkey="get"]`

	// A field that may be filled in with a passkey, on a page that has asked for one.
	waitingField = `html[data-asked="conditional"] #recover[autocomplete="username webauthn"]`
)

// authenticator is the one in a reader's device: it knows them, and holds passkeys.
type authenticator struct {
	*browser
	id webauthn.AuthenticatorID
}

// authenticator plugs one into a browser. Where it is not touched it waits.
func (b *browser) authenticator(touched bool) *authenticator {
	b.t.Helper()
	a := &authenticator{browser: b}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		added, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: touched,
		}})
		a.id = added.AuthenticatorID
		return err
	}))
	return a
}

func (a *authenticator) passkeys() (list []*webauthn.Credential) {
	a.t.Helper()
	a.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		held, err := cdp.Call(ctx, t, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id})
		list = held.Credentials
		return err
	}))
	return list
}

// plug is webauthn.AddCredential without what Chromium refuses unless the
// authenticator can do it, even when it is not asked for.
var plug = cdp.Command[plugParams, cdp.Empty]{Method: webauthn.CommandAddCredential}

type plugParams struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      plugged                  `json:"credential"`
}

type plugged struct {
	ID         []byte  `json:"credentialId"`
	Resident   bool    `json:"isResidentCredential"`
	Site       string  `json:"rpId"`
	PrivateKey []byte  `json:"privateKey"`
	UserHandle []byte  `json:"userHandle"`
	SignCount  float64 `json:"signCount"`
}

// takes copies passkeys, as those do that people have on all their devices.
func (a *authenticator) takes(passkeys []*webauthn.Credential) {
	a.t.Helper()
	a.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, p := range passkeys {
			copied := plugged{p.CredentialID, p.IsResidentCredential, p.RpID, p.PrivateKey, p.UserHandle, p.SignCount}
			if _, err := cdp.Call(ctx, t, plug, plugParams{a.id, copied}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (a *authenticator) touch() {
	a.t.Helper()
	a.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: true})
		return err
	}))
}

// tellsWhatItAsks marks pages that ask for a passkey with how they do. Where it
// holds them back, they ask when the page's ask is called.
func (b *browser) tellsWhatItAsks(holds bool) {
	b.t.Helper()
	source := fmt.Sprintf(`const get = CredentialsContainer.prototype.get;
		CredentialsContainer.prototype.get = async function (options) {
			const ready = %t && new Promise((ask) => globalThis.ask = ask);
			const answer = ready ? ready.then(() => get.call(this, options)) : get.call(this, options);
			document.documentElement.dataset.asked = options.mediation ?? "";
			return answer;
		}`, holds)
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
		return err
	}))
}

func (b *browser) shows(selector string) bool {
	b.t.Helper()
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!document.querySelector('`+selector+`')?.checkVisibility()`))
	if err != nil {
		b.t.Fatal(err)
	}
	return shown
}

// wantTold presses the button of a form that stays where it is, and says why.
func (b *browser) wantTold(form, why string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(form+" button")), chromedp.Poll[chromedp.Void](`document.querySelector('`+form+` [role=status]').textContent !== ""`))
	b.wantText(why)
}

// TestPasskeyBringsTheWalletToAnotherBrowser: by the button, and out of what the
// browser offers to fill in.
func TestPasskeyBringsTheWalletToAnotherBrowser(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	first := newScript(s, "5.00").browserOf(true)
	device := first.authenticator(true)
	first.open("/.paywall/wallet")
	first.click(addPasskey + " button")
	first.wantOn("/.paywall/wallet")
	first.wantText("The passkey is added.")
	passkeys := device.passkeys()
	if len(passkeys) != 1 || !passkeys[0].IsResidentCredential {
		t.Fatalf("the device holds %+v", passkeys)
	}
	first.wantTold(addPasskey, "This device has a passkey for your wallet already.")

	// The button, beside a field that waits for the same passkey.
	byButton := newBrowser(t, s.url, true)
	untouched := byButton.authenticator(false)
	untouched.takes(passkeys)
	byButton.tellsWhatItAsks(false)
	byButton.open("/.paywall/wallet")
	byButton.do(chromedp.WaitReady(chromedp.CSS(waitingField)))
	untouched.touch()
	byButton.wantOn("/.paywall/wallet")
	byButton.wantText("You have no wallet here yet")
	byButton.click(usePasskey + " button")
	byButton.wantText("Welcome back")
	byButton.wantText("€5.00")

	// The field, which Chromium fills in at once as a simulated reader would choose.
	// A reload while the device is asked does no harm.
	byField := newBrowser(t, s.url, true)
	byField.authenticator(true).takes(untouched.passkeys()) // with the counter as it is now
	byField.tellsWhatItAsks(true)
	byField.open("/.paywall/wallet")
	byField.do(chromedp.WaitReady(chromedp.CSS(waitingField)))
	s.mustRun("reload", "--force", "--config", s.config, "--adapter", "caddyfile")
	byField.do(chromedp.Evaluate[chromedp.Void](`ask()`), chromedp.WaitReady(chromedp.CSS(addPasskey)))
	byField.wantText("Welcome back")
	byField.wantText("€5.00")

	// In a wallet, the field asks for nothing until it is looked for.
	byField.do(chromedp.Click(chromedp.CSS("details:has(#recover) > summary")), chromedp.WaitReady(chromedp.CSS(waitingField)))

	withNone := newBrowser(t, s.url, true)
	withNone.authenticator(true)
	withNone.open("/.paywall/wallet")
	withNone.wantTold(usePasskey, "No passkey was used.")
	s.wantSound()
}

// TestPasskeysLeaveNoDeadButton where no script runs.
func TestPasskeysLeaveNoDeadButton(t *testing.T) {
	s := startSite(t, "paywall /articles/* 0.20", bait)
	stranger := newBrowser(t, s.url, false)
	if status := stranger.open("/.paywall/wallet"); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	owner := newScript(s, "5.00").browserOf(false)
	owner.open("/.paywall/wallet")
	for _, b := range []*browser{stranger, owner} {
		for _, part := range []string{addPasskey, usePasskey, "[data-passkeys]", "[data-passkey] button"} {
			if b.shows(part) {
				t.Errorf("%s is shown on %s", part, b.location())
			}
		}
	}
}
