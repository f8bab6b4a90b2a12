package teaser

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestCompressedPagesAreRead(t *testing.T) {
	page := "<title>Bells</title>" + paragraphs(1, 9)
	var zipped, squeezed bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	zs, err := zstd.NewWriter(&squeezed)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{gz, zs} {
		if _, err := io.WriteString(w, page); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for coding, body := range map[string]string{
		"": page, "identity": page, "gzip": zipped.String(), " X-GZIP": zipped.String(), "zstd": squeezed.String(),
	} {
		r, err := Inflate(strings.NewReader(body), coding)
		if err != nil {
			t.Fatalf("%s: %v", coding, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != page {
			t.Errorf("%s: %q, %v", coding, got, err)
		}
	}
	for coding, body := range map[string]string{"br": page, "gzip, gzip": zipped.String(), "gzip": page, "compress": page} {
		if _, err := Inflate(strings.NewReader(body), coding); err == nil {
			t.Errorf("%s was read", coding)
		}
	}
	r, err := Inflate(strings.NewReader(page), "zstd")
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if err == nil {
		t.Error("plain text was read as zstd")
	}
}
