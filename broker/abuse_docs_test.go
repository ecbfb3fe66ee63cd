package broker_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"linkmail/internal/testnames"
)

// TestTheCatalogueOfAbuseCasesIsTrue reads docs/abuse-cases.md: no case from A1
// to K107 is missing, and every test that it names exists.
func TestTheCatalogueOfAbuseCasesIsTrue(t *testing.T) {
	text, err := os.ReadFile("../docs/abuse-cases.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testnames.In(t, "..")
	for _, match := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1) {
		if !tests[match[1]] {
			t.Errorf("%s is named and does not exist", match[1])
		}
	}
	groups := []struct {
		letter string
		last   int
	}{{"A", 9}, {"B", 20}, {"C", 32}, {"D", 44}, {"E", 56}, {"F", 71}, {"G", 78}, {"H", 85}, {"I", 90}, {"J", 99}, {"K", 107}}
	n := 1
	for _, group := range groups {
		for ; n <= group.last; n++ {
			row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| %s%d \| [^|]+ \| [^|]+ \|$`, group.letter, n))
			if !row.Match(text) {
				t.Errorf("case %s%d has no row", group.letter, n)
			}
		}
	}
}
