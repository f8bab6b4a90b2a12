package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/journal/archive"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

func backupCommand() *cobra.Command {
	backup := subcommand("backup <file>", "Makes a backup of the running server's ledger", cmdBackup)
	backup.Long = `
Makes a consistent backup of the ledger while the server sells, checks every byte
of it as it comes, and gives the file its name when it is whole and on disk. "-"
is standard output; then the exit status says whether it is whole.

	paywall backup monday.tar
	paywall backup --since 120345 tuesday.tar

A file that exists stays as it is, unless --overwrite is given.

With --since the backup holds only what follows that record: the "seq" that the
backup before it ended with. It is restored on top of that one.

The signing keys are not in it, unless --with-keys names the data folder to read
them from. Whoever has them can make tokens for everything the site sells.`
	backup.Args = cobra.ExactArgs(1)
	backup.Flags().Uint64("since", 0, "Only what follows this record")
	backup.Flags().Bool("overwrite", false, "Put the backup in the place of a file that exists")
	backup.Flags().String("with-keys", "", "Put the signing keys of this data folder into the backup, too")
	return backup
}

func restoreCommand() *cobra.Command {
	restore := subcommand("restore <file>", "Puts a backup into an empty data folder", cmdRestore)
	restore.Long = `
Checks a backup completely, every byte and every rule of the ledger, and then puts
it into a data folder that is empty or does not exist. A backup made with --since
goes on top of the folder that it continues. What does not hold is refused, and the
folder stays as it was. No server may run on the folder. "-" is standard input.

	paywall restore monday.tar --dir /var/lib/tuppence
	paywall restore tuesday.tar --dir /var/lib/tuppence

Unless the backup was made with --with-keys, put the folder keys/ back as well
before the server starts; without it nobody who has paid could read on.`
	restore.Args = cobra.ExactArgs(1)
	restore.Flags().String("dir", "", "The data folder")
	return restore
}

func compressCommand() *cobra.Command {
	compress := subcommand("compress", "Compresses the journal's closed segments", cmdCompress)
	compress.Flags().String("dir", "", "The data folder of a stopped server instead")
	return compress
}

func cmdBackup(fl caddycmd.Flags) (int, error) {
	keys, err := readKeys(fl.String("with-keys"))
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	since, err := fl.GetUint64("since")
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	resp, err := adminRequest(fl, http.MethodGet, "/paywall/backup?since="+strconv.FormatUint(since, 10), nil)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	defer resp.Body.Close()
	name := fl.Arg(0)
	if name == "-" {
		_, err := copyBackup(os.Stdout, resp, keys)
		return exitCode(err), err
	}
	take := takeFreeName
	if fl.Bool("overwrite") {
		take = os.Rename
	}
	m, err := saveBackup(name, resp, keys, take)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	return printManifest(fl, &m, [2]string{"file", name})
}

func exitCode(err error) int {
	if err != nil {
		return caddy.ExitCodeFailedQuit
	}
	return caddy.ExitCodeSuccess
}

func copyBackup(to *os.File, resp *http.Response, keys map[string][]byte) (archive.Manifest, error) {
	bar := showProgress(resp.ContentLength, "backing up", to)
	defer bar.end()
	m, err := archive.Copy(to, io.TeeReader(resp.Body, bar), keys)
	if err != nil {
		return m, fmt.Errorf("the backup was broken off and cannot be used: %w", err)
	}
	return m, nil
}

// takeFreeName gives a file a name that none has. Not even two backups that end at
// the same moment take one another's.
func takeFreeName(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists and stays as it is; choose another name, or write --overwrite", to)
	}
	return errors.Join(err, os.Remove(from))
}

// saveBackup gives the file its name only when it is whole and on disk: a script
// that makes one every night never replaces a good one with half of one.
func saveBackup(name string, resp *http.Response, keys map[string][]byte, take func(from, to string) error) (m archive.Manifest, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part") // for its owner only
	if err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	m, err = copyBackup(f, resp, keys)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return m, err
	}
	if err := take(f.Name(), name); err != nil {
		return m, err
	}
	return m, segment.OS{}.SyncDir(filepath.Dir(name))
}

// readKeys reads the files of the signing keys in a data folder.
func readKeys(dir string) (map[string][]byte, error) {
	if dir == "" {
		return nil, nil
	}
	keys := map[string][]byte{}
	for _, pattern := range []string{"*.json", "*.pem", "link-????"} { // what the first names is written before it
		names, err := filepath.Glob(filepath.Join(dir, "keys", pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if keys[filepath.Base(name)], err = os.ReadFile(name); err != nil {
				return nil, fmt.Errorf("reading the signing keys: %w", err)
			}
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("there are no signing keys in %s", filepath.Join(dir, "keys"))
	}
	return keys, nil
}

func cmdRestore(fl caddycmd.Flags) (int, error) {
	dir := fl.String("dir")
	if dir == "" {
		return caddy.ExitCodeFailedStartup, errors.New("write which data folder to restore into, such as --dir /var/lib/tuppence")
	}
	file := os.Stdin
	size := int64(-1)
	if name := fl.Arg(0); name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return caddy.ExitCodeFailedStartup, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return caddy.ExitCodeFailedStartup, err
		}
		file, size = f, info.Size()
	}
	bar := showProgress(size, "restoring", file)
	defer bar.end()
	m, err := badgerstore.Restore(context.Background(), io.TeeReader(file, bar), dir)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	rows := [][2]string{{"folder", dir}}
	if m.Complete() && !m.Keys() {
		rows = append(rows, [2]string{"next", "put the folder keys/ back into it, then start the server"})
	}
	return printManifest(fl, &m, rows...)
}

func printManifest(fl caddycmd.Flags, m *archive.Manifest, more ...[2]string) (int, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	rows := [][2]string{
		{"ledger", m.Ledger + ", " + string(m.Currency)},
		{"records", fmt.Sprintf("%d, from %d", m.Records, m.First)},
		{"seq", fmt.Sprint(m.Seq)},
		{"head", m.Head},
		{"signing keys", map[bool]string{true: "yes", false: "no"}[m.Keys()]},
	}
	return printTable(fl, raw, append(rows, more...))
}

func cmdCompress(fl caddycmd.Flags) (int, error) {
	var done segment.Compressed
	var raw []byte
	var err error
	if dir := fl.String("dir"); dir != "" {
		if done, err = compressDir(dir); err == nil {
			raw, err = json.Marshal(done)
		}
	} else {
		end := waiting("compressing")
		raw, err = adminCallJSON(fl, http.MethodPost, "/paywall/compress", nil, &done)
		end()
	}
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	return printTable(fl, raw, [][2]string{
		{"segments", fmt.Sprint(done.Segments)},
		{"bytes before", fmt.Sprint(done.Before)},
		{"bytes after", fmt.Sprint(done.After)},
	})
}

func compressDir(dir string) (segment.Compressed, error) {
	progress := func(int, int) {}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		shown := progressbar.Default(-1, "compressing")
		defer func() { _ = shown.Close() }() // only ends its line
		progress = func(done, of int) {
			shown.ChangeMax(of)
			_ = shown.Set(done)
		}
	}
	return badgerstore.CompressDir(context.Background(), dir, progress)
}
