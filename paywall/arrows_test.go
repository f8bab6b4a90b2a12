package paywall_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tuppence/tuppence/"

// siblings are the arrows allowed between packages of the library, and those of the
// rooms inside the glue; every package may import the domain.
var siblings = map[string][]string{
	"paywall/gate":            {"paywall/token", "paywall/target", "paywall/pricing", "paywall/teaser"},
	"paywall/pricing":         {"paywall/target"},
	"paywall/checkout":        {"paywall/token", "paywall/checkout/page", "paywall/checkout/passkey", "paywall/checkout/consent", "paywall/topup"},
	"paywall/topup/stripe":    {"paywall/topup"},
	"paywall/topup/bank":      {"paywall/topup"},
	"paywall/topup/topuptest": {"paywall/topup", "paywall/ledger", "paywall/memstore"},
	"paywall/vault":           {"paywall/badgerstore", "paywall/ledger", "paywall/token", "paywall/journal/segment"},
	"paywall/badgerstore":     {"paywall/ledger", "paywall/ledger/state", "paywall/journal", "paywall/journal/segment", "paywall/journal/archive"},
	"paywall/memstore":        {"paywall/ledger", "paywall/journal"},
	"paywall/storetest":       {"paywall/ledger"},
	"paywall/ledger":          {"paywall/ledger/state", "paywall/ledger/audit", "paywall/journal"},
	"paywall/ledger/audit":    {"paywall/ledger/state", "paywall/journal"},
	"paywall/ledger/state":    {"paywall/journal"},
	"paywall/journal/segment": {"paywall/journal", "paywall/journal/archive"},
	"paywall/journal/archive": {"paywall/journal"},

	"cmd/tuppence": {"paywall", "paywall/topup/stripe/pretend", "paywall/topup/bank/pretend"}, // the demo's bank

	"caddymodule/internal/matchers": {"paywall/pricing"},
	"caddymodule/internal/words":    {"paywall/pricing"},
	"caddymodule/internal/topups":   {"caddymodule/internal/words", "paywall/topup", "paywall/topup/stripe", "paywall/topup/bank"},
	"caddymodule/internal/withhold": {"caddymodule/internal/requests", "paywall/gate", "paywall/target", "paywall/checkout"},
	"caddymodule/internal/command": {
		"caddymodule/internal/wire", "paywall/badgerstore", "paywall/journal/archive", "paywall/journal/segment",
	},

	"paywall/topup/stripe/pretend/mocktest": {"paywall/topup/stripe/pretend"},
}

// commands stand in a folder under the package whose claims they measure. They
// may import it, what it imports, and what they measure it with; nothing imports them.
var commands = map[string][]string{
	"paywall/badgerstore/bench": {"paywall/badgerstore", "paywall/checkout", "paywall/token"},
	"paywall/gate/bench":        {"paywall/gate"},
}

// standardOnly are the packages that use nothing of other people's modules.
var standardOnly = []string{"paywall", "paywall/target", "paywall/topup/stripe/pretend"}

// inputOutput is what a journal's line has no need of.
var inputOutput = []string{"io", "io/fs", "io/ioutil", "os", "net", "net/http", "syscall"}

// maxFiles is how many files a package may have, tests aside.
const maxFiles = 30

// TestImportArrowsRunOneWay holds the structure: cmd, caddymodule, paywall/*,
// paywall, and never back; no Caddy and no zap below caddymodule; nothing but
// the standard library in the domain, in target and in the pretend bank; no files in
// a journal's lines; no package that is too large to know.
func TestImportArrowsRunOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var pkg struct {
			ImportPath string
			Imports    []string
			GoFiles    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from, ok := strings.CutPrefix(pkg.ImportPath, module)
		if !ok {
			t.Fatalf("package %s is outside the module", pkg.ImportPath)
		}
		seen++
		if n := len(pkg.GoFiles); n > maxFiles {
			t.Errorf("%s has %d files, which nobody keeps in mind; move what stands alone into a package of its own", from, n)
		}
		for _, imported := range pkg.Imports {
			if !allowed(from, imported) {
				t.Errorf("%s imports %s", from, imported)
			}
		}
	}
	if seen < 5 {
		t.Fatalf("saw %d packages only", seen)
	}
}

func allowed(from, imported string) bool {
	to, own := strings.CutPrefix(imported, module)
	switch {
	case strings.HasPrefix(from, "cmd/"):
		return !own || to == "caddymodule" || strings.HasPrefix(to, from) || slices.Contains(siblings[from], to)
	case from == "caddymodule":
		return !own || strings.HasPrefix(to, "paywall") || strings.HasPrefix(to, "caddymodule/internal/")
	case strings.HasPrefix(from, "caddymodule/internal/"):
		return !own || to == "paywall" || slices.Contains(siblings[from], to)
	case slices.Contains(standardOnly, from) && !own:
		first, _, _ := strings.Cut(imported, "/")
		return !strings.Contains(first, ".")
	case from == "paywall":
		return false
	case strings.HasPrefix(imported, "github.com/caddyserver/"), strings.HasPrefix(imported, "go.uber.org/zap"):
		return false
	case from == "paywall/journal" && slices.Contains(inputOutput, imported):
		return false
	}
	if with, ok := commands[from]; ok {
		return !own || slices.Contains(with, to) || allowed(with[0], imported)
	}
	return !own || to == "paywall" || slices.Contains(siblings[from], to)
}

// TestArrowsThatWouldTurnBackAreSeen keeps the rule itself honest.
func TestArrowsThatWouldTurnBackAreSeen(t *testing.T) {
	for _, arrow := range [][2]string{
		{"paywall", module + "paywall/token"},
		{"paywall", "golang.org/x/text/unicode/norm"},
		{"paywall", module + "paywall/target"},
		{"paywall/target", module + "paywall/pricing"},
		{"paywall/target", "golang.org/x/text/unicode/norm"},
		{"paywall/token", module + "paywall/target"},
		{"paywall/ledger/state", module + "paywall/target"},
		{"paywall/gate", module + "paywall/checkout"},
		{"paywall/checkout", module + "paywall/badgerstore"},
		{"paywall/checkout/page", module + "paywall/checkout"},
		{"paywall/checkout/passkey", module + "paywall/checkout/page"},
		{"paywall/checkout/consent", module + "paywall/checkout"},
		{"paywall/checkout", module + "paywall/topup/stripe"},
		{"paywall/topup", module + "paywall/checkout"},
		{"paywall/gate", "github.com/caddyserver/caddy/v2"},
		{"paywall/token", "go.uber.org/zap"},
		{"paywall/token", module + "caddymodule"},
		{"paywall/ledger", module + "paywall/badgerstore"},
		{"paywall/ledger/audit", module + "paywall/ledger"},
		{"paywall/badgerstore", module + "paywall/vault"},
		{"paywall/vault", module + "paywall/checkout"},
		{"paywall/vault", "github.com/caddyserver/caddy/v2"},
		{"paywall/journal", module + "paywall/journal/segment"},
		{"paywall/journal", "os"},
		{"paywall/journal/archive", module + "paywall/journal/segment"},
		{"paywall/journal/segment", module + "paywall/badgerstore"},
		{"paywall/badgerstore", module + "paywall/badgerstore/bench"},
		{"paywall/badgerstore/bench", module + "paywall/gate"},
		{"paywall/badgerstore/bench", "github.com/caddyserver/caddy/v2"},
		{"paywall/gate/bench", module + "paywall/checkout"},
		{"paywall/gate/bench", module + "caddymodule"},
		{"paywall/topup", module + "paywall/ledger"},
		{"paywall/topup/stripe", module + "paywall/topup/bank"},
		{"paywall/topup/bank", module + "paywall/ledger"},
		{"paywall/topup/stripe/pretend", module + "paywall/topup/stripe"},
		{"paywall/topup/stripe/pretend", module + "paywall/topup"},
		{"paywall/topup/stripe/pretend", "github.com/stripe/stripe-go/v85"},
		{"caddymodule/internal/routes", module + "paywall/gate"},
		{"caddymodule/internal/requests", module + "paywall/gate"},
		{"caddymodule/internal/matchers", module + "caddymodule/internal/routes"},
		{"caddymodule/internal/withhold", module + "caddymodule"},
		{"caddymodule/internal/command", module + "paywall/ledger"},
	} {
		if allowed(arrow[0], arrow[1]) {
			t.Errorf("%s may import %s", arrow[0], arrow[1])
		}
	}
}
