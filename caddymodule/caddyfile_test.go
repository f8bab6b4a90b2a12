package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/paywall"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAdaptedConfig compares golden files: a Caddyfile, a line of dashes, and
// the JSON it becomes, or the error it is refused with.
func TestAdaptedConfig(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config, want, ok := strings.Cut(string(content), "----------\n")
			if !ok {
				t.Fatal("no line of dashes")
			}
			if formatted := caddyfile.Format([]byte(config)); !bytes.Equal(formatted, []byte(config)) {
				t.Errorf("not formatted; caddy fmt makes:\n%s", formatted)
			}
			got, err := adapt(config)
			if err != nil {
				if !strings.Contains(err.Error(), strings.TrimSpace(want)) {
					t.Errorf("refused with:\n%v\nwant:\n%s", err, want)
				}
				return
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "\t"); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(config+"----------\n"+pretty.String()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if pretty.String()+"\n" != want {
				t.Errorf("adapted to:\n%s", pretty.String())
			}
		})
	}
}

// TestEveryMistakeIsRefused: at load, with file and line, saying what to write.
func TestEveryMistakeIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ global, site, want string }{
		"unknown word":               {"", "paywall /a/* 0.20 {\n\t\tfoo\n\t}", "unrecognized subdirective: foo; write one of: free, price, bar, cap, crawlers, gift_links, origin, query, teaser, tips, at Caddyfile:10"},
		"unknown global word":        {"foo 1", "paywall /a/* 0.20", "unrecognized option of paywall: foo"},
		"unknown word in price":      {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tfoo\n\t\t}\n\t}", "unrecognized subdirective of price: foo"},
		"zero":                       {"", "paywall /a/* 0", "must be above zero"},
		"negative":                   {"", "paywall /a/* -0.20", "must be above zero"},
		"over-precise":               {"", "paywall /a/* 0.205", "finer than"},
		"overlarge":                  {"", "paywall /a/* 99999999", "above the limit"},
		"not a number":               {"", "paywall /a/* 1e3", "not a decimal"},
		"comma":                      {"", "paywall /a/* 0,20", "not a decimal"},
		"yen with decimals":          {"currency JPY", "paywall /a/* 0.20", "finer than JPY"},
		"unknown currency":           {"currency DOUBLOON", "paywall /a/* 0.20", "unknown currency"},
		"currency in the directive":  {"", "paywall /a/* 0.20 EUR", "currency is a global option"},
		"no price at all":            {"", "paywall /a/*", "price"},
		"only free":                  {"", "paywall /a/* {\n\t\tfree /a/b\n\t}", "price"},
		"free without matcher":       {"", "paywall /a/* 0.20 {\n\t\tfree\n\t}", "free needs a matcher"},
		"price without amount":       {"", "paywall /a/* {\n\t\tprice /a/b\n\t}", "price needs an amount"},
		"shares above the whole":     {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tshare alice 70%\n\t\t\tshare bob 40%\n\t\t}\n\t}", "100"},
		"share twice":                {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tshare alice 10%\n\t\t\tshare alice 10%\n\t\t}\n\t}", "given twice"},
		"share of nothing":           {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tshare alice 0%\n\t\t}\n\t}", "not above 0%"},
		"access twice":               {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\taccess 1h\n\t\t\taccess 2h\n\t\t}\n\t}", "given twice"},
		"access of nothing":          {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\taccess 0s\n\t\t}\n\t}", "above zero"},
		"per that is no pattern":     {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tper /a\n\t\t}\n\t}", "/*"},
		"rule twice":                 {"", "paywall {\n\t\tprice /a/* 0.20\n\t\tprice /a/* 0.30\n\t}", "twice"},
		"rule never reached":         {"", "paywall /a/* {\n\t\tprice 0.20\n\t\tprice /a/b 0.30\n\t}", "never"},
		"origin twice":               {"", "paywall /a/* 0.20 {\n\t\torigin https://a.example\n\t\torigin https://b.example\n\t}", "given twice"},
		"origin with a path":         {"", "paywall /a/* 0.20 {\n\t\torigin https://a.example/x\n\t}", "scheme and host only"},
		"unknown matcher":            {"", "paywall @nothing 0.20", "@nothing"},
		"storage twice":              {"storage badger /x\n\t\tstorage badger /y", "paywall /a/* 0.20", "given twice"},
		"unknown storage":            {"storage postgres /x", "paywall /a/* 0.20", "storage badger <path>"},
		"unknown top-up":             {"topup gold", "paywall /a/* 0.20", "unrecognized way of topup: gold; write one of: voucher, bank, stripe, at Caddyfile:5"},
		"welcome of nothing":         {"welcome 0", "paywall /a/* 0.20", "must be above zero"},
		"welcome limit in words":     {"welcome 0.60 {\n\t\t\tlimit some per day\n\t\t}", "paywall /a/* 0.20", "limit \"some\" is not a whole number above zero, at Caddyfile:6"},
		"welcome limit of nothing":   {"welcome 0.60 {\n\t\t\tlimit 0 per day\n\t\t}", "paywall /a/* 0.20", "limit \"0\" is not a whole number above zero"},
		"welcome limit a month":      {"welcome 0.60 {\n\t\t\tlimit 500 per month\n\t\t}", "paywall /a/* 0.20", "write: limit 500 per day"},
		"welcome limit twice":        {"welcome 0.60 {\n\t\t\tlimit 5 per day\n\t\t\tlimit 6 per day\n\t\t}", "paywall /a/* 0.20", "limit is given twice, at Caddyfile:7"},
		"welcome shares of some":     {"welcome 0.60 {\n\t\t\tshares 50%\n\t\t}", "paywall /a/* 0.20", "write: shares"},
		"welcome shares twice":       {"welcome 0.60 {\n\t\t\tshares\n\t\t\tshares\n\t\t}", "paywall /a/* 0.20", "shares is given twice"},
		"welcome of an unknown word": {"welcome 0.60 {\n\t\t\tgold\n\t\t}", "paywall /a/* 0.20", "subdirective of welcome: gold"},
		"welcome with a block in it": {"welcome 0.60 {\n\t\t\tlimit 5 per day {\n\t\t\t\tx\n\t\t\t}\n\t\t}", "paywall /a/* 0.20", "take no block"},
		"welcome twice":              {"welcome 0.60\n\t\twelcome 0.60", "paywall /a/* 0.20", "welcome is given twice"},
		"limits of nothing":          {"limits 0", "paywall /a/* 0.20", "limits \"0\" is not a whole number from 1 to 1000000"},
		"negative limits":            {"limits -1", "paywall /a/* 0.20", "limits \"-1\" is not"},
		"limits in words":            {"limits off", "paywall /a/* 0.20", "limits \"off\" is not"},
		"limits of a half":           {"limits 0.5", "paywall /a/* 0.20", "limits \"0.5\" is not"},
		"limits without end":         {"limits 1000001", "paywall /a/* 0.20", "limits \"1000001\" is not"},
		"limits beyond numbers":      {"limits 99999999999999999999", "paywall /a/* 0.20", "is not a whole number"},
		"limits without a factor":    {"limits", "paywall /a/* 0.20", "rong argument count"},
		"limits with a block":        {"limits 2 {\n\t\t\tx\n\t\t}", "paywall /a/* 0.20", "limits takes no block"},
		"limits twice":               {"limits 2\n\t\tlimits 3", "paywall /a/* 0.20", "limits is given twice"},
		"negative refund":            {"refund -1m", "paywall /a/* 0.20", "refund"},
		"two options":                {"}\n\tpaywall {", "paywall /a/* 0.20", "given twice"},
		"after reverse_proxy":        {"", "route {\n\t\treverse_proxy localhost:1\n\t\tpaywall /a/* 0.20\n\t}", "already answers"},
		"after file_server":          {"", "route {\n\t\tfile_server\n\t\tpaywall /a/* 0.20\n\t}", "already answers"},
		"after a handle":             {"", "route {\n\t\thandle {\n\t\t\tfile_server\n\t\t}\n\t\tpaywall /a/* 0.20\n\t}", "already answers"},
		"inside handle_response":     {"", "reverse_proxy localhost:1 {\n\t\thandle_response {\n\t\t\tpaywall /a/* 0.20\n\t\t}\n\t}", "inside reverse_proxy"},
		"in a block with a matcher":  {"", "handle /a/* {\n\t\tpaywall 0.20\n\t}", "block with a matcher"},
		"article as error page":      {"", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\trewrite * /a/sorry\n\t\treverse_proxy localhost:1\n\t}", "/a/sorry, which has a price"},
		"article as handled answer":  {"", "paywall /a/* 0.20\n\treverse_proxy localhost:1 {\n\t\t@gone status 404\n\t\thandle_response @gone {\n\t\t\trewrite * /A/sorry\n\t\t\treverse_proxy localhost:1\n\t\t}\n\t}", "/A/sorry, which has a price"},
		"price from nowhere":         {"", "paywall /a/* {env.TUPPENCE_TEST_NOTHING}", "price"},
		"error page from the site":   {"", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\treverse_proxy localhost:1\n\t}", "as they came"},
		"error page for some":        {"", "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\t@gone expression {err.status_code} == 404\n\t\trewrite @gone /sorry\n\t\treverse_proxy localhost:1\n\t}", "as they came"},
		"after a matched proxy":      {"", "route {\n\t\treverse_proxy /a/* localhost:1\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}", "already answers"},
		"beside a matched handle":    {"", "handle /a/x* {\n\t\treverse_proxy localhost:1\n\t}\n\thandle {\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}", "already answers"},
		"in a named route":           {"", "handle /a/* {\n\t\tinvoke paid\n\t}\n}\n&(paid) {\n\tpaywall 0.20", "named route"},
		"after invoke":               {"", "route {\n\t\tinvoke all\n\t\tpaywall /a/* 0.20\n\t}\n}\n&(all) {\n\treverse_proxy localhost:1", "after invoke"},
		"matcher with a placeholder": {"", "@p expression {path}.startsWith('/a/')\n\tpaywall @p 0.20", "does not see every spelling"},
		"matcher on a variable":      {"", "@p vars {path} /a/b\n\tpaywall @p 0.20", "does not see every spelling"},
		"matcher inside not":         {"", "@p not vars {path} /a/b\n\tpaywall @p 0.20", "does not see every spelling"},
		"too many shares":            {"", "paywall /a/* {\n\t\tprice 0.20 {\n" + strings.Join(manyShares(), "\n") + "\n\t\t}\n\t}", "too many"},
		"creator of another script":  {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\tshare \u212a 10%\n\t\t}\n\t}", "creator"},
		"access of ages":             {"", "paywall /a/* {\n\t\tprice 0.20 {\n\t\t\taccess 80000d\n\t\t}\n\t}", "too long"},
		"unknown crawler":            {"", "paywall /a/* 0.20 {\n\t\tcrawlers google duckduckgo\n\t}", "those that can be verified are: google, bing, apple"},
		"crawler twice":              {"", "paywall /a/* 0.20 {\n\t\tcrawlers bing bing\n\t}", "crawler bing is given twice"},
		"crawlers twice":             {"", "paywall /a/* 0.20 {\n\t\tcrawlers google\n\t\tcrawlers bing\n\t}", "crawlers is given twice"},
		"crawlers of nobody":         {"", "paywall /a/* 0.20 {\n\t\tcrawlers\n\t}", "crawlers names none"},
		"crawlers with a block":      {"", "paywall /a/* 0.20 {\n\t\tcrawlers google {\n\t\t\tfoo\n\t\t}\n\t}", "takes no block"},
		"crawlers by their word":     {"}\n\tservers {\n\t\ttrusted_proxies static private_ranges", "paywall /a/* 0.20 {\n\t\tcrawlers google\n\t}", "add trusted_proxies_strict"},
		"teaser without a selector":  {"", "paywall /a/* 0.20 {\n\t\tteaser {\n\t\t\tparagraphs 3\n\t\t}\n\t}", "needs one selector"},
		"teaser of two words":        {"", "paywall /a/* 0.20 {\n\t\tteaser main article {\n\t\t\tparagraphs 3\n\t\t}\n\t}", "in quotes, at Caddyfile:10"},
		"teaser without a length":    {"", "paywall /a/* 0.20 {\n\t\tteaser article\n\t}", "paragraphs 3, or words 100"},
		"teaser with an empty block": {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t}\n\t}", "paragraphs 3, or words 100"},
		"teaser of nothing":          {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\tparagraphs 0\n\t\t}\n\t}", "paragraphs \"0\" is not a whole number above zero, at Caddyfile:11"},
		"teaser of less":             {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\twords -5\n\t\t}\n\t}", "words \"-5\" is not"},
		"teaser of a half":           {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\twords 0.5\n\t\t}\n\t}", "words \"0.5\" is not"},
		"teaser of words without":    {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\twords\n\t\t}\n\t}", "rong argument count"},
		"teaser of both":             {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\tparagraphs 3\n\t\t\twords 100\n\t\t}\n\t}", "one line in its block"},
		"teaser length twice":        {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\twords 3\n\t\t\twords 3\n\t\t}\n\t}", "one line in its block"},
		"teaser twice":               {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\twords 3\n\t\t}\n\t\tteaser main {\n\t\t\twords 3\n\t\t}\n\t}", "teaser is given twice, at Caddyfile:13"},
		"teaser of an unknown word":  {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\tpages 3\n\t\t}\n\t}", "unrecognized subdirective of teaser: pages"},
		"teaser with a block inside": {"", "paywall /a/* 0.20 {\n\t\tteaser article {\n\t\t\twords 3 {\n\t\t\t\tx\n\t\t\t}\n\t\t}\n\t}", "takes no block"},
		"teaser of no selector":      {"", "paywall /a/* 0.20 {\n\t\tteaser \".post >\" {\n\t\t\twords 3\n\t\t}\n\t}", "is not a CSS selector"},
		"teaser of a pseudo element": {"", "paywall /a/* 0.20 {\n\t\tteaser p::first-line {\n\t\t\twords 3\n\t\t}\n\t}", "is not a CSS selector"},
		"cap without its time":       {"", "paywall /a/* 0.20 {\n\t\tcap 6.00\n\t}", "write: cap 6.00 per month, at Caddyfile:10"},
		"cap of a day":               {"", "paywall /a/* 0.20 {\n\t\tcap 6.00 per day\n\t}", "write: cap 6.00 per month"},
		"cap of nothing":             {"", "paywall /a/* 0.20 {\n\t\tcap 0 per month\n\t}", "must be above zero"},
		"cap too fine":               {"", "paywall /a/* 0.20 {\n\t\tcap 6.001 per month\n\t}", "finer than"},
		"cap twice":                  {"", "paywall /a/* 0.20 {\n\t\tcap 6.00 per month\n\t\tcap 6.00 per month\n\t}", "cap is given twice"},
		"cap with a block":           {"", "paywall /a/* 0.20 {\n\t\tcap 6.00 per month {\n\t\t\tx\n\t\t}\n\t}", "takes no block"},
		"cap below a price":          {"", "paywall /a/* {\n\t\tprice /a/b 7.00\n\t\tprice 0.20\n\t\tcap 6.00 per month\n\t}", "write a cap of at least 7.00"},
		"cap from nowhere":           {"", "paywall /a/* 0.20 {\n\t\tcap {env.TUPPENCE_TEST_NOTHING} per month\n\t}", "cap"},
		"refunds without their time": {"refund 30m {\n\t\tlimit 5\n\t}", "paywall /a/* 0.20", "write: limit 5 per month, at Caddyfile:6"},
		"refunds of a week":          {"refund 30m {\n\t\tlimit 5 per week\n\t}", "paywall /a/* 0.20", "write: limit 5 per month"},
		"no refunds":                 {"refund 30m {\n\t\tlimit 0 per month\n\t}", "paywall /a/* 0.20", "limit \"0\" is not a whole number above zero"},
		"half a refund":              {"refund 30m {\n\t\tlimit 0.5 per month\n\t}", "paywall /a/* 0.20", "limit \"0.5\" is not"},
		"refund limit twice":         {"refund 30m {\n\t\tlimit 5 per month\n\t\tlimit 6 per month\n\t}", "paywall /a/* 0.20", "limit is given twice"},
		"unknown word in refund":     {"refund 30m {\n\t\tmost 5 per month\n\t}", "paywall /a/* 0.20", "unrecognized subdirective of refund: most"},
		"limit of what is off":       {"refund 0 {\n\t\tlimit 5 per month\n\t}", "paywall /a/* 0.20", "refund 0 lets nobody undo"},
		"bar without a word":         {"", "paywall /a/* 0.20 {\n\t\tbar\n\t}", "write: bar on; leave the line out for no bar, at Caddyfile:10"},
		"bar that is never shown":    {"refund 0", "paywall /a/* 0.20 {\n\t\tbar on\n\t}", "refund 0 rules out; remove one of the two lines, at Caddyfile:9"},
		"bar of another kind":        {"", "paywall /a/* 0.20 {\n\t\tbar off\n\t}", "write: bar on"},
		"bar of two kinds":           {"", "paywall /a/* 0.20 {\n\t\tbar on on\n\t}", "write: bar on"},
		"bar with a block":           {"", "paywall /a/* 0.20 {\n\t\tbar on {\n\t\t\tfoo\n\t\t}\n\t}", "bar takes no block"},
		"bar twice":                  {"", "paywall /a/* 0.20 {\n\t\tbar on\n\t\tbar on\n\t}", "bar is given twice"},
		"gifts of nothing":           {"", "paywall /a/* 0.20 {\n\t\tgift_links 0 per month\n\t}", "gift_links \"0\" is not a whole number above zero, at Caddyfile:10"},
		"gifts without a time":       {"", "paywall /a/* 0.20 {\n\t\tgift_links 5\n\t}", "write: gift_links 5 per month"},
		"gifts per year":             {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per year\n\t}", "write: gift_links 5 per month"},
		"gifts without end":          {"", "paywall /a/* 0.20 {\n\t\tgift_links 1001 per month\n\t}", "from 1 to 1000, at Caddyfile:10"},
		"gifts twice":                {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per month\n\t\tgift_links 6 per month\n\t}", "gift_links is given twice"},
		"gifts for nobody":           {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per month {\n\t\t\treaders 0\n\t\t}\n\t}", "readers \"0\" is not a whole number above zero, at Caddyfile:11"},
		"gifts for everybody":        {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per month {\n\t\t\treaders 1001\n\t\t}\n\t}", "write 1 to 1000"},
		"gifts for two numbers":      {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per month {\n\t\t\treaders 1 2\n\t\t}\n\t}", "argument count"},
		"gift readers twice":         {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per month {\n\t\t\treaders 1\n\t\t\treaders 2\n\t\t}\n\t}", "readers is given twice"},
		"unknown word in gifts":      {"", "paywall /a/* 0.20 {\n\t\tgift_links 5 per month {\n\t\t\tfoo\n\t\t}\n\t}", "unrecognized subdirective of gift_links: foo"},
		"tips of nothing":            {"", "paywall /a/* 0.20 {\n\t\ttips\n\t}", "write: tips 0.20 0.50 1.00"},
		"a tip of zero":              {"", "paywall /a/* 0.20 {\n\t\ttips 0\n\t}", "must be above zero"},
		"a negative tip":             {"", "paywall /a/* 0.20 {\n\t\ttips -0.20\n\t}", "must be above zero"},
		"an over-precise tip":        {"", "paywall /a/* 0.20 {\n\t\ttips 0.205\n\t}", "tips: amount \"0.205\" is finer than EUR"},
		"falling tips":               {"", "paywall /a/* 0.20 {\n\t\ttips 0.50 0.20\n\t}", "write the smallest first, at Caddyfile:10"},
		"the same tip twice":         {"", "paywall /a/* 0.20 {\n\t\ttips 0.20 0.20\n\t}", "write the smallest first"},
		"five tips":                  {"", "paywall /a/* 0.20 {\n\t\ttips 0.10 0.20 0.30 0.40 0.50\n\t}", "5 tips are too many"},
		"tips in words":              {"", "paywall /a/* 0.20 {\n\t\ttips little\n\t}", "not a decimal"},
		"tips twice":                 {"", "paywall /a/* 0.20 {\n\t\ttips 0.20\n\t\ttips 0.50\n\t}", "tips is given twice"},
		"tips with a block":          {"", "paywall /a/* 0.20 {\n\t\ttips 0.20 {\n\t\t\tfoo\n\t\t}\n\t}", "takes no block"},
		"two gates":                  {"", "paywall /a/* 0.20\n\tpaywall /b/* 0.30", "one paywall directive"},
	} {
		t.Run(name, func(t *testing.T) {
			config := "{\n\tadmin off\n\tpaywall {\n\t\tcurrency EUR\n\t\t" + tc.global + "\n\t}\n}\nhttp://localhost:1 {\n\t" + tc.site + "\n}\n"
			if strings.HasPrefix(tc.global, "currency") {
				config = strings.Replace(config, "\t\tcurrency EUR\n", "", 1)
			}
			err := validate(t, config)
			if err == nil {
				t.Fatalf("accepted:\n%s", config)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("refused with %q, want %q", err, tc.want)
			}
			if !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("no file and line in %q", err)
			}
		})
	}
}

func manyShares() []string {
	lines := make([]string, paywall.MaxShares+1)
	for i := range lines {
		lines[i] = fmt.Sprintf("\t\t\tshare creator%d 1%%", i)
	}
	return lines
}

// validate does what the validate command does.
func validate(t testing.TB, config string) error {
	t.Helper()
	adapted, err := adapt(config)
	if err != nil {
		return err
	}
	var parsed caddy.Config
	if err := json.Unmarshal(adapted, &parsed); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&parsed)
}

func TestGoodConfigsAreValid(t *testing.T) {
	t.Setenv("TUPPENCE_TEST_PRICE", "0.20")
	t.Setenv("TUPPENCE_TEST_TIP", "0.50")
	t.Setenv("TUPPENCE_TEST_ORIGIN", "https://news.example")
	for name, site := range map[string]string{
		"minimal":                 "paywall /a/* 0.20\n\treverse_proxy localhost:1",
		"whole site":              "paywall 0.20\n\tfile_server",
		"handle and route beside": "paywall /a/* 0.20\n\thandle /a/* {\n\t\treverse_proxy localhost:1\n\t}\n\troute /b/* {\n\t\treverse_proxy localhost:2\n\t}\n\thandle {\n\t\trespond ok\n\t}",
		"first in a route":        "route {\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}",
		"after a health check":    "route {\n\t\trespond /health ok\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}",
		"after forward_auth":      "forward_auth localhost:2 {\n\t\turi /auth\n\t}\n\tpaywall /a/* 0.20\n\treverse_proxy localhost:1",
		"after some forward_auth": "forward_auth /b/* localhost:2 {\n\t\turi /auth\n\t}\n\tpaywall /a/* 0.20\n\treverse_proxy localhost:1",
		"two servers":             "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\trewrite * /sorry\n\t\tfile_server\n\t}\n}\nhttp://localhost:2 {\n\tpaywall /sorry 0.20\n\treverse_proxy localhost:1",
		"gate in the error pages": "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}",
		"price from outside":      "paywall /a/* {env.TUPPENCE_TEST_PRICE} {\n\t\torigin {env.TUPPENCE_TEST_ORIGIN}\n\t}\n\treverse_proxy localhost:1",
		"free error page":         "paywall /a/* 0.20\n\treverse_proxy localhost:1\n\thandle_errors {\n\t\trewrite * /{err.status_code}.html\n\t\tfile_server\n\t}\n\thandle_errors 404 {\n\t\trewrite * /sorry.html\n\t\tfile_server\n\t}",
		"crawlers behind a proxy": "paywall /a/* 0.20 {\n\t\tcrawlers google\n\t}\n\treverse_proxy localhost:1",
		"teaser":                  "paywall /a/* 0.20 {\n\t\tteaser \".post > .body, main:not(.x)\" {\n\t\t\twords 100\n\t\t}\n\t}\n\treverse_proxy localhost:1",
		"in a plain handle":       "handle {\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}",
		"everything":              "@p {\n\t\tpath /a/* /b/*\n\t\tnot path *.css\n\t}\n\tencode zstd gzip\n\tpaywall @p {\n\t\tfree /a/welcome\n\t\tprice /b/* 3.00 {\n\t\t\tper /b/*\n\t\t\tshare alice 70%\n\t\t\tshare bob 12.5%\n\t\t\taccess 30d\n\t\t}\n\t\tprice 0.20\n\t\torigin https://news.example\n\t\tquery p page\n\t\tcrawlers google bing apple\n\t\tcap 6.00 per month\n\t\tgift_links 5 per month {\n\t\t\treaders 10\n\t\t}\n\t\ttips 0.20 {env.TUPPENCE_TEST_TIP}\n\t\tbar on\n\t}\n\treverse_proxy localhost:1",
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 { // servers are loaded in no fixed order
				if err := validate(t, "{\n\tadmin off\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t\ttrusted_proxies_strict\n\t}\n}\nhttp://localhost:1 {\n\t"+site+"\n}\n"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestExampleIsFormattedAndValid(t *testing.T) {
	content, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	if formatted := caddyfile.Format(content); !bytes.Equal(formatted, content) {
		t.Errorf("not formatted; caddy fmt makes:\n%s", formatted)
	}
	content, _, _ = bytes.Cut(content, []byte("\n# The demo's bank")) // which is a module of cmd/tuppence, whose tests run all of it
	if _, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(content, map[string]any{"filename": "Caddyfile"}); err != nil || len(warnings) > 0 {
		t.Error(err, warnings)
	}
	if err := validate(t, string(content)); err != nil {
		t.Error(err)
	}
}
