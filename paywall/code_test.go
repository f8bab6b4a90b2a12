package paywall

import (
	"regexp"
	"strings"
	"testing"
)

// TestVoucherCodeSurvivesHandwriting is row K06.
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

// TestF13CodesAndIDsHaveEnoughRandomness: 128 bits for what opens something by
// itself, 100 for a voucher, and no order by which the next one could be guessed. It is
// row K07 of vouchers.
func TestF13CodesAndIDsHaveEnoughRandomness(t *testing.T) {
	voucher := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$`)  // 20 × 5 = 100 bits
	recovery := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{6}$`) // 26 × 5 = 130 bits
	seen := make(map[string]bool)
	var last [4]string
	var rising [4]int
	for range 10_000 {
		key := NewWalletKey()
		v, r, id := NewVoucherCode(), key.RecoveryCode(), NewID()
		if !voucher.MatchString(v) || !recovery.MatchString(r) || len(id) != 22 || len(key) != 43 { // 16 and 32 bytes in base64
			t.Fatalf("%q, %q, %q, %q", v, r, id, key)
		}
		for i, s := range []string{v, r, id, string(key)} {
			if seen[s] {
				t.Fatalf("%q repeats", s)
			}
			seen[s] = true
			if s > last[i] {
				rising[i]++
			}
			last[i] = s
		}
	}
	for i, n := range rising { // 5,000, and 29 more or less as a rule
		if n < 4_500 || n > 5_500 {
			t.Errorf("of 10,000 like %q, %d come after the one before", last[i], n)
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

func TestAGiftKeyIsReadInItsOneSpelling(t *testing.T) {
	key := NewGiftKey()
	hash, ok := key.Hash()
	if again, _ := key.Hash(); !ok || again != hash || NewGiftKey() == key {
		t.Fatalf("%q has the hash %x", key, hash)
	}
	for _, bad := range []GiftKey{"", key[1:], key + "A", key + "=", key[:21] + "\n", key[:21] + "B", GiftKey(NewWalletKey())} {
		if _, ok := bad.Hash(); ok {
			t.Errorf("%q passes for a gift key", bad)
		}
	}
}
