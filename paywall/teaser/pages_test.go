package teaser

import (
	"os"
	"strings"
	"testing"
)

// TestPagesAsTheyAreFound: pages as common systems write them. What stands before
// the cut is marked FREE, and what nobody may see without paying CANARY.
func TestPagesAsTheyAreFound(t *testing.T) {
	for name, address := range map[string]string{
		"wordpress": "/2026/11/the-last-ferry-pilot/", "ghost": "/a-loaf-that-keeps/", "hugo": "/posts/glocken/", "amp": "/salt-and-the-sea-wall", "podcast": "/episodes/41-the-silent-lighthouse",
	} {
		page, err := os.ReadFile("testdata/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		got := cutAt(t, testOrigin+address, string(page))
		if i := strings.Index(got, "CANARY"); i >= 0 {
			t.Errorf("%s: the teaser says %s", name, got[max(0, i-200):min(len(got), i+100)])
		}
		free := strings.Count(string(page), "FREE")
		switch name {
		case "wordpress", "amp":
			free-- // in noscript once more
		}
		if n := strings.Count(got, "FREE"); n != free {
			t.Errorf("%s: %d of %d free parts stay:\n%s", name, n, free, got)
		}
	}
	page, err := os.ReadFile("testdata/thai.html")
	if err != nil {
		t.Fatal(err)
	}
	got := cutAt(t, testOrigin+"/thai", string(page))
	for text, stays := range map[string]bool{
		"เมืองเล็กริมทะเล": true, "ชาวเมืองหลายร้อยคน": true, "เป็นเวลาสองปี": true, "ชาวประมงออกเรือตามปกติ": true, "สรุปข่าว": true,
		"สภาเมืองรู้เรื่องนี้": false, "รอยร้าวนั้น": false, "เงินบริจาค": false,
	} {
		if strings.Contains(got, text) != stays {
			t.Errorf("%s stays: %v\n%s", text, !stays, got)
		}
	}
}
