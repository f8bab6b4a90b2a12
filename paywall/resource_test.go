package paywall_test

import (
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

func TestPathIsEscapedInOneWay(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	escaped := paywall.EscapePath(string(every))
	const verbatim = "!$&'()*+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
	var kept []byte
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '%' {
			i += 2
			continue
		}
		kept = append(kept, escaped[i])
	}
	if string(kept) != verbatim {
		t.Errorf("kept %q", kept)
	}
	if got := paywall.EscapePath("/a;b%c\\ü"); got != "/a%3Bb%25c%5C%C3%BC" {
		t.Error(got)
	}
}
