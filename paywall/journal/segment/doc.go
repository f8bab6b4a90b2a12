// Package segment is the journal in files: it appends in groups, syncs, rotates,
// compresses, and refuses damage. What it has acknowledged is on disk; what is
// damaged in it is reported, never skipped.
//
// Lines stand in the files 00000001.jsonl, 00000002.jsonl and so on. A segment
// that has grown to 64 MiB is closed and never changes again; [Journal.Compress]
// makes it 00000001.jsonl.zst, an ordinary Zstandard file of the same lines. The
// last one is always plain, so
//
//	(zstdcat *.jsonl.zst; cat *.jsonl) | jq -c 'select(.kind == "unlock")'
//
// reads all of them. Backups are described at [archive.Manifest].
package segment
