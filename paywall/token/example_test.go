package token_test

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// A ring signs what a purchase opens; a verifier with the ring's keys reads it, on
// the site it is for. After a rotation the older key still verifies.
func ExampleRing() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ring, err := token.OpenRing(dir, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	signed, err := ring.SignAccess(&token.Access{
		ID:     paywall.NewID(),
		Issuer: "https://pay.example", Audience: "https://news.example",
		Resource: "/albums/x/*",
		IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := ring.Rotate(now); err != nil {
		fmt.Println(err)
		return
	}

	verifier := token.NewVerifier(ring, time.Now)
	access, err := verifier.Access(signed, "https://pay.example", "https://news.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(access.Opens("/albums/x/1.mp3"), access.Opens("/albums/y"))

	_, err = verifier.Access("the-sites-own-bearer", "https://pay.example", "https://news.example")
	fmt.Println(errors.Is(err, token.ErrNotOurs))
	// Output:
	// true false
	// true
}
