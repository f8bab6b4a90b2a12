package page

import (
	"bytes"
	"html/template"
	"log/slog"
	"strconv"
	"unicode/utf8"
)

// pages are our templates by name, each with the layout around it; parts are those
// that stand in pages of the site.
var (
	pages = mustParse("unlock", "wallet", "stranger", "receipt", "topup", "erase", "reset", "gift", "giftlink", "intent", "cashout", "cashedout", "error")
	parts = mustParse("box", "bar")
)

func mustParse(names ...string) map[string]*template.Template {
	sets := make(map[string]*template.Template, len(names))
	for _, name := range names {
		sets[name] = template.Must(parseFiles(name, nil))
	}
	return sets
}

// Page renders a whole page, so that a broken template is an error and not half a
// page. Where a template of the publisher's breaks, ours takes its place and the log
// says so: a reader must not lose a way to their money.
func (l *Look) Page(log *slog.Logger, name string, view any) ([]byte, error) {
	return l.render(log, pages[name], view)
}

// Part renders what stands in a page of the site: "box" or "bar".
func (l *Look) Part(log *slog.Logger, name string, view any) ([]byte, error) {
	return l.render(log, parts[name], view)
}

func (l *Look) render(log *slog.Logger, ours *template.Template, view any) ([]byte, error) {
	var buf bytes.Buffer
	if own := l.own[ours.Name()]; own != nil {
		err := own.ExecuteTemplate(&buf, entry(ours.Name()), view)
		if err == nil {
			return buf.Bytes(), nil
		}
		log.Error("a template of the ui failed; ours was shown", slog.Any("cause", err))
		buf.Reset()
	}
	err := ours.ExecuteTemplate(&buf, entry(ours.Name()), view)
	return buf.Bytes(), err
}

// ASCII writes the characters beyond ASCII as references to them, so that a part can
// stand in a page of any encoding.
func ASCII(html []byte) []byte {
	ascii := make([]byte, 0, len(html)+len(html)/2)
	for len(html) > 0 {
		r, size := utf8.DecodeRune(html)
		if html = html[size:]; r < utf8.RuneSelf {
			ascii = append(ascii, byte(r))
			continue
		}
		ascii = strconv.AppendInt(append(ascii, "&#"...), int64(r), 10)
		ascii = append(ascii, ';')
	}
	return ascii
}
