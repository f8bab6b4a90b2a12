package gate

import (
	"net/http"
	"strings"
	"unsafe"
)

// A server may put a page together from parts that it asks itself for, with a copy of
// the page's request and without its reader's cookies, as Caddy's httpInclude does. A
// part of the very resource that a page was let through for goes into it.

// What the site is told of a request that was let through, or whose answer the gate
// keeps to itself. A copy of its headers has these very strings. No client's has them:
// what comes from a client is another string, whatever it says.
var (
	toldPaid    = strings.Clone("paid")
	toldCrawler = strings.Clone("crawler")
	toldProbe   = strings.Clone("probe")
	toldUnpaid  = strings.Clone("unpaid")
)

// includedIn answers the resource of the page that a request is a part of, as headerText
// spells it; "" if it is not.
func (g *Gate) includedIn(r *http.Request) string {
	if g.o.Inner == nil || !g.o.Inner(r) {
		return ""
	}
	status, resource := r.Header["Paywall-Status"], r.Header["Paywall-Resource"]
	if len(status) != 1 || len(resource) != 1 {
		return ""
	}
	for _, told := range [...]string{toldPaid, toldCrawler, toldProbe, toldUnpaid} {
		if unsafe.StringData(status[0]) == unsafe.StringData(told) {
			return resource[0]
		}
	}
	return ""
}

// tell tells the site of a request whose answer the gate keeps to itself.
func tell(h http.Header, status, resource string) {
	h["Paywall-Status"], h["Paywall-Resource"] = []string{status}, []string{headerText(resource)}
}
