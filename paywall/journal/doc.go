// Package journal is the append-only file of everything that ever changed in a
// ledger: one JSON object a line, readable with jq, each chained to the line
// before by a SHA-256. What it has acknowledged is on disk; what is damaged in
// it is reported, never skipped.
//
// # Lines
//
// A purchase of 0.20 of which 70 % go to alice (one line in the file):
//
//	{"seq":3,"time":"2026-11-22T18:03:15.120Z","kind":"unlock","cause":"tjOD2PcXYHFgfqkAVhMT8g",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","-0.20"],["creator/alice","0.14"],["site/https://news.example","0.06"]],
//	 "resource":"/articles/lighthouses","title":"Lighthouses","refund":1800,
//	 "prev":"OQRfOdO3Ue1BKgge-rlVHiMp","hash":"1z_H1B3F4_8Y_mxjYksNAzwh"}
//
// seq counts from 1 without gaps. time is UTC with milliseconds. cause is the
// natural key that no two records share. legs are what moves, in the ledger's
// currency, and sum to zero. The fields behind them depend on the kind and are
// described at [Record]; durations are in seconds. prev is the hash of the line
// before (18 zero bytes in the first line); hash is the first 144 bits of the
// SHA-256 of everything in the line before ,"hash". Both are in base64url.
// Fields stand in this order and nothing else does.
//
// # Segments
//
// Lines stand in the files 00000001.jsonl, 00000002.jsonl and so on. A segment
// that has grown to 64 MiB is closed and never changes again; [Journal.Compress]
// makes it 00000001.jsonl.zst, an ordinary Zstandard file of the same lines. The
// last one is always plain, so
//
//	(zstdcat *.jsonl.zst; cat *.jsonl) | jq -c 'select(.kind == "unlock")'
//
// reads all of them. Backups are described at [Manifest].
package journal
