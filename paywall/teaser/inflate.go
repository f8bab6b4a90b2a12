package teaser

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds what a compressed page makes its reader hold, in bytes. It is
// what RFC 9659 allows servers to ask for.
const maxWindow = 8 << 20

// Inflate undoes a content coding, the response's Content-Encoding, which may be
// empty. The error is for a coding that is not known, or a body that is not in
// it; sites are asked for none, and some compress all the same.
func Inflate(r io.Reader, coding string) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		inflated, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("reading gzip: %w", err)
		}
		return inflated, nil
	case "zstd":
		inflated, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("reading zstd: %w", err)
		}
		return inflated, nil
	}
	return nil, fmt.Errorf("the content coding %q is not known", coding)
}
