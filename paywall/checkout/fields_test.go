package checkout

import (
	"encoding/json"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

// FuzzParseFields: whatever a stranger sends, the outcome is a refusal with a
// code, or fields that the plain decoders agree with.
func FuzzParseFields(f *testing.F) {
	for _, body := range []string{
		"", "offer=a", "offer=a&offer=b", "a=%00", "a=1;b=2", "=", "%", `{}`, `{"offer":"a"}`, `{"offer":"a","offer":"b"}`,
		`{"a":{"b":[1,2,{"c":null}]},"offer":"x"}`, `{"offer":"\ud800"}`, `[`, `{"a":1}x`, "\xff", ` {"code" : "x"} `, `{"a":`, `{,}`,
	} {
		f.Add("application/json", []byte(body))
		f.Add("application/x-www-form-urlencoded", []byte(body))
	}
	f.Add("text/plain", []byte("offer=a"))
	f.Add("application/json; charset=", []byte("{}"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		fields, err := parseFields([]string{contentType}, body)
		if err != nil {
			if code := paywall.ErrorCode(err); code != paywall.CodeMalformed && code != paywall.CodeUnsupportedMedia {
				t.Fatalf("%v has code %s", err, code)
			}
			return
		}
		if !utf8.Valid(body) {
			t.Fatal("took what is not UTF-8")
		}
		for name, value := range fields {
			if !utf8.ValidString(value) {
				t.Fatalf("%q is not UTF-8", value)
			}
			if isJSON(contentType) {
				var all map[string]any
				if err := json.Unmarshal(body, &all); err != nil || all[name] != value {
					t.Fatalf("%q: %q, but encoding/json says %v, %v", name, value, all[name], err)
				}
				continue
			}
			all, err := url.ParseQuery(string(body))
			if err != nil || len(all[name]) != 1 || all[name][0] != value {
				t.Fatalf("%q: %q, but net/url says %v, %v", name, value, all[name], err)
			}
		}
	})
}
