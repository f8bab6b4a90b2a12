package paywall

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a rule can sell. They keep an offer within the length of a
// token: ten shares with names of 32 letters take less than half of it.
const (
	MaxShares  = 10
	maxCreator = 32
	// MaxAccess is the longest limited access; longer is for ever.
	MaxAccess = 100 * 365 * 24 * time.Hour
)

// Share is a creator's part of a price.
type Share struct {
	Creator string // account name: up to 32 ASCII letters, digits, ".", "_", "-"
	PPM     int64  // parts per million: 700_000 is 70 %
}

// WholePPM is a whole in parts per million.
const WholePPM = 1_000_000

// ppmPerPercent makes a percentage of at most four decimals a whole number.
const ppmPerPercent = WholePPM / 100

// ParseShare reads a creator's name and a percentage above 0 and at most 100,
// with at most four decimals ("70", "33.3333"). Errors are [CodeMalformed].
func ParseShare(creator, percent string) (Share, error) {
	if !validCreator(creator) {
		return Share{}, Errorf(CodeMalformed, "share: creator %q: use up to %d letters, digits, dots, dashes and underscores", creator, maxCreator)
	}
	whole, fraction, dotted := strings.Cut(percent, ".")
	if whole == "" || len(whole) > 3 || len(fraction) > 4 || dotted && fraction == "" {
		return Share{}, Errorf(CodeMalformed, "share %s: %q is not a percentage such as 70%%", creator, percent)
	}
	ppm, err := strconv.ParseUint(whole+fraction+"0000"[len(fraction):], 10, 32)
	if err != nil {
		return Share{}, Errorf(CodeMalformed, "share %s: %q is not a percentage such as 70%%", creator, percent)
	}
	if ppm == 0 || ppm > WholePPM {
		return Share{}, Errorf(CodeMalformed, "share %s: %s is not above 0%% and at most 100%%", creator, percent)
	}
	return Share{Creator: creator, PPM: int64(ppm)}, nil
}

// Percent is the percentage in its shortest form: 700_000 is "70", 333_333 is "33.3333".
func (s Share) Percent() string {
	percent := strconv.FormatInt(s.PPM/ppmPerPercent, 10)
	if fraction := s.PPM % ppmPerPercent; fraction > 0 {
		percent += strings.TrimRight(fmt.Sprintf(".%04d", fraction), "0")
	}
	return percent
}

// SharesOf works out the shares from legs made by [Split]. From two units of the currency
// on the result is exact; below, rounding makes it approximate.
func SharesOf(legs []Leg) []Share {
	var whole, rest int64 = 0, WholePPM
	for _, l := range legs {
		whole += max(l.Micros, 0)
	}
	var shares []Share
	ofSite := false
	for _, l := range legs {
		creator, ok := strings.CutPrefix(l.Account, creatorPrefix)
		ofSite = ofSite || strings.HasPrefix(l.Account, sitePrefix)
		if !ok {
			continue
		}
		ppm := (l.Micros*WholePPM + whole/2) / whole // a leg is at most 1e12, see newPart
		if ppm = min(ppm, rest); ppm > 0 {
			rest -= ppm
			shares = append(shares, Share{Creator: creator, PPM: ppm})
		}
	}
	if !ofSite && len(shares) > 0 {
		shares[0].PPM += rest // the creators had all of it
	}
	return shares
}

func validCreator(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return name != "" && len(name) <= maxCreator
}
