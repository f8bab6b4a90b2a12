package paywall

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestPriceIsAPlainDecimalOfItsCurrency(t *testing.T) {
	for _, tc := range []struct {
		amount   string
		currency Currency
		micros   int64 // 0: refused
	}{
		{"0.20", "EUR", 200_000},
		{"3", "EUR", 3_000_000},
		{"100", "JPY", 100_000_000},
		{"1.234", "KWD", 1_234_000},
		{"1000000", "EUR", 1_000_000_000_000},
		{"0.5", "JPY", 0},
		{"1.2345", "KWD", 0},
		{"0.005", "EUR", 0},
		{"-0.50", "EUR", 0},
		{"0", "EUR", 0},
		{"0.00", "EUR", 0},
		{"1e3", "EUR", 0},
		{"NaN", "EUR", 0},
		{"0x10", "EUR", 0},
		{"1,50", "EUR", 0},
		{"٠.٢٠", "EUR", 0},
		{"9223372036854775807", "EUR", 0},
		{"1000000.01", "EUR", 0},
		{"", "EUR", 0},
		{".5", "EUR", 0},
		{"5.", "EUR", 0},
		{"+1", "EUR", 0},
		{" 1", "EUR", 0},
		{"1_000", "EUR", 0},
	} {
		m, err := ParsePrice(tc.amount, tc.currency)
		if (err == nil) != (tc.micros != 0) || err == nil && m.Micros != tc.micros {
			t.Errorf("ParsePrice(%q, %s) = %d, %v; want %d", tc.amount, tc.currency, m.Micros, err, tc.micros)
		}
		if err != nil && ErrorCode(err) != CodeMalformed {
			t.Errorf("ParsePrice(%q): code %s", tc.amount, ErrorCode(err))
		}
	}
}

func TestMoneySurvivesItsDecimalString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]Currency{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		m := Money{Micros: rapid.Int64Range(-1e18, 1e18).Draw(t, "micros"), Currency: c}
		back, err := ParseMoney(m.String(), c)
		if err != nil || back != m {
			t.Fatalf("%d → %q → %d, %v", m.Micros, m.String(), back.Micros, err)
		}
	})
}

func TestMoneyPrintsTheCurrencysDecimals(t *testing.T) {
	for _, tc := range []struct {
		m    Money
		want string
	}{
		{Money{200_000, "EUR"}, "0.20"},
		{Money{66_667, "EUR"}, "0.066667"},
		{Money{-200_000, "EUR"}, "-0.20"},
		{Money{100_000_000, "JPY"}, "100"},
		{Money{500_000, "JPY"}, "0.5"},
		{Money{1_200_000, "KWD"}, "1.200"},
		{Money{0, "EUR"}, "0.00"},
		{Money{math.MinInt64, "EUR"}, "-9223372036854.775808"},
	} {
		if got := tc.m.String(); got != tc.want {
			t.Errorf("%d %s prints %q, want %q", tc.m.Micros, tc.m.Currency, got, tc.want)
		}
	}
}

func TestAddRefusesOverflowAndMixedCurrencies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		sum, err := Money{a, "EUR"}.Add(Money{b, "EUR"})
		overflows := b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b
		if (err != nil) != overflows || err == nil && sum.Micros != a+b {
			t.Fatalf("%d + %d = %d, %v", a, b, sum.Micros, err)
		}
	})
	if _, err := (Money{1, "EUR"}).Add(Money{1, "USD"}); err == nil {
		t.Error("EUR + USD was allowed")
	}
}

func TestSharesAlwaysSumToThePrice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Offer{Site: "https://news.example", Price: Money{rapid.Int64Range(1, 1e12).Draw(t, "price"), "EUR"}}
		rest := int64(WholePPM)
		for _, name := range []string{"a", "b", "c"} {
			ppm := rapid.Int64Range(0, rest).Draw(t, name)
			if ppm > 0 {
				o.Shares = append(o.Shares, Share{name, ppm})
				rest -= ppm
			}
		}
		legs, err := o.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, l := range legs {
			if l.Micros <= 0 {
				t.Fatalf("leg of %d for %s", l.Micros, l.Account)
			}
			sum += l.Micros
		}
		if sum != o.Price.Micros {
			t.Fatalf("legs sum to %d of %d", sum, o.Price.Micros)
		}
	})
}

func TestThirdsOfTenCentsAddUp(t *testing.T) {
	o := Offer{Site: "s", Price: Money{100_000, "EUR"}, Shares: []Share{{"a", 333_333}, {"b", 333_333}}}
	legs, err := o.Allocate()
	if err != nil || len(legs) != 3 || legs[0].Micros+legs[1].Micros+legs[2].Micros != 100_000 {
		t.Fatal(legs, err)
	}
	if _, err := (&Offer{Price: Money{1, "EUR"}, Shares: []Share{{"a", 600_000}, {"b", 600_000}}}).Allocate(); err == nil {
		t.Error("shares of 120 % were allowed")
	}
}
