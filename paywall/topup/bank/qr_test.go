package bank_test

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/bank"
)

// TestBankingAppsReadTheCode draws 1,000 codes as the page does, and has zbarimg read
// them back byte for byte.
func TestBankingAppsReadTheCode(t *testing.T) {
	zbarimg, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Fatal("zbarimg is missing; install Debian's zbar-tools")
	}
	folder := t.TempDir()
	want := map[string]string{}
	var files []string
	for i := range 1000 {
		w, err := bank.New(bank.Config{Name: "Example Press " + newIntent()[:i%16], IBAN: account, BIC: []string{"", "COBADEFFXXX"}[i%2], Currency: "EUR"})
		if err != nil {
			t.Fatal(err)
		}
		amount := paywall.Money{Micros: int64(i*i+1) * 10_000, Currency: "EUR"}
		next, err := w.Begin(t.Context(), topup.Begin{ID: newIntent(), Amount: amount})
		if err != nil {
			t.Fatal(err)
		}
		svg, err := page.DrawQR(next.Transfer.Code)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, fmt.Sprintf("%04d.png", i))
		writePNG(t, file, svg)
		files = append(files, file)
		want[file] = next.Transfer.Code
	}
	out, err := exec.CommandContext(t.Context(), zbarimg, append([]string{"--quiet", "--xml", "--set", "*.enable=0", "--set", "qrcode.enable=1"}, files...)...).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	var read struct {
		Sources []struct {
			File  string   `xml:"href,attr"`
			Texts []string `xml:"index>symbol>data"`
		} `xml:"source"`
	}
	if err := xml.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Sources) != len(files) {
		t.Errorf("zbarimg read %d of %d", len(read.Sources), len(files))
	}
	for _, s := range read.Sources {
		if len(s.Texts) != 1 || s.Texts[0] != want[s.File] {
			t.Errorf("%s is read as %q, want %q", filepath.Base(s.File), s.Texts, want[s.File])
		}
	}
}

var (
	viewBox = regexp.MustCompile(`viewBox="0 0 (\d+) \d+"`)
	run     = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H\d+z`)
)

// writePNG paints the SVG's runs of dark modules, four pixels each.
func writePNG(t *testing.T, file string, svg []byte) {
	t.Helper()
	const pixels = 4
	number := func(b []byte) int {
		n, err := strconv.Atoi(string(b))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	size := number(viewBox.FindSubmatch(svg)[1]) * pixels
	img := image.NewGray(image.Rect(0, 0, size, size))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, r := range run.FindAllSubmatch(svg, -1) {
		x, y, length := number(r[1]), number(r[2]), number(r[3])
		for py := y * pixels; py < (y+1)*pixels; py++ {
			for px := x * pixels; px < (x+length)*pixels; px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}
