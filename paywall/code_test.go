package paywall

import (
	"regexp"
	"strings"
	"testing"
)

func TestVoucherCodeSurvivesHandwriting(t *testing.T) {
	code := NewVoucherCode()
	want, ok := HashCode(code)
	if !ok {
		t.Fatalf("%q is no code", code)
	}
	look := strings.NewReplacer("0", "O", "1", "l")
	wide := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + '！' - '!'
		}
		return r
	}, code)
	for _, typed := range []string{
		strings.ToLower(code), strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " "),
		look.Replace(code), " " + code + "\n", wide,
	} {
		if got, ok := HashCode(typed); !ok || got != want {
			t.Errorf("%q is not the same code as %q", typed, code)
		}
	}
}

func TestCodesAndIDsHaveEnoughRandomness(t *testing.T) {
	voucher := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$`)  // 20 × 5 = 100 bits
	recovery := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{6}$`) // 26 × 5 = 130 bits
	seen := make(map[string]bool)
	for range 10_000 {
		v, r, id := NewVoucherCode(), NewWalletKey().RecoveryCode(), NewID()
		if !voucher.MatchString(v) || !recovery.MatchString(r) || len(id) != 22 {
			t.Fatalf("%q, %q, %q", v, r, id)
		}
		for _, s := range []string{v, r, id} {
			if seen[s] {
				t.Fatalf("%q repeats", s)
			}
			seen[s] = true
		}
	}
}

func TestWhatCannotBeACodeNeedsNoLookUp(t *testing.T) {
	for _, s := range []string{"", "ABC", strings.Repeat("A", 27), strings.Repeat("A", 300), "AAAAA-AAAAA-AAAAA-AAAA!", "{env.HOME}", "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ"} {
		if _, ok := HashCode(s); ok {
			t.Errorf("%q was taken for a code", s)
		}
	}
}

func TestWalletKeyHasOneSpelling(t *testing.T) {
	key := NewWalletKey()
	if _, ok := key.Hash(); !ok {
		t.Fatal("own key refused")
	}
	for _, k := range []WalletKey{"", key + "A", key[:42], key + "=", key[:42] + "\n", key[:42] + "!"} {
		if _, ok := k.Hash(); ok {
			t.Errorf("%q was taken for a key", k)
		}
	}
	if a, b := key.RecoveryCode(), NewWalletKey().RecoveryCode(); a == b {
		t.Error("two keys share a recovery code")
	}
}

func FuzzHashCode(f *testing.F) {
	f.Add(NewVoucherCode())
	f.Add("ＯｌＩ0-\u3000")
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := HashCode(s)
		again, okAgain := HashCode(strings.ToLower(s))
		if ok && len(s) == len(strings.ToLower(s)) && (h != again || !okAgain) {
			t.Errorf("case changes %q", s)
		}
	})
}
