package checkout

import (
	"fmt"
	"net/http"
	"strings"

	"rsc.io/qr"
)

// showQR draws the recovery code of this browser for the camera of another one.
// The picture's address says nothing: the code stands in the picture alone.
func (x *exchange) showQR() error {
	_, who, err := x.reader(x.r.Context())
	if err != nil {
		return err
	}
	picture, err := drawQR(x.recoveryLink(who.key.RecoveryCode()))
	if err != nil {
		return err
	}
	x.pageHeaders()
	x.w.Header().Set("Content-Type", "image/svg+xml")
	x.write(http.StatusOK, picture)
	return nil
}

// recoveryLink leads to the form with the code filled in by the page's script.
// The code stands in the fragment, which browsers send to nobody (RFC 3986, 3.5;
// RFC 9110, 10.1.3).
func (x *exchange) recoveryLink(code string) string { return x.origin + Prefix + "wallet#code=" + code }

// quietZone is the empty border that scanners want, in modules (ISO/IEC 18004, 9.1).
const quietZone = 4

// drawQR is an SVG, dark on white in every theme: not all scanners read the
// reverse. Each run of dark modules in a row is a rectangle.
func drawQR(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	var b strings.Builder
	size := code.Size + 2*quietZone
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, size, size, size, size)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1H%dz", from+quietZone, y+quietZone, x-from, from+quietZone)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return []byte(b.String()), nil
}
