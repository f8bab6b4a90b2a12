package gate

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall/teaser"
)

// errEnough ends a page that has told what it had to tell.
var errEnough = errors.New("the gate has read enough of the page")

// maxUnread is how much of an answer is let run to its end unread, in bytes.
// Ending an answer early costs the site's server an aborted connection and a
// line in its log; sending more than this costs more.
const maxUnread = 256 << 10

// patience is how long an answer without a head to read is listened to. A radio
// station or a stream of events begins and does not end: that it has begun is
// all there is to know.
const patience = time.Second

// sniffer reads the head of a page while the site writes it, and throws
// everything away. It is fed by one goroutine, the site's.
type sniffer struct {
	abort   func() // tells the site that nobody listens any more
	aborted atomic.Bool
	timer   *time.Timer // nil: not running
	unread  int64
	feed    *io.PipeWriter // nil: nothing to read in it
	head    chan teaser.Head
}

// begin looks at the headers of an answer that delivers something.
func (s *sniffer) begin(h http.Header) {
	contentType := h.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(contentType)
	if (media == "text/html" || media == "application/xhtml+xml") && h.Get("Content-Encoding") == "" {
		s.read(contentType)
		return
	}
	if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && length > maxUnread {
		s.stop()
		return
	}
	s.timer = time.AfterFunc(patience, s.stop)
}

func (s *sniffer) read(contentType string) {
	page, feed := io.Pipe()
	s.feed, s.head = feed, make(chan teaser.Head, 1)
	go func() {
		var head teaser.Head
		defer func() {
			_ = recover() // a page that the parser chokes on is sold without its title
			page.CloseWithError(errEnough)
			s.head <- head
		}()
		head, _ = teaser.ReadHead(teaser.Decode(page, contentType)) // cut short, it still has what came before
	}()
}

// write takes a part of the body. Its error is for the site, to stop.
func (s *sniffer) write(p []byte) error {
	if s.aborted.Load() {
		return errEnough
	}
	if s.feed != nil {
		if _, err := s.feed.Write(p); err == nil {
			return nil
		}
		s.finish()
	}
	if s.unread += int64(len(p)); s.unread > maxUnread {
		s.stop()
		return errEnough
	}
	return nil
}

func (s *sniffer) stop() {
	s.aborted.Store(true)
	s.abort()
}

// finish ends the page and says what was found. It may be called more than once.
func (s *sniffer) finish() teaser.Head {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.head == nil {
		return teaser.Head{}
	}
	if s.feed != nil {
		_ = s.feed.Close() // never fails
		s.feed = nil
	}
	head := <-s.head
	s.head <- head
	return head
}
