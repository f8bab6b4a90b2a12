package consent

import (
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestOnlyItsOwnWalletAndTopUpOpenAConsent: nobody else can make a reader's browser buy.
func TestOnlyItsOwnWalletAndTopUpOpenAConsent(t *testing.T) {
	key := paywall.NewWalletKey()
	agreed := Consent{Intent: "ABCDEFGHIJKLMNOP", Shown: "0.20", Offer: "eyJ.eyJ.c2ln"}
	cookie := agreed.Seal(key)
	if got, ok := Open(cookie, key, agreed.Intent); !ok || got != agreed {
		t.Fatalf("opened %v, %t", got, ok)
	}
	for name, try := range map[string]struct {
		cookie string
		key    paywall.WalletKey
		intent string
	}{
		"another wallet": {cookie, paywall.NewWalletKey(), agreed.Intent},
		"no wallet":      {Consent{agreed.Intent, agreed.Shown, agreed.Offer}.Seal(""), "", agreed.Intent},
		"another top-up": {cookie, key, "ABCDEFGHIJKLMNOQ"},
		"other price":    {strings.Replace(cookie, "0.20", "9.20", 1), key, agreed.Intent},
		"other offer":    {cookie + "x", key, agreed.Intent},
		"moved parts":    {strings.Replace(cookie, "0.20~", "0.2~0", 1), key, agreed.Intent},
		"cut":            {cookie[:30], key, agreed.Intent},
		"empty":          {"", key, ""},
	} {
		if got, ok := Open(try.cookie, try.key, try.intent); ok {
			t.Errorf("%s: opened %v", name, got)
		}
	}
}
