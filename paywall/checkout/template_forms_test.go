package checkout

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestFormsKeepTheirToken: a template without it would shut text browsers out.
func TestFormsKeepTheirToken(t *testing.T) {
	original, err := embedded.ReadFile("templates/unlock.html")
	if err != nil {
		t.Fatal(err)
	}
	load := func(file, source string) error {
		_, err := NewLook(LookOptions{Templates: fstest.MapFS{file: {Data: []byte(source)}}})
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
	box, err := embedded.ReadFile("templates/box.html")
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
