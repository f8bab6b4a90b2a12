package pretend

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// view is what the page shows of a session.
type view struct {
	What    string // is bought
	Amount  string
	State   string // open, secure, or what became of it
	Failed  string // why the last try failed
	Later   string // how long money takes that is paid later
	CanGo   bool   // back to the shop without paying
	Return  string // the shop's page, when all is done
	Session string
}

// servePage shows a session's page.
func (b *Bank) servePage(w http.ResponseWriter, r *http.Request) {
	b.received(r, "")
	b.show(w, r, http.StatusOK)
}

// serveButton does what a button says, and goes where it leads.
func (b *Bank) serveButton(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	b.received(r, r.PostForm.Encode())
	location, err := b.Press(r.PathValue("id"), Action(r.PostForm.Get("action")))
	var missing *apiError
	switch {
	case errors.As(err, &missing):
		b.show(w, r, http.StatusNotFound)
	case err != nil:
		b.show(w, r, http.StatusConflict)
	case location == "":
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
	default:
		w.Header().Set("Content-Security-Policy", b.policy(r.PathValue("id")))
		http.Redirect(w, r, location, http.StatusSeeOther)
	}
}

// show writes the page of the session in the path.
func (b *Bank) show(w http.ResponseWriter, r *http.Request, status int) {
	v, found := b.view(r.PathValue("id"))
	if !found {
		status = http.StatusNotFound
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", b.policy(v.Session))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := pageTemplate.Execute(w, v); err != nil {
		return // the reader is gone
	}
}

// view reads a session for its page.
func (b *Bank) view(id string) (view, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expireSessions()
	s, err := b.find("checkout.session", id)
	if err != nil {
		return view{State: "missing"}, false
	}
	v := view{
		Session: id, State: s.text("status"), Failed: s.text("_failed"), CanGo: s.text("cancel_url") != "",
		Amount: display(s.number("amount_total"), s.text("currency")), Return: strings.ReplaceAll(s.text("success_url"), "{CHECKOUT_SESSION_ID}", id),
		Later: "when a test says so",
	}
	switch after := b.options.ArriveAfter; {
	case after == 0:
		v.Later = "at once"
	case after > 0:
		v.Later = fmt.Sprintf("after %.0f seconds", after.Seconds())
	}
	if v.State == "open" && b.byID[s.text("payment_intent")].text("status") == "requires_action" {
		v.State = "secure"
	}
	if v.State == "complete" && s.text("payment_status") == "unpaid" {
		v.State = "unpaid"
	}
	items, _ := s["_line_items"].(object)["data"].([]object)
	for _, item := range items {
		v.What = strings.TrimPrefix(v.What+", "+item.text("description"), ", ")
	}
	return v, true
}

// policy lets a session's page do nothing but send its form here, which leads to the shop.
func (b *Bank) policy(session string) string {
	targets := []string{"'self'"}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.byID[session]
	for _, field := range []string{"success_url", "cancel_url"} {
		u, err := url.Parse(s.text(field))
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, "; ,'") {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(targets, origin) {
			targets = append(targets, origin)
		}
	}
	return "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action " + strings.Join(targets, " ")
}

// wholeOnly are Stripe's currencies without a smaller unit.
const wholeOnly = " bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf "

// display is an amount as people read it.
func display(amount int64, currency string) string {
	if strings.Contains(wholeOnly, " "+currency+" ") {
		return fmt.Sprintf("%d %s", amount, strings.ToUpper(currency))
	}
	return fmt.Sprintf("%d.%02d %s", amount/100, amount%100, strings.ToUpper(currency))
}
