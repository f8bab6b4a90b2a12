package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestGroundsAreThoseOfTheStylesheet keeps the two places together.
func TestGroundsAreThoseOfTheStylesheet(t *testing.T) {
	for i, name := range []string{"--paper", "--card"} {
		want := fmt.Sprintf("%s: light-dark(%s, %s);", name, grounds[0][i], grounds[1][i])
		if !strings.Contains(string(stylesheet.body), want) {
			t.Errorf("the stylesheet does not say %q", want)
		}
	}
}

// TestEveryAccentCanBeRead: whatever a publisher chooses, on a button and as a
// link, in both themes.
func TestEveryAccentCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, "accent"))
		accent, err := parseColor(written)
		if err != nil || accent.String() != written {
			t.Fatal(accent, err)
		}
		text, hover := accent.button()
		if contrast(text, accent) < textContrast || contrast(text, hover) < textContrast {
			t.Fatalf("%s on %s or %s", text, accent, hover)
		}
		var links, washes [2]color
		var read []string
		rules := strings.NewReplacer("light-dark(", "", ")", "", ",", "", ";", "").Replace(pageColors(accent))
		for field := range strings.FieldsSeq(rules) {
			if strings.HasPrefix(field, "#") {
				read = append(read, field)
			}
		}
		for theme := range links {
			links[theme], washes[theme] = mustColor(read[theme]), mustColor(read[theme+2])
			for _, ground := range []color{grounds[theme][0], grounds[theme][1], washes[theme]} {
				if got := contrast(links[theme], ground); got < textContrast {
					t.Fatalf("%s on %s is %.2f", links[theme], ground, got)
				}
			}
		}
		_, rest, _ := strings.Cut(boxColors(accent), "outline-color: ")
		focus := mustColor(rest[:7])
		if contrast(focus, white) < focusContrast || contrast(focus, black) < focusContrast {
			t.Fatalf("focus %s", focus)
		}
	})
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want string
	}{{"#000", "#fff", "21.00"}, {"#777777", "#ffffff", "4.48"}, {"#0b6047", "#ffffff", "7.56"}, {"#fff", "#fff", "1.00"}} {
		if got := fmt.Sprintf("%.2f", contrast(mustColor(tc.a), mustColor(tc.b))); got != tc.want {
			t.Errorf("%s on %s is %s, want %s", tc.a, tc.b, got, tc.want)
		}
	}
}

// TestLayoutTurnsWithTheDirection: logical properties only.
func TestLayoutTurnsWithTheDirection(t *testing.T) {
	physical := regexp.MustCompile(`[;{\s]((margin|padding|border|inset)-(left|right|top|bottom)|left|right|top|bottom|(min-|max-)?(width|height)|float|clear)\s*:|text-align:\s*(left|right)`)
	if found := physical.FindAllString(string(stylesheet.body), -1); found != nil {
		t.Errorf("the stylesheet says %q", found)
	}
}
