package checkout

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed static templates messages
var embedded embed.FS

// asset is a file under static/, named by its content: it never changes, so
// that browsers keep it for good.
type asset struct {
	name  string // "paywall.1a2b3c4d5e6f.css"
	media string
	body  []byte
}

var (
	stylesheet = mustAsset("paywall.css", "text/css; charset=utf-8")
	boxStyle   = mustAsset("box.css", "text/css; charset=utf-8")
	barStyle   = mustAsset("bar.css", "text/css; charset=utf-8")
	icon       = mustAsset("icon.svg", "image/svg+xml")
	pressGuard = mustAsset("press.js", "text/javascript; charset=utf-8")
	script     = pressGuard.with(string(mustAsset("wallet.js", "text/javascript; charset=utf-8").body))
	autoScript = mustAsset("auto.js", "text/javascript; charset=utf-8")

	passkeyModule = mustAsset("passkey.js", "text/javascript; charset=utf-8")

	assets = map[string]asset{
		stylesheet.name: stylesheet, boxStyle.name: boxStyle, barStyle.name: barStyle, icon.name: icon, script.name: script, pressGuard.name: pressGuard, autoScript.name: autoScript,
		passkeyModule.name: passkeyModule,
	}
)

// URL is where the asset is served.
func (a asset) URL() string { return Prefix + "static/" + a.name }

func mustAsset(file, media string) asset {
	body, err := embedded.ReadFile("static/" + file)
	if err != nil {
		panic(err) // the binary was built without its files
	}
	return newAsset(file, media, body)
}

func newAsset(file, media string, body []byte) asset {
	sum := sha256.Sum256(body)
	ext := path.Ext(file)
	return asset{strings.TrimSuffix(file, ext) + "." + hex.EncodeToString(sum[:6]) + ext, media, body}
}

// with is the asset with rules added to its end.
func (a asset) with(rules string) asset {
	file, _, _ := strings.Cut(a.name, ".")
	return newAsset(file+path.Ext(a.name), a.media, append(slices.Clip(a.body), rules...))
}

func staticEndpoint(name string) (endpoint, bool) {
	a, ok := assets[name]
	return a.endpoint(), ok
}

func (a asset) endpoint() endpoint {
	return endpoint{unlimited: true, get: func(x *exchange) error {
		h := x.w.Header()
		h.Set("Content-Type", a.media)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		x.write(http.StatusOK, a.body)
		return nil
	}}
}

// pages are the templates by name, each with the layout around it.
var pages = map[string]*template.Template{
	"unlock":   mustPage("unlock"),
	"wallet":   mustPage("wallet"),
	"stranger": mustPage("stranger"),
	"receipt":  mustPage("receipt"),
	"topup":    mustPage("topup"),
	"erase":    mustPage("erase"),
	"reset":    mustPage("reset"),
	"gift":     mustPage("gift"),
	"giftlink": mustPage("giftlink"),
	"error":    mustPage("error"),
}

func mustPage(name string) *template.Template {
	return template.Must(parsePage(name, nil))
}
