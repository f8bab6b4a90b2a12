package stripe

import (
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"
)

const (
	// maxSignatures is how many signatures a call may bear: one for each secret that
	// Stripe knows, and some to spare.
	maxSignatures = 10
	// maxSignatureHeader bounds the header; ten signatures take 700 bytes.
	maxSignatureHeader = 2048
	// tolerance is how far the time of signing may be from now, in either direction.
	tolerance = 300 * time.Second
)

// signature is a Stripe-Signature header: when, and signatures by scheme v1. The SDK's own
// check takes times of the future, several times, any number of signatures and an empty
// secret.
type signature struct {
	at  time.Time
	v1s [][]byte
}

// parseSignature reads "t=1700000000,v1=…,v1=…". Other schemes are passed over.
func parseSignature(headers []string) (signature, error) {
	if len(headers) != 1 || len(headers[0]) > maxSignatureHeader {
		return signature{}, errors.New("one Stripe-Signature header is needed")
	}
	var s signature
	for item := range strings.SplitSeq(headers[0], ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || seconds <= 0 || !s.at.IsZero() {
				return signature{}, errors.New("Stripe-Signature needs one time")
			}
			s.at = time.Unix(seconds, 0)
		case "v1":
			mac, err := hex.DecodeString(value)
			if err != nil || len(s.v1s) == maxSignatures {
				return signature{}, errors.New("Stripe-Signature has a malformed signature, or too many")
			}
			s.v1s = append(s.v1s, mac)
		}
	}
	if s.at.IsZero() || len(s.v1s) == 0 {
		return signature{}, errors.New("Stripe-Signature needs a time and a signature v1")
	}
	return s, nil
}

// fresh reports whether it was signed about now.
func (s signature) fresh(now time.Time) bool {
	off := now.Sub(s.at)
	return off <= tolerance && off >= -tolerance
}

// of reports whether one of the secrets signed the body.
func (s signature) of(body []byte, secrets []string) bool {
	genuine := false
	for _, secret := range secrets {
		want := stripe.ComputeSignature(s.at, body, secret)
		for _, mac := range s.v1s {
			if secret != "" && hmac.Equal(mac, want) {
				genuine = true
			}
		}
	}
	return genuine
}
