package page

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	templateForm = regexp.MustCompile(`(?is)<form\b.*?(</form>|\z)`)
	postsForm    = regexp.MustCompile(`(?i)\bmethod\s*=\s*["']?post\b`)
	holdsToken   = regexp.MustCompile(`\{\{-?\s*template\s+"token"|\.FormToken\b`)
)

// checkForms refuses a page's form that text browsers could not send: they do not
// say where a form comes from, and its token has to. Parts of the site's own pages
// have none.
func checkForms(own map[string]string) error {
	for file, source := range own {
		if !whole(strings.TrimSuffix(file, ".html")) {
			continue
		}
		for _, at := range templateForm.FindAllStringIndex(source, -1) {
			form := source[at[0]:at[1]]
			if postsForm.MatchString(form) && !holdsToken.MatchString(form) {
				return fmt.Errorf(`%s:%d: the form lacks its token, without which text browsers cannot send it; write {{template "token" $}} into it`,
					file, 1+strings.Count(source[:at[0]], "\n"))
			}
		}
	}
	return nil
}
