package caddymodule

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUIMistakesAreRefused: at load, with file and line, saying what to write.
func TestUIMistakesAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ lines, want string }{
		"empty":                  {"ui", "ui is empty"},
		"on one line":            {"ui Ferry", "ui takes a block; write"},
		"unknown word":           {"ui {\nfont Arial\n}", "unrecognized option of ui: font; write one of: name, logo, accent, languages, templates, at Caddyfile:6"},
		"twice":                  {"ui {\nname Ferry\n}\nui {\nname Ferry\n}", "ui is given twice"},
		"a line twice":           {"ui {\nname Ferry\nname Ferry\n}", "name is given twice, at Caddyfile:7"},
		"name of two words":      {"ui {\nname The Ferry\n}", "put it in quotes"},
		"name without end":       {"ui {\nname " + strings.Repeat("x", 61) + "\n}", "at most 60 characters"},
		"name that turns around": {"ui {\nname \"a\u202eb\"\n}", "plain text"},
		"logo from elsewhere":    {"ui {\nlogo https://cdn.example/logo.svg\n}", "one such as /logo.svg, at Caddyfile:6"},
		"logo without a scheme":  {"ui {\nlogo //cdn.example/logo.svg\n}", "is not a path on the site itself"},
		"logo beside the page":   {"ui {\nlogo logo.svg\n}", "is not a path on the site itself"},
		"accent by name":         {"ui {\naccent green\n}", `is not a color; write one such as "#0b6e4f", with its quotes, at Caddyfile:6`},
		"accent as a comment":    {"ui {\naccent #0b6e4f\n}", "with its quotes"},
		"accent of four digits":  {"ui {\naccent \"#0b6e\"\n}", "is not a color"},
		"accent with more":       {"ui {\naccent \"#0b6e4f;}\"\n}", "is not a color"},
		"unknown language":       {"ui {\nlanguages en tlh\n}", `no pages in the language "tlh"; write some of en de`},
		"language twice":         {"ui {\nlanguages en en\n}", "given twice"},
		"no language":            {"ui {\nlanguages\n}", "such as: languages en de"},
		"a block inside":         {"ui {\nname Ferry {\nx\n}\n}", "takes no block"},
		"no folder":              {"ui {\ntemplates /nowhere/at/all\n}", "no such file or directory, at Caddyfile:5"},
		"a secret that is none":  {"ui {\nname {env.TUPPENCE_TEST_NOTHING}\n}", "ui name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, "{\n\tadmin off\n\tpaywall {\n\t\tcurrency EUR\n"+tc.lines+"\n\t}\n}\nhttp://localhost:1 {\n\tpaywall /a/* 0.20\n}\n")
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("refused with %q, want %q", err, tc.want)
			}
		})
	}
}

// TestTemplateMistakesAreRefused: with the template's file and line, and the
// config's.
func TestTemplateMistakesAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ file, source, want string }{
		"no template":            {"readme.txt", "hello", "no template in the folder; put one of these there: bar.html, box.html"},
		"of another name":        {"buy.html", "hello", "buy.html takes the place of no template"},
		"empty":                  {"unlock.html", " \n", "unlock.html:1: the template is empty"},
		"not parsed":             {"unlock.html", "{{define \"content\"}}\n{{if .Words}}\n{{end}}", "unlock.html:3"},
		"unknown function":       {"unlock.html", "{{define \"content\"}}\n{{env \"HOME\"}}{{end}}", `unlock.html:2: function "env" not defined`},
		"unknown field":          {"unlock.html", "{{define \"content\"}}<h1>{{.Title}}</h1>\n{{.Prize}}{{end}}", "unlock.html:2:2: there is no .Prize here"},
		"unknown, on no page":    {"unlock.html", "{{define \"content\"}}\n\n{{if .Words}}{{.Prize}}{{end}}{{end}}", "unlock.html:3:15: there is no .Prize here"},
		"unknown, in a list":     {"wallet.html", "{{define \"content\"}}{{range $i, $u := .Unlocks}}\n{{$u.Prize}}{{end}}{{end}}", "wallet.html:2:4: there is no .Prize here"},
		"unknown, in a with":     {"layout.html", "{{define \"layout\"}}{{with .Switch}}\n{{.Site}}{{end}}{{template \"content\" .}}{{end}}", "layout.html:2:2: there is no .Site here"},
		"unknown in a variable":  {"topup.html", "{{define \"content\"}}{{$b := .Balance}}\n{{$b.Cents}}{{end}}", "topup.html:2:4: there is no .Cents here"},
		"field of another page":  {"erase.html", "{{define \"content\"}}\n{{.Price}}{{end}}", "erase.html:2:2: there is no .Price here"},
		"unknown text":           {"error.html", "{{define \"content\"}}\n{{.T \"error.nope\"}}{{end}}", `error.html:2:5: there is no text "error.nope"`},
		"unknown template":       {"topup.html", "{{define \"content\"}}\n{{template \"vouchers\" .}}{{end}}", `topup.html:2:11: there is no template "vouchers"`},
		"no content":             {"reset.html", "<h1>{{.Title}}</h1>", `"content"`},
		"ambiguous place":        {"stranger.html", "{{define \"content\"}}\n<a href=\"{{if .Known}}'{{else}}\">{{end}}{{end}}", "stranger.html"},
		"box of unknown field":   {"box.html", "{{define \"box\"}}\n{{.Balance}}{{end}}", "box.html:2:2: there is no .Balance here"},
		"longer than a page may": {"topup.html", strings.Repeat("x", 1<<17), "longer than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, tc.file), tc.source)
			err := validate(t, "{\n\tadmin off\n\tpaywall {\n\t\tui {\n\t\t\ttemplates "+dir+"\n\t\t}\n\t}\n}\nhttp://localhost:1 {\n\tpaywall /a/* 0.20\n}\n")
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "Caddyfile:4") {
				t.Errorf("refused with %q, want %q", err, tc.want)
			}
		})
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReloadChangesTheLook: name, logo, accent, languages and templates, also
// where only a template's file was changed.
func TestReloadChangesTheLook(t *testing.T) {
	dir := t.TempDir()
	topup := filepath.Join(dir, "topup.html")
	writeFile(t, topup, `{{define "content"}}<h1>{{.Title}}</h1><p>at the kiosk</p>{{end}}`)
	s := newSite(t, "", articlesFor20, new(articles))
	before := s.get("/.paywall/topup", "Accept", "text/html")
	if !strings.Contains(before.body, "<bdi>localhost") || !strings.Contains(before.body, "Deutsch") || strings.Contains(before.body, "kiosk") {
		t.Fatalf("not our look: %s", before.body)
	}
	s.global = "ui {\n\t\t\tname \"The <Ferry>\"\n\t\t\tlogo /logo.svg\n\t\t\taccent \"#ffd400\"\n\t\t\tlanguages fr he\n\t\t\ttemplates " + dir + "\n\t\t}"
	if err := s.load(articlesFor20); err != nil {
		t.Fatal(err)
	}
	after := s.get("/.paywall/topup", "Accept", "text/html")
	for _, want := range []string{`<img src="/logo.svg" alt="The &lt;Ferry&gt;">`, `lang="fr"`, "at the kiosk", " · The &lt;Ferry&gt;</title>"} {
		if !strings.Contains(after.body, want) {
			t.Errorf("no %s in %s", want, after.body)
		}
	}
	if strings.Contains(after.body, "Deutsch") {
		t.Error("a language that was not chosen is offered")
	}
	_, rest, _ := strings.Cut(after.body, `<link rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	if style := s.get(path); style.StatusCode != http.StatusOK || !strings.Contains(style.body, "--pay: #ffd400; --on-pay: #000000;") {
		t.Errorf("%s answers %d without the accent", path, style.StatusCode)
	}
	writeFile(t, topup, `{{define "content"}}<h1>{{.Title}}</h1><p>at the harbour</p>{{end}}`)
	if err := s.load(articlesFor20); err != nil {
		t.Fatal(err)
	}
	if again := s.get("/.paywall/topup", "Accept", "text/html"); !strings.Contains(again.body, "at the harbour") {
		t.Errorf("the template was not read again: %s", again.body)
	}
	writeFile(t, topup, `{{define "content"}}{{.Nothing}}{{end}}`)
	if err := s.load(articlesFor20); err == nil {
		t.Error("a broken template was accepted")
	}
	if still := s.get("/.paywall/topup", "Accept", "text/html"); !strings.Contains(still.body, "at the harbour") {
		t.Errorf("a refused reload changed the page: %s", still.body)
	}
}
