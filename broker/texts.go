package broker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// defaultLanguage is for people who read none of the others.
const defaultLanguage = "en"

// words is one language of page/texts.json, as far as this side needs it; the
// script of the page reads the same file.
type words struct {
	Title string `json:"deniedTitle"`
	Close string `json:"noticeClose"`
	// Notices are by the title of a problem.
	Notices map[string]string `json:"notices"`
}

// languages is read when a broker is made and not when the program starts,
// because most of its commands are no broker.
var languages = sync.OnceValue(func() map[string]words {
	var table map[string]words
	content, err := pageFiles.ReadFile("page/texts.json")
	if err == nil {
		err = json.Unmarshal(content, &table)
	}
	if err != nil {
		panic(fmt.Sprintf("broker: the texts of the page: %v", err)) // embedded: cannot happen in a tested build
	}
	return table
})

// notice fills page/notice.html.
type notice struct {
	Lang, Title, Detail, Close string
}

// noticeFor puts a problem into the words of the person in whose window it
// happened.
func noticeFor(r *http.Request, p *problem) notice {
	lang := preferred(r.Header.Get("Accept-Language"))
	w := languages()[lang]
	return notice{
		Lang: lang, Title: w.Title, Close: w.Close,
		Detail: cmp.Or(w.Notices[p.Title], p.Detail, p.Title),
	}
}

// preferred returns the language of ours that the header (RFC 9110 section
// 12.5.4) likes best.
func preferred(header string) string {
	best, weight := defaultLanguage, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(part, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			parsed, err := strconv.ParseFloat(value, 64)
			if err != nil {
				continue
			}
			q = parsed
		}
		if _, ours := languages()[tag]; ours && q > weight && q <= 1 {
			best, weight = tag, q
		}
	}
	return best
}
