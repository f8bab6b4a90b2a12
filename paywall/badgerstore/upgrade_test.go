package badgerstore

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger/state"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// oldFolder says what was in a data folder, in the words of the version that
// wrote it.
type oldFolder struct {
	Ledger  string
	Seq     uint64
	Head    string
	Now     time.Time
	Wallets []oldWallet
	Erased  []string
	Gift    string   // key of one that was opened, and can be again
	Replay  struct { // a purchase that was made
		Wallet, Offer, URL string
		Ends               time.Time
	}
}

type oldWallet struct {
	ID, Key, Balance               string
	Owned                          map[string]string // resource: unlock
	Undone, Bought                 int
	Devices, Passkeys, Tips, Gifts int
	Budget, Week                   string
	Today, Unasked, Month          string
}

// unpackOld gives a copy of the folder testdata/NAME/folder.tar.gz.
func unpackOld(t testing.TB, name string) (dir string, was oldFolder) {
	t.Helper()
	dir = t.TempDir()
	unpack(t, filepath.Join("testdata", name, "folder.tar.gz"), dir)
	text := must[[]byte](t)(os.ReadFile(filepath.Join("testdata", name, "want.json")))
	if err := json.Unmarshal(text, &was); err != nil {
		t.Fatal(err)
	}
	return dir, was
}

func unpack(t testing.TB, archive, dir string) {
	t.Helper()
	raw := must[[]byte](t)(os.ReadFile(archive))
	packed := tar.NewReader(must[*gzip.Reader](t)(gzip.NewReader(bytes.NewReader(raw))))
	for {
		h, err := packed.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = os.WriteFile(path, must[[]byte](t)(io.ReadAll(packed)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func hashOf(t testing.TB, text string) (h paywall.Hash) {
	t.Helper()
	copy(h[:], must[[]byte](t)(hex.DecodeString(text)))
	return h
}

// TestAFolderOfAnEarlierVersionOpens opens one that was written before Badger had
// its present keys, and finds what that version had in it.
func TestAFolderOfAnEarlierVersionOpens(t *testing.T) {
	dir, was := unpackOld(t, "layout2")
	report := must[paywall.Report](t)(VerifyDir(t.Context(), dir))
	if !report.OK || report.Head != was.Head {
		t.Errorf("before it is opened, it verifies as %+v", report)
	}
	var said bytes.Buffer
	o := testOptions(dir)
	o.Ledger, o.SegmentBytes = was.Ledger, 64<<10
	o.Logger = slog.New(slog.NewTextHandler(&said, nil))
	o.Now = func() time.Time { return was.Now }
	s := open(t, o)
	if text := said.String(); strings.Contains(text, "level=ERROR") || !strings.Contains(text, "another version") {
		t.Errorf("opening says %q", text)
	}
	if report := verified(t, s); report.Head != was.Head || report.Seq != was.Seq {
		t.Errorf("the head is %s, was %s", report.Head, was.Head)
	}
	for i := range was.Wallets {
		isAsItWas(t, s, &was.Wallets[i])
	}
	many := was.Wallets[2]
	listed := must[[]paywall.Device](t)(s.Devices(t.Context(), many.ID, hashOf(t, many.Key)))
	if len(listed) != paywall.MaxDevices || !listed[0].Current {
		t.Errorf("of %d browsers %d are listed, first %+v", many.Devices, len(listed), listed[0])
	}
	for _, id := range was.Erased {
		if _, _, err := s.Settings(t.Context(), id); !errors.Is(err, paywall.ErrNoWallet) {
			t.Errorf("an erased wallet answers %v", err)
		}
	}
	if g, err := s.Gift(t.Context(), hashOf(t, was.Gift)); err != nil || g.Opened != 2 {
		t.Errorf("the gift is %+v, %v", g, err)
	}
	path, _, _ := strings.Cut(was.Replay.URL, "?")
	replay := paywall.Purchase{Wallet: was.Replay.Wallet, Offer: offer(path), Refund: 30 * time.Minute}
	replay.Offer.ID, replay.Offer.URL, replay.Offer.ExpiresAt = was.Replay.Offer, was.Replay.URL, was.Replay.Ends
	if again := must[paywall.Receipt](t)(s.Unlock(t.Context(), replay)); again.AlreadyOwned {
		t.Errorf("an offer that was used before gives %+v", again)
	}
	want := lasting(contents(t, s), was.Now)
	closed(t, s)

	if err := os.RemoveAll(badgerDir(dir)); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	same(t, "built again", lasting(contents(t, s), was.Now), want)
	settle(t, s)
	verified(t, s)
}

func isAsItWas(t *testing.T, s *kept, was *oldWallet) {
	t.Helper()
	ctx, key := t.Context(), hashOf(t, was.Key)
	e := must[paywall.WalletExport](t)(storetest.Export(ctx, s.Ledger, was.ID))
	has := oldWallet{
		ID: e.ID, Key: was.Key, Balance: must[paywall.Wallet](t)(s.Wallet(ctx, key)).Balance.String(), Owned: map[string]string{},
		Bought: len(e.Purchases), Devices: len(e.Devices), Passkeys: len(e.Passkeys), Tips: len(e.Tips), Gifts: len(e.Gifts),
	}
	for _, u := range e.Purchases {
		if !u.RefundedAt.IsZero() {
			has.Undone++
		}
		if own, err := s.Owned(ctx, key, u.Site, u.Resource); err == nil {
			has.Owned[u.Resource] = own.ID
		}
	}
	settings, spent, err := s.Settings(ctx, was.ID)
	if err != nil {
		t.Fatal(err)
	}
	has.Budget, has.Week = settings.Budget.String(), settings.Auto.PerWeek.String()
	has.Today, has.Unasked, has.Month = spent.Today.String(), spent.Week.String(), spent.Month.String()
	if settings.Budget.IsZero() {
		has.Today = was.Today // that version counted it for a budget only
	}
	got, want := must[[]byte](t)(json.Marshal(has)), must[[]byte](t)(json.Marshal(was))
	if !bytes.Equal(got, want) {
		t.Errorf("the wallet is\n%s\nwas\n%s", got, want)
	}
}

// lasting leaves out revocations that are over: a ledger forgets them in its own time.
func lasting(all map[string]string, now time.Time) map[string]string {
	maps.DeleteFunc(all, func(key, _ string) bool {
		if key[0] != state.TagRevoked {
			return false
		}
		until, _ := state.CutRevokedKey([]byte(key))
		return !until.After(now)
	})
	return all
}
