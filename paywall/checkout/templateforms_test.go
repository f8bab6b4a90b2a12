package checkout

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// TestFormsKeepTheirToken: a template without it would shut text browsers out.
func TestFormsKeepTheirToken(t *testing.T) {
	original, err := os.ReadFile("page/templates/unlock.html")
	if err != nil {
		t.Fatal(err)
	}
	load := func(file, source string) error {
		_, err := NewLook(page.Options{Templates: fstest.MapFS{file: {Data: []byte(source)}}})
		return err
	}
	if err := load("unlock.html", string(original)); err != nil {
		t.Errorf("ours: %v", err)
	}
	for _, without := range []string{`{{template "token" $}}`, `{{template "token" .}}`} {
		broken := strings.ReplaceAll(string(original), without, "")
		if broken == string(original) {
			continue
		}
		err := load("unlock.html", broken)
		if err == nil || !strings.HasPrefix(err.Error(), "unlock.html:") || !strings.Contains(err.Error(), `write {{template "token" $}} into it`) {
			t.Errorf("without %s: %v", without, err)
		}
	}
	box, err := os.ReadFile("page/templates/box.html")
	if err != nil {
		t.Fatal(err)
	}
	for file, source := range map[string]string{
		"box.html":   string(box),
		"error.html": `{{define "content"}}<form action="/search"><input name="q"></form>{{end}}`,
		"erase.html": "{{define \"content\"}}<FORM METHOD='POST' action=\"/.paywall/wallet/erase\">{{- template \"token\" $}}<button>x</button></FORM>{{end}}",
	} {
		if err := load(file, source); err != nil && strings.Contains(err.Error(), "token") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
