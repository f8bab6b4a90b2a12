package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Manifest is a backup's table of contents. A backup is a tar archive (USTAR):
//
//	journal/00000001.jsonl        the journal's segments, plain, up to a record that
//	journal/00000002.jsonl        was durable when the backup began
//	keys/…                        the signing keys, if they were asked for
//	manifest.json                 this
//	SHA256                        of every byte before this member, in hex
//
// so tar can unpack it. An incremental backup begins after a record; where that
// stands in the middle of a segment, the first member is named like
// "journal/00000003.jsonl+12345" and holds what follows byte 12345.
type Manifest struct {
	Format   int              `json:"format"` // 1
	Made     time.Time        `json:"made"`
	Ledger   string           `json:"ledger"`
	Currency paywall.Currency `json:"currency"`
	First    uint64           `json:"first"` // first record in it; above 1 the backup is incremental
	Prev     string           `json:"prev"`  // hash of the record before First, which it continues
	Seq      uint64           `json:"seq"`   // last record; First-1 if nothing was new
	Head     string           `json:"head"`  // hash of the last record
	Records  uint64           `json:"records"`
	Members  []Member         `json:"members"`
}

// Member is one file in a backup.
type Member struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Format is the version of what a [Writer] writes.
const Format = 1

const (
	manifestName = "manifest.json"
	manifestMax  = 64 << 20 // 400,000 segments
	sumName      = "SHA256"
	keysFolder   = "keys/"
	tarBlock     = 512
	// The end of a backup has one length: header and one block of the sum, and the two
	// empty blocks that end a tar archive.
	backupEnd = 4 * tarBlock
)

// Complete reports whether the backup holds the ledger from its first record.
func (m *Manifest) Complete() bool { return m.First <= 1 }

// Keys reports whether the backup holds signing keys.
func (m *Manifest) Keys() bool {
	for _, member := range m.Members {
		if _, ok := member.Key(); ok {
			return true
		}
	}
	return false
}

var (
	partName = regexp.MustCompile(`^journal/([0-9]{8})\.jsonl(?:\+([1-9][0-9]{0,9}))?$`)
	keyName  = regexp.MustCompile(`^keys/([A-Za-z0-9_-]+\.(?:pem|json)|link-[0-9]{4})$`)
)

// Part says which segment a member belongs to, and from which byte on.
func (m Member) Part() (segment uint32, offset int64, ok bool) {
	found := partName.FindStringSubmatch(m.Name)
	if found == nil {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(found[1], 10, 32)
	if err != nil || n == 0 {
		return 0, 0, false
	}
	if found[2] != "" {
		offset, err = strconv.ParseInt(found[2], 10, 64)
	}
	return uint32(n), offset, err == nil
}

// Key gives the file name of a key: one that signs, or one that links payments with wallets.
func (m Member) Key() (string, bool) {
	found := keyName.FindStringSubmatch(m.Name)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// Part is the member with so many bytes of a segment from an offset on. Its hash is
// not known yet.
func Part(segment uint32, offset, bytes int64) Member {
	name := fmt.Sprintf("journal/%08d.jsonl", segment)
	if offset > 0 {
		name += "+" + strconv.FormatInt(offset, 10)
	}
	return Member{Name: name, Bytes: bytes, SHA256: strings.Repeat("0", 2*sha256.Size)}
}

// Size is the length of a backup with this manifest; hashes that are not known yet
// do not change it.
func (m *Manifest) Size() (int64, error) {
	text, err := m.encode()
	total := tarSize(int64(len(text))) + backupEnd
	for _, member := range m.Members {
		total += tarSize(member.Bytes)
	}
	return total, err
}

// encode gives the manifest's text.
func (m *Manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("encoding the manifest: %w", err)
	}
	return append(text, '\n'), nil
}

// tarSize is what a member of so many bytes takes in the archive.
func tarSize(bytes int64) int64 {
	return tarBlock + (bytes+tarBlock-1)/tarBlock*tarBlock
}

func tarHeader(name string, bytes int64, at time.Time) *tar.Header {
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: bytes, Mode: 0o600,
		ModTime: at.Truncate(time.Second), Format: tar.FormatUSTAR,
	}
}

// endOf is how a backup ends whose bytes before have this sum. Writer and reader
// make it the same way, so that the reader finds every flipped bit in it.
func endOf(sum []byte, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	text := append(hex.AppendEncode(nil, sum), '\n')
	if err := w.WriteHeader(tarHeader(sumName, int64(len(text)), at)); err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
