package journal

import "encoding/binary"

// Ref is where an engine keeps a record; only it reads it. Later records compare
// greater ([bytes.Compare]). The zero Ref is none.
type Ref [12]byte

// RefOf makes a Ref of three numbers, the first of which counts most.
func RefOf(a, b, c uint32) (r Ref) {
	binary.BigEndian.PutUint32(r[:], a)
	binary.BigEndian.PutUint32(r[4:], b)
	binary.BigEndian.PutUint32(r[8:], c)
	return r
}

// Words are the three numbers of a Ref, for an engine that writes them shorter.
func (r Ref) Words() (a, b, c uint32) {
	return binary.BigEndian.Uint32(r[:]), binary.BigEndian.Uint32(r[4:]), binary.BigEndian.Uint32(r[8:])
}

// IsZero reports whether there is no record.
func (r Ref) IsZero() bool { return r == Ref{} }
