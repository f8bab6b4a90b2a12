package bank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// What a file waits for.
const (
	quiet = 5 * time.Second // without a change, until it is read: it may not be written to its end
	again = time.Minute     // after it could not be read or booked
)

// The folders that files go to, inside of the watched one.
const (
	doneFolder    = "done"    // all that concerns us is booked
	checkFolder   = "check"   // the same, and some entries need a person
	refusedFolder = "refused" // no statement of this account; nothing is booked
)

// Folder is where a program of the bank puts statements. It is for one goroutine.
type Folder struct {
	path   string
	way    *Way
	book   func(context.Context, *Statement) error
	logger *slog.Logger
	files  map[string]sight // as the last look saw them
}

// sight is how a file was seen.
type sight struct {
	size    int64
	changed time.Time
	after   time.Time // it is to be read, unless it changes
	stuck   bool      // it is read and could not be moved
}

// NewFolder watches the folder at path. book has a statement's movements booked; an
// error means that nothing is lost by trying it again. Of an entry that cannot be booked it
// changes Matter and Why.
func NewFolder(path string, way *Way, book func(context.Context, *Statement) error, logger *slog.Logger) *Folder {
	return &Folder{path: path, way: way, book: book, logger: logger, files: map[string]sight{}}
}

// Look reads the files *.xml that did not change for five seconds, has them booked, and
// moves each to "done", "check" or "refused". The move comes last: what a crash leaves
// behind is read again, and its movements are the same ones. It is to be called every
// few seconds; files that fail wait a minute. Its error is about the folder; what is
// wrong with a file is logged.
func (f *Folder) Look(ctx context.Context) error {
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return fmt.Errorf("the folder for bank statements: %w; create it, and let this process read and write it", err)
	}
	defer func() { _ = root.Close() }() // nothing is written through it
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return fmt.Errorf("the folder for bank statements: %w; let this process read and write it", err)
	}
	now := time.Now()
	files := make(map[string]sight, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || strings.HasPrefix(name, ".") || !strings.EqualFold(path.Ext(name), ".xml") {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // gone
		}
		seen, known := f.files[name]
		if !known || seen.size != info.Size() || !seen.changed.Equal(info.ModTime()) {
			seen = sight{size: info.Size(), changed: info.ModTime(), after: now.Add(quiet)}
		}
		files[name] = seen
	}
	f.files = files
	for _, name := range slices.Sorted(maps.Keys(files)) {
		seen := files[name]
		if seen.stuck || now.Before(seen.after) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.files[name] = f.take(ctx, root, name, seen)
	}
	return nil
}

// take reads, books and moves one file, and answers how to go on with it.
func (f *Folder) take(ctx context.Context, root *os.Root, name string, seen sight) sight {
	target, err := f.read(ctx, root, name, seen)
	if ctx.Err() != nil {
		return seen
	}
	if err != nil {
		f.logger.WarnContext(ctx, "a bank statement could not be read or booked; it is tried again", "file", name, "error", err)
		seen.after = time.Now().Add(again)
		return seen
	}
	if err := move(root, name, target); err != nil {
		f.logger.ErrorContext(ctx, "a bank statement is read and could not be moved; let this process write the folder, and move the file yourself",
			"file", name, "to", target, "error", err)
		seen.stuck = true
	}
	return seen
}

// read answers the folder that the file belongs to now.
func (f *Folder) read(ctx context.Context, root *os.Root, name string, seen sight) (string, error) {
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	statement, err := f.way.Parse(contextReader{ctx, file})
	if info, statErr := file.Stat(); statErr != nil || info.Size() != seen.size || !info.ModTime().Equal(seen.changed) {
		return "", errors.Join(errors.New("the file is still being written"), statErr)
	}
	if refused, ok := errors.AsType[*paywall.Error](err); ok {
		f.logger.ErrorContext(ctx, "a file in the folder for bank statements is refused; nothing of it is booked", "file", name, "error", refused)
		return refusedFolder, nil
	}
	if err != nil {
		return "", err
	}
	if err := f.book(ctx, &statement); err != nil {
		return "", err
	}
	target := doneFolder
	for _, matter := range []Matter{NeedsPerson, OtherCurrency} {
		for _, e := range statement.Of(matter) {
			target = checkFolder
			f.logger.WarnContext(ctx, "a transfer needs a person; import the file by hand to see it", "file", name,
				"id", e.ID, "credit", e.Credit, "amount", e.Amount.String(), "currency", string(e.Amount.Currency), "booked", e.Booked.Format(time.DateOnly), "why", e.Why)
		}
	}
	f.logger.InfoContext(ctx, "a bank statement is read", "file", name, "format", statement.Format, "to", target,
		"sure", len(statement.Of(Sure)), "pending", len(statement.Of(Pending)), "not_ours", len(statement.Of(NotOurs)))
	return target, nil
}

// move puts the file into a folder beside it. A file of that name there stays as it is.
func move(root *os.Root, name, folder string) error {
	if err := root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	free := path.Join(folder, name)
	for n := 2; ; n++ {
		if _, err := root.Lstat(free); errors.Is(err, fs.ErrNotExist) {
			return root.Rename(name, free)
		} else if err != nil {
			return err
		}
		free = path.Join(folder, fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, path.Ext(name)), n, path.Ext(name)))
	}
}

// contextReader ends with its context.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
