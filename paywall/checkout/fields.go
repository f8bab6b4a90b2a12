package checkout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

// maxBody bounds a POST. An offer is at most 2 KB, a code 256 bytes.
const maxBody = 16 << 10

// readFields reads the form or the JSON object of a POST. The query is not
// looked at: what is acted upon stands in the body alone.
func (x *exchange) readFields() error {
	if enc := x.r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return paywall.Errorf(paywall.CodeUnsupportedMedia, "send the body without content coding")
	}
	if x.r.ContentLength > maxBody {
		x.w.Header().Set("Connection", "close") // it stays unread
		return paywall.Errorf(paywall.CodeTooLarge, "the body is larger than 16 KB")
	}
	var body bytes.Buffer
	body.Grow(int(max(x.r.ContentLength, 0)) + bytes.MinRead) // in one piece, where its length is known
	if _, err := body.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, maxBody)); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return paywall.Errorf(paywall.CodeTooLarge, "the body is larger than 16 KB")
		}
		return paywall.Errorf(paywall.CodeMalformed, "the body did not arrive in full")
	}
	var err error
	x.fields, err = parseFields(x.r.Header.Values("Content-Type"), body.Bytes())
	return err
}

// parseFields decodes a body into single text fields. A field that comes twice
// is refused: two readers of one request must not see two values. Fields nobody
// asks for do no harm.
func parseFields(contentType []string, body []byte) (map[string]string, error) {
	if len(body) == 0 && len(contentType) == 0 {
		return nil, nil
	}
	if len(contentType) != 1 {
		return nil, unsupportedMedia()
	}
	if !utf8.Valid(body) {
		return nil, paywall.Errorf(paywall.CodeMalformed, "the body is not UTF-8")
	}
	media, _, err := mime.ParseMediaType(contentType[0])
	switch {
	case err == nil && media == "application/x-www-form-urlencoded":
		return parseForm(string(body))
	case err == nil && media == "application/json":
		return parseJSON(body)
	}
	return nil, unsupportedMedia()
}

func unsupportedMedia() error {
	return paywall.Errorf(paywall.CodeUnsupportedMedia, "send a form (application/x-www-form-urlencoded) or JSON (application/json)")
}

// parseForm also reads the query of GET requests.
func parseForm(s string) (map[string]string, error) {
	values, err := url.ParseQuery(s)
	if err != nil {
		return nil, paywall.Errorf(paywall.CodeMalformed, "the form is broken")
	}
	fields := make(map[string]string, len(values))
	for name, list := range values {
		if len(list) != 1 {
			return nil, paywall.Errorf(paywall.CodeMalformed, "a field was sent twice")
		}
		if !utf8.ValidString(list[0]) {
			return nil, paywall.Errorf(paywall.CodeMalformed, "a field is not UTF-8")
		}
		fields[name] = list[0]
	}
	return fields, nil
}

// parseJSON walks the object's members itself, because encoding/json takes the
// last of two equal names, and names in any case, without a word.
func parseJSON(body []byte) (map[string]string, error) {
	broken := paywall.Errorf(paywall.CodeMalformed, "the body is not one JSON object")
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, broken
	}
	fields, seen := map[string]string{}, map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, broken
		}
		if seen[name] {
			return nil, paywall.Errorf(paywall.CodeMalformed, "a member was sent twice")
		}
		seen[name] = true
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, broken
		}
		switch value := value.(type) {
		case string:
			fields[name] = value
		case bool:
			fields[name] = strconv.FormatBool(value)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, broken
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, broken
	}
	return fields, nil
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}

// readAmount reads what a field says, at most so much as a price may be.
// Nothing, and zero, are no amount.
func readAmount(x *exchange, field string) (paywall.Money, error) {
	plain, ok := x.fields[field], true
	if !x.json {
		plain, ok = x.text().Plain(plain, x.c.o.Currency)
	}
	if !ok {
		return paywall.Money{}, paywall.Errorf(paywall.CodeMalformed, "the field %s is not an amount", field)
	}
	if plain == "" {
		plain = "0"
	}
	m, err := paywall.ParseMoney(plain, x.c.o.Currency)
	if err != nil || m.IsZero() {
		return m, err
	}
	return paywall.ParsePrice(plain, x.c.o.Currency)
}
