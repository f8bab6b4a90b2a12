package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/tuppence/tuppence/paywall"
)

// ErrDamaged says that a journal is not what was written. The error that wraps it says
// where.
var ErrDamaged = errors.New("the journal is damaged")

var errLine = errors.New("this is not a line of a journal")

// MaxLine bounds a line, so that a damaged file cannot eat the memory. The
// longest record is a batch of vouchers.
const MaxLine = 16 << 20

// Line is one line while a scan stands on it; Bytes are overwritten by the next.
type Line struct {
	Seq   uint64
	Hash  Hash
	Ref   Ref
	Bytes []byte
}

// Record decodes the line, whose hash the scan has checked.
func (l *Line) Record(currency paywall.Currency) (Record, error) {
	return decode(l.Bytes, currency)
}

// Mark is the place after the line.
func (l *Line) Mark() Mark { return Mark{Seq: l.Seq, Hash: l.Hash, Ref: l.Ref} }

// Mark is a place in the journal after a record: what the next must follow.
// The zero Mark is the beginning.
type Mark struct {
	Seq  uint64
	Hash Hash
	Ref  Ref // of the record itself
}

// Hash is the first 144 bits of the SHA-256 of a line. Two stand in every line,
// and at 43 characters each they were the largest part of it: cut to 24, a
// purchase fits into 400 bytes on disk. A chance collision is out of reach, and
// so is another line for a given hash (2^144); the chain holds no secret that
// would make forging a whole journal any harder, whatever its length.
type Hash [18]byte

// String is the hash as it stands in a line.
func (h Hash) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// The end of every line has one length, so that a chain is checked without
// parsing what stands before it.
const (
	hashChars = 24
	prevKey   = `,"prev":"`
	hashKey   = `","hash":"`
	lineEnd   = "\"}\n"
	tailBytes = len(prevKey) + hashChars + len(hashKey) + hashChars + len(lineEnd)
	hashedEnd = hashChars + len(hashKey) - 1 + len(lineEnd) // what the hash does not cover: from ,"hash" on
)

// Check holds a line, with its newline, against the record before it. Where the
// line stands is for the caller to say: Ref is empty.
func Check(prev Mark, line []byte) (Line, error) {
	l, before, err := ReadLine(line)
	if err != nil {
		return Line{}, err
	}
	if l.Seq != prev.Seq+1 {
		return Line{}, fmt.Errorf("record %d follows record %d", l.Seq, prev.Seq)
	}
	if before != prev.Hash {
		return Line{}, fmt.Errorf("record %d is chained to %s, the record before it is %s", l.Seq, before, prev.Hash)
	}
	return l, nil
}

// ReadLine reads a line's number and hashes, prev of the line before, and checks
// its own.
func ReadLine(line []byte) (l Line, prev Hash, err error) {
	prev, hash, err := Hashes(line)
	if err == nil {
		err = checkHash(line, hash)
	}
	if err != nil {
		return Line{}, Hash{}, err
	}
	seq, err := seqOf(line)
	return Line{Seq: seq, Hash: hash, Bytes: line}, prev, err
}

// Hashes reads the two hashes that stand at the end of a line: of the line before,
// and its own, which is not checked.
func Hashes(line []byte) (prev, hash Hash, err error) {
	if len(line) < tailBytes+2 || line[0] != '{' {
		return prev, hash, errLine
	}
	tail := line[len(line)-tailBytes:]
	rest, ok := bytes.CutPrefix(tail, []byte(prevKey))
	if !ok || !readHash(prev[:], rest[:hashChars]) {
		return prev, hash, errLine
	}
	rest, ok = bytes.CutPrefix(rest[hashChars:], []byte(hashKey))
	if !ok || !readHash(hash[:], rest[:hashChars]) || string(rest[hashChars:]) != lineEnd {
		return prev, hash, errLine
	}
	return prev, hash, nil
}

// checkHash compares the hash that stands in a line with everything before ,"hash".
func checkHash(line []byte, hash Hash) error {
	if got := sum(line[:len(line)-hashedEnd]); got != hash {
		return fmt.Errorf("its hash is %s, its bytes give %s", hash, got)
	}
	return nil
}

// seqOf reads the sequence number at the start of a line.
func seqOf(line []byte) (uint64, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"seq":`))
	digits, _, comma := bytes.Cut(rest, []byte{','})
	if !ok || !comma {
		return 0, errLine
	}
	return strconv.ParseUint(string(digits), 10, 64)
}

// readHash decodes exactly len(h) bytes.
func readHash(h, text []byte) bool {
	var raw [48]byte // Decode wants room for whole groups
	if base64.RawURLEncoding.EncodedLen(len(h)) != len(text) {
		return false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], text)
	copy(h, raw[:n])
	return err == nil
}

// sum is the hash of bytes.
func sum(b []byte) Hash {
	full := sha256.Sum256(b)
	return Hash(full[:len(Hash{})])
}
