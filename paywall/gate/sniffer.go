package gate

import (
	"bytes"
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

// Why a page is not cut, beside what the teaser says.
var (
	errLong   = errors.New("it is longer than " + strconv.Itoa(teaser.MaxPage>>10) + " KiB")
	errChoked = errors.New("the parser failed")
)

// maxUnread is how much of an answer is let run to its end unread, in bytes.
// Ending an answer early costs the site's server an aborted connection and a
// line in its log; sending more than this costs more.
const maxUnread = 256 << 10

// listenTime is how long an answer without a head to read is listened to. A radio
// station or a stream of events begins and does not end: that it has begun is
// all there is to know.
const listenTime = time.Second

// sniffer reads the head of a page while the site writes it, and throws
// everything away. It is fed by one goroutine, the site's.
type sniffer struct {
	abort   func() // tells the site that nobody listens any more
	aborted atomic.Bool
	timer   *time.Timer // nil: not running
	unread  int64
	feed    *io.PipeWriter // nil: nothing to read in it
	// cut is what else is done with a page, which is then held in memory whole.
	// Nil: nothing.
	cut   func(page []byte, title string) (*teaser.Page, error)
	found chan sniffed
}

// sniffed is what was learnt from a page.
type sniffed struct {
	head teaser.Head
	cut  *teaser.Page
	err  error // why there is no cut
}

// begin looks at the headers of an answer that delivers something.
func (s *sniffer) begin(h http.Header) {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if media == "text/html" || media == "application/xhtml+xml" {
		s.read(h.Get("Content-Type"), h.Get("Content-Encoding"))
		return
	}
	if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && length > maxUnread {
		s.stop()
		return
	}
	s.timer = time.AfterFunc(listenTime, s.stop)
}

func (s *sniffer) read(contentType, coding string) {
	body, feed := io.Pipe()
	s.feed, s.found = feed, make(chan sniffed, 1)
	go func() {
		var found sniffed
		defer func() {
			if recover() != nil { // a page that the parser chokes on is sold without its title
				found.cut, found.err = nil, errChoked
			}
			body.CloseWithError(errEnough)
			s.found <- found
		}()
		inflated, err := teaser.Inflate(body, coding)
		if err != nil {
			found.err = err
			return
		}
		page := teaser.Decode(inflated, contentType)
		if s.cut == nil {
			found.head, _ = teaser.ReadHead(page) // cut short, it still has what came before
			return
		}
		found.cut, found.err = s.readWhole(page, &found.head)
	}()
}

// readWhole reads a page to its end, and cuts it.
func (s *sniffer) readWhole(r io.Reader, head *teaser.Head) (*teaser.Page, error) {
	page, err := io.ReadAll(io.LimitReader(r, teaser.MaxPage+1))
	*head, _ = teaser.ReadHead(bytes.NewReader(page)) // never fails on what is in memory
	if err != nil {
		return nil, err
	}
	if len(page) > teaser.MaxPage {
		return nil, errLong
	}
	return s.cut(page, head.Title)
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
func (s *sniffer) finish() sniffed {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.found == nil {
		return sniffed{}
	}
	if s.feed != nil {
		_ = s.feed.Close() // never fails
		s.feed = nil
	}
	found := <-s.found
	s.found <- found
	return found
}
