package caddymodule

import (
	"strings"
	"testing"
)

// way is a block of the option topup, with one of its lines changed: the line that begins
// with the word of by, or the one that is added.
func way(name, by string) string {
	lines := map[string][]string{
		"stripe": {"secret_key sk_test_pretend", "webhook_secret whsec_123456", "amounts 5 10 20"},
		"bank":   {`name "The Ferry Press Ltd"`, "iban DE02120300000000202051", "amounts 5 10 20"},
	}[name]
	word, value, _ := strings.Cut(by, " ")
	changed := []string{}
	for _, line := range lines {
		if first, _, _ := strings.Cut(line, " "); first != word {
			changed = append(changed, line)
		}
	}
	if value != "" {
		changed = append(changed, by)
	}
	return "topup " + name + " {\n\t\t\t" + strings.Join(changed, "\n\t\t\t") + "\n\t\t}"
}

// TestMistakesInWaysOfMoneyAreRefused: at load, with file and line, saying what to write.
func TestMistakesInWaysOfMoneyAreRefused(t *testing.T) {
	t.Setenv("TUPPENCE_TEST_EMPTY", "")
	for name, tc := range map[string]struct{ global, want string }{
		"no way":              {"topup", "topup needs a way; write one of: voucher, bank, stripe, at Caddyfile:5"},
		"misspelt way":        {"topup strip {\n\t\t}", "unrecognized way of topup: strip; did you mean stripe?, at Caddyfile:5"},
		"vouchers":            {"topup vouchers", "did you mean voucher?"},
		"way twice":           {way("bank", "") + "\n\t\t" + way("bank", ""), "topup bank is given twice, at Caddyfile:10"},
		"voucher twice":       {"topup voucher\n\t\ttopup voucher", "topup voucher is given twice, at Caddyfile:6"},
		"voucher with a word": {"topup voucher https://shop.example", "write: topup voucher { buy https://shop.example/vouchers }"},
		"buy misspelt":        {"topup voucher {\n\t\t\tbuyy https://shop.example\n\t\t}", "did you mean buy?, at Caddyfile:6"},
		"buy nowhere":         {"topup voucher {\n\t\t\tbuy\n\t\t}", "write: buy https://shop.example/vouchers, at Caddyfile:6"},
		"buy a script":        {"topup voucher {\n\t\t\tbuy javascript:alert(1)\n\t\t}", "at Caddyfile:6"},
		"buy a host":          {"topup voucher {\n\t\t\tbuy shop.example\n\t\t}", "write an address such as https://shop.example/vouchers, or a path, at Caddyfile:6"},
		"buy twice":           {"topup voucher {\n\t\t\tbuy https://a.example\n\t\t\tbuy https://b.example\n\t\t}", "buy is given twice, at Caddyfile:7"},
		"buy with a block":    {"topup voucher {\n\t\t\tbuy https://a.example {\n\t\t\t\tx\n\t\t\t}\n\t\t}", "buy takes no block"},

		"stripe without a block":  {"topup stripe", "secret_key does not look like one of Stripe's"},
		"stripe with a word":      {"topup stripe sk_test_x", "topup stripe takes a block"},
		"stripe misspelt":         {way("stripe", "secretkey x"), "unrecognized option of topup stripe: secretkey; did you mean secret_key?, at Caddyfile:9"},
		"stripe's key twice":      {way("stripe", "amounts 5\n\t\t\tamounts 10"), "amounts is given twice, at Caddyfile:9"},
		"no key":                  {way("stripe", "secret_key"), "secret_key does not look like one of Stripe's"},
		"an empty key":            {way("stripe", "secret_key {env.TUPPENCE_TEST_EMPTY}"), "secret_key"},
		"a public key":            {way("stripe", "secret_key pk_test_123"), "publishable key (pk_…); write the secret key (sk_…)"},
		"a key of two words":      {way("stripe", "secret_key sk_test_1 sk_test_2"), "write secret_key with its value, such as: secret_key {env.STRIPE_SECRET_KEY}"},
		"no webhook secret":       {way("stripe", "webhook_secret"), "write one webhook_secret, or two"},
		"three webhook secrets":   {way("stripe", "webhook_secret whsec_111111 whsec_222222 whsec_333333"), "write one webhook_secret, or two"},
		"an empty webhook secret": {way("stripe", "webhook_secret whsec_111111 {env.TUPPENCE_TEST_EMPTY}"), "webhook_secret"},
		"webhook secret of else":  {way("stripe", "webhook_secret sk_test_1"), "it begins with whsec_"},
		"no amounts":              {way("stripe", "amounts"), "write: amounts 5 10 20"},
		"small for cards":         {way("stripe", "amounts 1 5"), "1.00 is so little that stolen cards would be tried out with it; begin with at least 3.00"},
		"many amounts":            {way("stripe", "amounts 3 4 5 6 7 8 9"), "write at most 6"},
		"amounts backwards":       {way("stripe", "amounts 10 5"), "5.00 comes after 10.00; write the smallest first, and each once"},
		"amount twice":            {way("stripe", "amounts 5 5"), "write the smallest first, and each once"},
		"amount with a sign":      {way("stripe", "amounts €5"), "is not a decimal such as 0.20"},
		"amount in cents' parts":  {way("stripe", "amounts 5.005"), "finer than EUR"},
		"endpoint elsewhere":      {way("stripe", "endpoint http://stripe.example"), "has to be https"},
		"endpoint with a path":    {way("stripe", "endpoint https://stripe.example/v1"), "is no origin"},
		"a block in stripe":       {way("stripe", "amounts 5 {\n\t\t\t\tx\n\t\t\t}"), "amounts takes no block"},

		"no name":              {way("bank", "name"), `write who owns the account, such as: name "The Ferry Press Ltd", at Caddyfile:5`},
		"a name of words":      {way("bank", "name The Ferry Press"), `write name with its value, such as: name "The Ferry Press Ltd"`},
		"no account":           {way("bank", "iban"), "write the account's number, such as: iban DE02120300000000202051"},
		"an account mistyped":  {way("bank", "iban DE02120300000000202052"), "at Caddyfile:5"},
		"account in words":     {way("bank", "iban DE02 1203 0000"), "write iban with its value"},
		"a BIC mistyped":       {way("bank", "bic BYLADEM"), "at Caddyfile:5"},
		"bank's amounts":       {way("bank", "amounts none"), "bank: amounts: amount \"none\" is not a decimal"},
		"statements misspelt":  {way("bank", "statement /x"), "unrecognized option of topup bank: statement; did you mean statements?"},
		"statements of nobody": {way("bank", "statements {env.TUPPENCE_TEST_EMPTY}"), "statements"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, tc.global, "paywall /a/* 0.20", tc.want) })
	}
}

// TestSmallAmountsNeedAPretendBank: on this machine nobody tries out stolen cards.
func TestSmallAmountsNeedAPretendBank(t *testing.T) {
	config := func(lines string) string {
		return "{\n\tadmin off\n\tpaywall {\n\t\tcurrency EUR\n\t\t" + way("stripe", lines) + "\n\t}\n}\nhttp://localhost:1 {\n\tpaywall /a/* 0.20\n}\n"
	}
	if err := validate(t, config("amounts 1 2\n\t\t\tendpoint http://localhost:8404")); err != nil {
		t.Error(err)
	}
	if err := validate(t, config("amounts 1 2\n\t\t\tendpoint https://stripe.example")); err == nil {
		t.Error("small amounts are taken elsewhere")
	}
}

// TestSecretsStayPlaceholders: what the adapter writes is kept in files and shown at
// /config/.
func TestSecretsStayPlaceholders(t *testing.T) {
	t.Setenv("TUPPENCE_TEST_KEY", "sk_test_secret")
	adapted, err := adapt("{\n\tpaywall {\n\t\tcurrency EUR\n\t\t" + way("stripe", "secret_key {env.TUPPENCE_TEST_KEY}") + "\n\t}\n}\n:80 {\n\tpaywall /a/* 0.20\n}\n")
	if err != nil || !strings.Contains(string(adapted), "{env.TUPPENCE_TEST_KEY}") || strings.Contains(string(adapted), "sk_test_secret") {
		t.Errorf("adapted to %s, %v", adapted, err)
	}
	// The machine that adapts may not know the secrets.
	if _, err := adapt("{\n\tpaywall {\n\t\tcurrency EUR\n\t\t" + way("stripe", "secret_key {env.TUPPENCE_TEST_UNKNOWN}") + "\n\t}\n}\n:80 {\n\tpaywall /a/* 0.20\n}\n"); err != nil {
		t.Error(err)
	}
}
