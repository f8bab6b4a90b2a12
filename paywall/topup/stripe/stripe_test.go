package stripe

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

const (
	testKey    = "sk_test_tuppence0123456789"
	testSecret = "whsec_tuppence"
	testIntent = "ABCDEFGHIJKLMNOP"
)

// logged is what a way logged.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// newWay makes a way whose Stripe is at url.
func newWay(t *testing.T, url string, change ...func(*Config)) (*Way, *logged) {
	t.Helper()
	log := &logged{}
	c := Config{
		SecretKey: testKey, WebhookSecrets: []string{testSecret}, Endpoint: url, Currency: "EUR",
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return w, log
}

// answering is a Stripe that answers each request by a handler.
func answering(t *testing.T, h http.HandlerFunc) (*Way, *logged) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return newWay(t, s.URL)
}

func euros(cents int64) paywall.Money {
	return paywall.Money{Micros: cents * 10_000, Currency: "EUR"}
}

// begun is a top-up of five euros.
func begun() topup.Begin {
	return topup.Begin{
		ID: testIntent, Amount: euros(500), Expires: time.Now().Add(life).Truncate(time.Second),
		Return: "https://news.example/.paywall/topup/return", Cancel: "https://news.example/.paywall/topup",
	}
}

func TestConfigIsRefusedWithWhatToChange(t *testing.T) {
	good := Config{SecretKey: testKey, WebhookSecrets: []string{testSecret}, Currency: "EUR"}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // "": accepted
	}{
		"test key":            {func(c *Config) {}, ""},
		"live restricted key": {func(c *Config) { c.SecretKey = "rk_live_51Nabc" }, ""},
		"two secrets":         {func(c *Config) { c.WebhookSecrets = []string{testSecret, "whsec_theother"} }, ""},
		"loopback":            {func(c *Config) { c.Endpoint = "http://127.0.0.1:8420/" }, ""},
		"loopback by name":    {func(c *Config) { c.Endpoint = "http://localhost:8420" }, ""},
		"loopback of IPv6":    {func(c *Config) { c.Endpoint = "http://[::1]:8420" }, ""},
		"no key":              {func(c *Config) { c.SecretKey = "" }, "secret_key"},
		"publishable key":     {func(c *Config) { c.SecretKey = "pk_live_51Nabc" }, "publishable"},
		"key with a space":    {func(c *Config) { c.SecretKey = "sk_test_abc " }, "secret_key"},
		"webhook secret":      {func(c *Config) { c.SecretKey = testSecret }, "secret_key"},
		"no webhook secret":   {func(c *Config) { c.WebhookSecrets = nil }, "webhook_secret"},
		"empty secret":        {func(c *Config) { c.WebhookSecrets = []string{testSecret, ""} }, "webhook_secret"},
		"three secrets":       {func(c *Config) { c.WebhookSecrets = []string{testSecret, testSecret, testSecret} }, "webhook_secret"},
		"plain http":          {func(c *Config) { c.Endpoint = "http://stripe.example" }, "https"},
		"path":                {func(c *Config) { c.Endpoint = "https://stripe.example/v1" }, "origin"},
		"user":                {func(c *Config) { c.Endpoint = "https://a:b@stripe.example" }, "origin"},
		"no host":             {func(c *Config) { c.Endpoint = "https://" }, "origin"},
		"page over http":      {func(c *Config) { c.PageOrigin = "http://pay.example" }, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			_, err := New(config)
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("got %v, want a word on %s", err, c.want)
			case err != nil && strings.Contains(err.Error(), config.SecretKey) && config.SecretKey != "":
				t.Fatalf("the key stands in the error: %v", err)
			}
		})
	}
}

func TestOriginIsThatOfTheHostedPage(t *testing.T) {
	for _, c := range []struct{ endpoint, page, want string }{
		{"", "", "https://checkout.stripe.com"},
		{"", "https://pay.news.example", "https://pay.news.example"},
		{"http://127.0.0.1:8420/", "", "http://127.0.0.1:8420"},
	} {
		w, _ := newWay(t, c.endpoint, func(config *Config) { config.PageOrigin = c.page })
		if got := w.Origins(); len(got) != 1 || got[0] != c.want {
			t.Errorf("%+v: origins %v", c, got)
		}
	}
}

func TestAmountsFollowStripesMinorUnits(t *testing.T) {
	for _, c := range []struct {
		amount   string
		currency paywall.Currency
		want     int64 // 0: refused
	}{
		{"5.00", "EUR", 500}, {"0.01", "USD", 1}, {"0.005", "EUR", 0}, {"-5.00", "EUR", 0}, {"0", "EUR", 0},
		{"500", "JPY", 500}, {"0.5", "JPY", 0}, {"1000", "KRW", 1000}, {"5", "MGA", 5}, {"5.20", "MGA", 0},
		{"1.230", "KWD", 1230}, {"1.234", "KWD", 0}, {"5", "ISK", 500}, {"5", "UGX", 500},
		{"1000000", "EUR", 100_000_000}, {"250", "HUF", 25000},
	} {
		m, err := paywall.ParseMoney(c.amount, c.currency)
		if err != nil {
			t.Fatal(err)
		}
		got, err := minor(m)
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s %s: %d, %v", c.amount, c.currency, got, err)
		}
		w, _ := newWay(t, "", func(config *Config) { config.Currency = c.currency })
		if back := w.money(got); c.want != 0 && back != m {
			t.Errorf("%s %s comes back as %s", c.amount, c.currency, back)
		}
	}
}
