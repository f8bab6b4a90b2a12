package bank

import (
	"crypto/rand"
	"strings"
	"testing"
)

// TestReferenceIsThatOfTheStandard: ISO 11649's own sample, and the digits of ours.
func TestReferenceIsThatOfTheStandard(t *testing.T) {
	if mod97("539007547034"+"RF18") != 1 {
		t.Error("RF18 5390 0754 7034, the standard's sample, is not valid")
	}
	for range 2000 {
		intent := rand.Text()[:16]
		reference, err := Reference(intent)
		if err != nil || len(reference) != 20 || mod97(reference[4:]+reference[:4]) != 1 {
			t.Fatalf("%q: %q, %v", intent, reference, err)
		}
		if got, ok := ParseReference(reference); !ok || got != intent {
			t.Fatalf("%q is read as %q, %v", reference, got, ok)
		}
	}
	for _, bad := range []string{"", "ABC", "abcdefghijklmnop", "ABCDEFGHIJKLMNO1", "ABCDEFGHIJKLMNOPQ", "ABCDEFGHIJKLMNÖ"} {
		if reference, err := Reference(bad); err == nil {
			t.Errorf("%q has the reference %q", bad, reference)
		}
	}
}

// TestReferenceIsReadAsPeopleWriteIt, in whatever text around it.
func TestReferenceIsReadAsPeopleWriteIt(t *testing.T) {
	for range 200 {
		intent := rand.Text()[:16]
		reference, _ := Reference(intent)
		var spaced []string
		for i := 0; i < len(reference); i += 4 {
			spaced = append(spaced, reference[i:i+4])
		}
		for _, text := range []string{
			reference, strings.ToLower(reference), strings.Join(spaced, " "), strings.Join(spaced, "-"), "  " + strings.Join(spaced, "\u00a0") + "\n",
			"Reading credit, ref. " + strings.ToLower(strings.Join(spaced, " ")) + ", thank you!", "EREF+NOTPROVIDED SVWZ+" + reference,
			"RF" + reference, reference + reference, "SURF " + reference + " RF", reference[:13] + "\n" + reference[13:],
		} {
			var r references
			r.text(text)
			if r.single() != intent {
				t.Errorf("%q: %+v, want %s", text, r, intent)
			}
		}
		var both references
		other, _ := Reference(rand.Text()[:16])
		both.text(reference + " and " + other)
		if len(both.intents) != 2 || both.single() != "" {
			t.Errorf("two references: %+v", both)
		}
	}
}

// TestMistypedReferenceIsNobodys: each wrong letter or digit and each swap of such
// neighbours is seen, and looks like one of ours. A letter for a digit is never taken for
// the intent that was meant.
func TestMistypedReferenceIsNobodys(t *testing.T) {
	sort := func(c byte) bool { return c >= 'A' }
	for range 50 {
		intent := rand.Text()[:16]
		reference, _ := Reference(intent)
		try := func(typed string, certain bool) {
			if typed == reference {
				return
			}
			var r references
			r.text(typed)
			got, ok := ParseReference(typed)
			if certain && (ok || len(r.intents) > 0 || !r.mistyped) {
				t.Errorf("%q instead of %q is taken for %q, %+v", typed, reference, got, r)
			}
			if got == intent || r.single() == intent {
				t.Errorf("%q instead of %q is taken for the same", typed, reference)
			}
		}
		for i := 2; i < len(reference); i++ {
			for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
				try(reference[:i]+string(c)+reference[i+1:], sort(c) == sort(reference[i]))
			}
			try(reference[:i-1]+reference[i:i+1]+reference[i-1:i]+reference[i+1:], i > 4 && sort(reference[i]) == sort(reference[i-1]))
		}
		try(reference[:10]+reference[11:], false)                 // one lost
		try(reference[:10]+reference[9:10]+reference[10:], false) // one doubled
	}
	for _, check := range []string{"00", "01", "99"} { // the remainder of others, and never written
		for intent := rand.Text()[:16]; ; intent = rand.Text()[:16] {
			if mod97(intent+"RF"+check) != 1 {
				continue
			}
			if _, ok := ParseReference("RF" + check + intent); ok {
				t.Errorf("RF%s%s is taken, which nobody writes", check, intent)
			}
			break
		}
	}
}

// TestOtherPeoplesReferencesAreNotOurs: invoices have RF references, too.
func TestOtherPeoplesReferencesAreNotOurs(t *testing.T) {
	for _, text := range []string{
		"RF18 5390 0754 7034", "RF98 1234 5678 9012 3456", "RF09 INVOICE 2026 0001 A", "Invoice 2026-1127", "SURF 2000", "Surfboard rental, November",
		"Rent", "RF", "RF12", "", "ST RF 2026", "STRIPE PAYOUT po_1Nabcdefghijklmnop",
	} {
		s := alphanumerics(text)
		if strings.HasPrefix(s, "RF") && len(s) > 12 { // give it right check digits
			rest := 98 - mod97(s[4:]+"RF00")
			text = "RF" + string(rune('0'+rest/10)) + string(rune('0'+rest%10)) + s[4:]
		}
		var r references
		r.field(text)
		if !r.none() {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

// FuzzReference: whatever stands in a text, what is found in it is a valid reference.
func FuzzReference(f *testing.F) {
	reference, _ := Reference("ABCDEFGHIJKLMNOP")
	for _, seed := range []string{reference, "pay " + reference + reference, "RF00RF00RF00RF00RF00RF00", "rf", "RF١٢", "\xff" + reference} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r, field references
		r.text(text)
		field.field(text)
		for _, intent := range r.intents {
			back, err := Reference(intent)
			if err != nil || !strings.Contains(alphanumerics(text), back) {
				t.Errorf("%q is found in %q: %v", intent, text, err)
			}
		}
		intent, ok := ParseReference(text)
		if ok != (len(alphanumerics(text)) == 20 && r.single() != "") || ok && (intent != r.single() || intent != field.single()) {
			t.Errorf("%q is read as %q, %v, and found as %+v, %+v", text, intent, ok, r, field)
		}
	})
}
