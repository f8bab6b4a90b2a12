package teaser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// unspacedTexts are news in scripts that have no spaces between words, by the paragraph.
var unspacedTexts = map[string][]string{
	"th": {
		"ระฆังเก่าแก่ของท่าเรือถูกตีเป็นครั้งสุดท้ายเมื่อคืนวันศุกร์ ชาวเมืองหลายร้อยคนมารวมตัวกันเพื่อฟังเสียงนั้น",
		"นายกเทศมนตรีกล่าวว่าระฆังจะถูกนำไปซ่อมแซมที่เมืองหลวงเป็นเวลาสองปี",
		"ช่างตีระฆังคนสุดท้ายเปิดเผยว่ารอยร้าวนั้นมีอยู่แล้วตั้งแต่สงครามครั้งก่อน",
		"เอกสารลับในหอจดหมายเหตุแสดงว่าสภาเมืองรู้เรื่องนี้มานานกว่าสามสิบปีโดยไม่บอกใคร",
		"ค่าใช้จ่ายทั้งหมดจะมาจากเงินบริจาคของชาวประมงซึ่งยังไม่เคยได้รับคำขอบคุณ",
		"เมื่อถามถึงอนาคต เขาตอบเพียงว่าเสียงของทะเลดังกว่าระฆังใดๆ เสมอ",
	},
	"lo": {
		"ລະຄັງເກົ່າແກ່ຂອງທ່າເຮືອຖືກຕີເປັນຄັງສຸດທ້າຍໃນຄືນວັນສຸກ ຊາວເມືອງຫຼາຍຮ້ອຍຄົນມາຮ່ວມກັນຟັງສຽງນັ້ນ",
		"ເຈົ້າເມືອງກ່າວວ່າລະຄັງຈະຖືກນຳໄປສ້ອມແປງຢູ່ນະຄອນຫຼວງເປັນເວລາສອງປີ",
		"ຊ່າງຕີລະຄັງຄົນສຸດທ້າຍເປີດເຜີຍວ່າຮອຍແຕກນັ້ນມີມາແຕ່ສົງຄາມຄັ້ງກ່ອນ",
		"ເອກະສານລັບໃນຫໍສະໝຸດສະແດງວ່າສະພາເມືອງຮູ້ເລື່ອງນີ້ມາດົນກວ່າສາມສິບປີໂດຍບໍ່ບອກໃຜ",
		"ຄ່າໃຊ້ຈ່າຍທັງໝົດຈະມາຈາກເງິນບໍລິຈາກຂອງຊາວປະມົງທີ່ບໍ່ເຄີຍໄດ້ຮັບຄຳຂອບໃຈ",
	},
	"km": {
		"ជួងចាស់របស់កំពង់ផែត្រូវបានវាយជាលើកចុងក្រោយនៅយប់ថ្ងៃសុក្រ ប្រជាជនរាប់រយនាក់បានមកស្តាប់សំឡេងនោះ",
		"អភិបាលក្រុងបានថ្លែងថាជួងនឹងត្រូវយកទៅជួសជុលនៅរាជធានីរយៈពេលពីរឆ្នាំ",
		"អ្នកវាយជួងចុងក្រោយបានបង្ហាញថាស្នាមប្រេះនោះមានតាំងពីសង្គ្រាមលើកមុនមកម្ល៉េះ",
		"ឯកសារសម្ងាត់ក្នុងបណ្ណសារបង្ហាញថាក្រុមប្រឹក្សាក្រុងបានដឹងរឿងនេះជាងសាមសិបឆ្នាំដោយមិនប្រាប់នរណា",
		"ថ្លៃចំណាយទាំងអស់នឹងបានមកពីអំណោយរបស់អ្នកនេសាទដែលមិនធ្លាប់ទទួលបានពាក្យអរគុណ",
	},
	"my": {
		"ဆိပ်ကမ်း၏ရှေးဟောင်းခေါင်းလောင်းကိုသောကြာနေ့ညတွင်နောက်ဆုံးအကြိမ်ထိုးခဲ့သည်။ မြို့သူမြို့သားရာပေါင်းများစွာလာရောက်နားထောင်ကြသည်။",
		"မြို့တော်ဝန်ကခေါင်းလောင်းကိုမြို့တော်သို့ယူဆောင်ပြီးနှစ်နှစ်ကြာပြုပြင်မည်ဟုပြောကြားခဲ့သည်။",
		"နောက်ဆုံးခေါင်းလောင်းထိုးသူကအက်ကွဲရာသည်ယခင်စစ်ပွဲကတည်းကရှိခဲ့သည်ဟုဖွင့်ဟခဲ့သည်။",
		"မော်ကွန်းတိုက်ရှိလျှို့ဝှက်စာရွက်များကမြို့တော်ကောင်စီသည်နှစ်သုံးဆယ်ကျော်သိရှိခဲ့ကြောင်းပြသသည်။",
		"ကုန်ကျစရိတ်အားလုံးသည်ကျေးဇူးတင်စကားမရခဲ့သောရေလုပ်သားများ၏အလှူငွေမှရရှိမည်ဖြစ်သည်။",
	},
	"zh": {
		"港口的古钟在周五夜里最后一次被敲响，数百名市民聚集在一起聆听。",
		"市长表示，这口钟将被运往首都修复两年之久。",
		"最后一位敲钟人透露，那道裂缝早在上次战争时就已经存在了。",
		"档案馆里的秘密文件显示，市议会三十多年来一直知道此事却从未公开。",
		"全部费用将来自渔民的捐款，而他们至今没有得到任何感谢。",
	},
	"ja": {
		"港の古い鐘は金曜の夜に最後の音を響かせ、数百人の市民がその音を聞くために集まった。",
		"市長は、鐘は二年間かけて首都で修復されると述べた。",
		"最後の鐘つきは、あのひびは前の戦争のころからあったと明かした。",
		"文書館の秘密の書類によれば、市議会は三十年以上もこのことを知りながら黙っていた。",
		"費用はすべて漁師たちの寄付でまかなわれるが、彼らはまだ一度も感謝されていない。",
	},
}

// TestTextsWithoutSpacesAreCutLikeOthers: what they say after the cut is found again
// wherever the page says it, a part of a paragraph is enough, and more than half
// never stays.
func TestTextsWithoutSpacesAreCutLikeOthers(t *testing.T) {
	places := []string{
		"<p>%s</p>", "<nav><a href=/>%s</a></nav>", "<aside>“%s”</aside>", "<script type=application/ld+json>{\"@type\":\"NewsArticle\",\"headline\":\"%s\",\"image\":{\"url\":\"/x\",\"name\":\"%s\"}}</script>",
		"<meta name=description content=\"%s\">", "<meta property=og:description content=\"%s\">", "<meta name=author content=\"%s\">", "<img src=/x alt=\"%s\">", "<img src=/x title=\"%s\">", "<div data-x=\"%s\">x</div>", "<div aria-label=\"%s\">x</div>",
		"<title>%s</title>", "<svg><title>%s</title></svg>", "<style>p::after{content:'%s'}</style>", "<a href=\"/?q=%s\">x</a>", "<a href=\"#:~:text=%s\">x</a>", "<button value=\"%s\">x</button>", "<option value=\"%s\">x</option>",
	}
	spell := map[string]func(string) string{
		"plain": func(s string) string { return s }, "percent": url.QueryEscape, "base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"json": func(s string) string {
			b, _ := json.Marshal(s)
			return html.EscapeString(strings.Trim(string(b), `"`))
		},
		"script": func(s string) string {
			var b strings.Builder
			for _, r := range s {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
			return b.String()
		},
		"joined by nothing": func(s string) string { return strings.ReplaceAll(s, " ", "") },
		"with marks of lines": func(s string) string {
			return strings.Join(strings.Split(s, ""), "\u200b")
		},
	}
	for language, texts := range unspacedTexts {
		page := "<article><h1>x</h1><p>" + strings.Join(texts, "</p><p>") + "</p></article>"
		secret := texts[3]
		half := []rune(secret)
		for _, said := range []string{secret, string(half[:len(half)*6/10]), string(half[len(half)*4/10:])} {
			for _, place := range places {
				for how, spelled := range spell {
					second := strings.ReplaceAll(place, "%s", spelled(said))
					got := cut(t, article(2), "<html lang="+language+"><body>"+second+page)
					if strings.Contains(got, "<p>"+texts[2]) {
						t.Fatalf("%s is not cut:\n%s", language, got)
					}
					if saysLetters(got, string([]rune(said)[4:len([]rune(said))-4])) {
						t.Errorf("%s, %s in %s is left:\n%s", language, how, place, got)
					}
				}
			}
		}
		if got := cut(t, article(2), page); !strings.Contains(got, texts[0]) || !strings.Contains(got, texts[1]) {
			t.Errorf("%s: the free part is not there:\n%s", language, got)
		}
		if got := cut(t, article(99), page); strings.Contains(got, texts[len(texts)-1]) || strings.Contains(got, texts[3]) {
			t.Errorf("%s: more than half stays:\n%s", language, got)
		}
	}
}

// saysLetters reports whether a page says a text, in whatever spelling.
func saysLetters(page, text string) bool {
	only := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < 0x80 || r == '\u200b' || r == '“' || r == '”' {
				return -1
			}
			return r
		}, s)
	}
	for range 4 {
		if strings.Contains(only(page), only(text)) {
			return true
		}
		var more strings.Builder
		for _, run := range base64ish.FindAllString(page, -1) {
			decodeBase64(run, func(s string) { more.WriteString("\n" + s) })
		}
		page = unescape(page) + more.String()
	}
	return false
}

// TestAShortTextMeetsByChance: a name or a heading in such a script stays in a menu.
func TestAShortTextMeetsByChance(t *testing.T) {
	texts := unspacedTexts["th"]
	page := "<nav><a href=/>ชาวประมง</a> <a href=/x>เมืองหลวง</a></nav><article><p>" + strings.Join(texts, "</p><p>") + "</article>"
	if got := cut(t, article(2), page); !strings.Contains(got, "ชาวประมง") || !strings.Contains(got, "เมืองหลวง") {
		t.Errorf("the menu is gone:\n%s", got)
	}
}

// TestWordsOfTextsWithoutSpaces are counted, about; and a cut is between letters.
func TestWordsOfTextsWithoutSpaces(t *testing.T) {
	for language, texts := range unspacedTexts {
		all := strings.Join(texts, " ")
		head, err := ReadHead(strings.NewReader("<article><p>" + all))
		if letters := len([]rune(all)); err != nil || head.Words < letters/10 || head.Words > letters {
			t.Errorf("%s: %d words in %d characters", language, head.Words, letters)
		}
		for words := 1; words < 12; words++ {
			out, err := cutter(t, Rule{Selector: "article", Words: words}).Cut([]byte("<article><p>"+all), "", testOrigin)
			if err != nil {
				t.Fatal(err)
			}
			_, text, _ := strings.Cut(string(out.Before), "<article><p>")
			text, _, ok := strings.Cut(text, "…")
			after := []rune(strings.TrimPrefix(all, text))
			if last := []rune(text); !ok || !strings.HasPrefix(all, text) || joins(last[len(last)-1]) || strings.ContainsRune("\u0e48\u0e49\u0eb5\u17b7\u102d", after[0]) {
				t.Errorf("%s, %d words: %q", language, words, text)
			}
		}
	}
}
