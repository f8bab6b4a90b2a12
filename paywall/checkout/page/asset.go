package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"slices"
	"strings"
)

//go:embed static templates messages
var embedded embed.FS

// AssetPath is the path under which a site serves the assets, by their names.
const AssetPath = "/.paywall/static/"

// Asset is a file under static/, named by its content: it never changes, so
// that browsers keep it for good.
type Asset struct {
	name  string // "paywall.1a2b3c4d5e6f.css"
	media string
	body  []byte
}

var (
	stylesheet = mustAsset("paywall.css", "text/css; charset=utf-8")
	boxStyle   = mustAsset("box.css", "text/css; charset=utf-8")

	// BarStyle is for the bar in a bought page. It and those after it are what all looks
	// share.
	BarStyle = mustAsset("bar.css", "text/css; charset=utf-8")
	// Icon is the sign of the pages.
	Icon = mustAsset("icon.svg", "image/svg+xml")
	// PressGuard keeps a button from a press that was meant for another page.
	PressGuard = mustAsset("press.js", "text/javascript; charset=utf-8")
	// WalletScript is PressGuard, and fills in a recovery code from a link.
	WalletScript = PressGuard.with(string(mustAsset("wallet.js", "text/javascript; charset=utf-8").body))
	// TopUpScript is PressGuard, fills in a voucher's code from a link, and copies what a
	// bank is to be told.
	TopUpScript = PressGuard.with(string(mustAsset("topup.js", "text/javascript; charset=utf-8").body))
	// AutoScript opens an article without asking.
	AutoScript = mustAsset("auto.js", "text/javascript; charset=utf-8")
	// PasskeyModule talks to the browser about passkeys.
	PasskeyModule = mustAsset("passkey.js", "text/javascript; charset=utf-8")

	assets = byName(stylesheet, boxStyle, BarStyle, Icon, PressGuard, WalletScript, TopUpScript, AutoScript, PasskeyModule)
)

func byName(all ...Asset) map[string]Asset {
	named := make(map[string]Asset, len(all))
	for _, a := range all {
		named[a.name] = a
	}
	return named
}

// URL is where the asset is served.
func (a Asset) URL() string { return AssetPath + a.name }

// Media is the asset's media type.
func (a Asset) Media() string { return a.media }

// Body is the asset's content, which is not to be changed.
func (a Asset) Body() []byte { return a.body }

func mustAsset(file, media string) Asset {
	body, err := embedded.ReadFile("static/" + file)
	if err != nil {
		panic(err) // the binary was built without its files
	}
	return newAsset(file, media, body)
}

func newAsset(file, media string, body []byte) Asset {
	sum := sha256.Sum256(body)
	ext := path.Ext(file)
	return Asset{strings.TrimSuffix(file, ext) + "." + hex.EncodeToString(sum[:6]) + ext, media, body}
}

// with is the asset with rules added to its end.
func (a Asset) with(rules string) Asset {
	file, _, _ := strings.Cut(a.name, ".")
	return newAsset(file+path.Ext(a.name), a.media, append(slices.Clip(a.body), rules...))
}
