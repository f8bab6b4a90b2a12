package badgerstore

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// fixture is what a folder of the version before the engine had in it.
type fixture struct {
	Ledger, Head, Export string
	Seq                  uint64
	Now                  time.Time
	Keys                 map[string]string // in hex
	Stats                json.RawMessage
}

// TestTheFolderAndBackupOfAnEarlierVersionAreAsTheyWere to the byte: keys, values, head,
// lines and sums.
func TestTheFolderAndBackupOfAnEarlierVersionAreAsTheyWere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	unpack(t, filepath.Join("testdata", "layout4", "folder.tar.gz"), dir)
	var want fixture
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(filepath.Join("testdata", "layout4", "want.json"))), &want); err != nil {
		t.Fatal(err)
	}
	packed := must[*gzip.Reader](t)(gzip.NewReader(bytes.NewReader(must[[]byte](t)(os.ReadFile(filepath.Join("testdata", "layout4", "backup.tar.gz"))))))
	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := Restore(t.Context(), packed, restored); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for key, value := range want.Keys {
		keys[string(must[[]byte](t)(hex.DecodeString(key)))] = string(must[[]byte](t)(hex.DecodeString(value)))
	}
	for name, dir := range map[string]string{"the folder": dir, "the backup": restored} {
		if report := must[paywall.Report](t)(VerifyDir(t.Context(), dir)); !report.OK || report.Head != want.Head {
			t.Errorf("%s verifies as %+v", name, report)
		}
		o := testOptions(dir)
		o.Ledger, o.SegmentBytes, o.Now = want.Ledger, 8<<10, func() time.Time { return want.Now }
		s := open(t, o)
		same(t, name, contents(t, s), keys)
		if report := verified(t, s); report.Head != want.Head || report.Seq != want.Seq {
			t.Errorf("%s ends with record %d, %s", name, report.Seq, report.Head)
		}
		var export bytes.Buffer
		if err := s.Export(t.Context(), &export); err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(export.Bytes()); hex.EncodeToString(sum[:]) != want.Export {
			t.Errorf("%s exports other lines", name)
		}
		stats := must[[]byte](t)(json.Marshal(must[paywall.Stats](t)(s.Stats(t.Context()))))
		if !bytes.Equal(stats, want.Stats) {
			t.Errorf("%s sums up to\n%s, was\n%s", name, stats, want.Stats)
		}
		closed(t, s)
	}
}
