package page

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// color is red, green and blue in sRGB, each from 0 to 1.
type color [3]float64

var (
	white = color{1, 1, 1}
	black = color{}

	// grounds are what text stands on in the style sheet, --paper and --card, in
	// the light theme and in the dark one.
	grounds = [2][2]color{{mustColor("#f7f4ee"), mustColor("#fffdf9")}, {mustColor("#161513"), mustColor("#1f1e1b")}}
)

// WCAG 2.2: 1.4.3 for text, 1.4.11 for what shows where the focus is.
const (
	textContrast  = 4.5
	focusContrast = 3
)

// parseColor reads "#0b6e4f" and "#064".
func parseColor(s string) (color, error) {
	digits, ok := strings.CutPrefix(s, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != 3 {
		return color{}, fmt.Errorf(`the accent %q is not a color; write one such as "#0b6e4f", with its quotes`, s)
	}
	return color{float64(raw[0]) / 255, float64(raw[1]) / 255, float64(raw[2]) / 255}, nil
}

func mustColor(s string) color {
	c, err := parseColor(s)
	if err != nil {
		panic(err)
	}
	return c
}

func (c color) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// luminance is the relative luminance of WCAG 2.2.
func (c color) luminance() float64 {
	var linear color
	for i, v := range c {
		if v <= 0.04045 {
			linear[i] = v / 12.92
		} else {
			linear[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b color) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// mixed is the color with a part of another, from 0 to 1, as it will be written.
func (c color) mixed(other color, part float64) color {
	var m color
	for i := range c {
		m[i] = math.Round((c[i]*(1-part)+other[i]*part)*255) / 255
	}
	return m
}

// readable takes as much of another color as it needs for a contrast with all
// grounds.
func (c color) readable(toward color, ratio float64, grounds ...color) color {
	for step := range 100 {
		m := c.mixed(toward, float64(step)/100)
		enough := true
		for _, ground := range grounds {
			enough = enough && contrast(m, ground) >= ratio
		}
		if enough {
			return m
		}
	}
	return toward
}

// button is what a button of a color looks like: the text on it, and its color
// under the pointer, which is further away from the text's.
func (c color) button() (text, hover color) {
	text, away := white, black
	if contrast(c, white) < textContrast {
		text, away = black, white
	}
	return text, c.mixed(away, 0.15)
}

// pageColors are the rules that bring an accent into our pages.
func pageColors(accent color) string {
	var links, washes [2]color
	for theme, toward := range [2]color{black, white} {
		paper, card := grounds[theme][0], grounds[theme][1]
		washes[theme] = card.mixed(accent, 0.1)
		links[theme] = accent.readable(toward, textContrast, paper, card, washes[theme])
	}
	text, hover := accent.button()
	return fmt.Sprintf("\n:root { --accent: light-dark(%s, %s); --wash: light-dark(%s, %s); --pay: %s; --on-pay: %s; --pay-hover: %s; }\n",
		links[0], links[1], washes[0], washes[1], accent, text, hover)
}

// boxColors are those for an offer in a page of the site, whose colors are not
// known: the focus must be seen on white and on black.
func boxColors(accent color) string {
	text, hover := accent.button()
	focus := accent.readable(black, focusContrast, white).readable(white, focusContrast, black)
	return fmt.Sprintf(`
.paywall-offer .paywall-pay { color: %[1]s; background: %[2]s; border-color: %[1]s; }
.paywall-offer .paywall-pay:hover { color: %[1]s; background: %[3]s; }
.paywall-offer .paywall-pay:focus-visible { outline-color: %[4]s; }
`, text, accent, hover, focus)
}
