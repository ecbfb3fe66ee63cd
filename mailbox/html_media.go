package mailbox

import "strings"

// The window that media queries are asked about, in pixels: a mail is judged as
// a reader at a desk sees it.
const (
	screenWidth  = 1024
	screenHeight = 768
)

// atRuleApplies reports whether the rules in the block of an at-rule count.
func atRuleApplies(prelude string) bool {
	name, query := cutAny(strings.ToLower(unescapeCSS(prelude)), " \t\n\r\f(")
	switch name {
	case "@media":
		return mediaMatches(query)
	case "@container": // it may have a name
		return mediaMatches(query[max(0, strings.IndexByte(query, '(')):])
	case "@supports": // what a mail asks for, some program at a desk can
		return !strings.HasPrefix(strings.TrimSpace(query), "not") &&
			!strings.Contains(query, "-webkit-overflow-scrolling") && !strings.Contains(query, "-webkit-touch-callout") && !strings.Contains(query, "-ms-")
	case "@layer":
		return true
	}
	return false
}

// mediaMatches answers a list of media queries, in lower case. A feature that is
// not known is one that is not there.
func mediaMatches(list string) bool {
	list = strings.ReplaceAll(strings.Join(strings.Fields(list), " "), " or ", ",")
	for query := range splitOutside(list, ',') {
		query = strings.TrimPrefix(strings.TrimSpace(query), "only ")
		query, not := strings.CutPrefix(query, "not ")
		ok := true
		for term := range strings.SplitSeq(query, " and ") {
			ok = ok && mediaTermMatches(strings.TrimSpace(term))
		}
		if ok != not {
			return true
		}
	}
	return false
}

func mediaTermMatches(term string) bool {
	if term == "" || term == "all" || term == "screen" {
		return true
	}
	term, isFeature := strings.CutPrefix(term, "(")
	if !isFeature {
		return false
	}
	term = strings.TrimSpace(strings.TrimSuffix(term, ")"))
	if inner, nested := strings.CutPrefix(term, "("); nested {
		return mediaTermMatches("(" + inner)
	}
	if i := strings.IndexAny(term, "<>="); i >= 0 {
		return rangeMatches(term)
	}
	name, value, _ := strings.Cut(term, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch name {
	case "color", "min-color", "hover", "any-hover", "pointer", "any-pointer":
		return value != "none" && value != "coarse"
	case "orientation":
		return value == "landscape"
	case "prefers-color-scheme":
		return value == "light"
	case "-webkit-min-device-pixel-ratio", "min--moz-device-pixel-ratio":
		n, ok := numberOf(value)
		return ok && n <= 1
	}
	of, compared := mediaSizes[strings.Replace(strings.TrimPrefix(strings.TrimPrefix(name, "min-"), "max-"), "device-", "", 1)]
	px, valid := lengthOf(value, rootSize, screenWidth)
	switch {
	case !compared || value != "" && !valid:
		return false
	case value == "":
		return true
	case strings.HasPrefix(name, "min-"):
		return of >= px
	case strings.HasPrefix(name, "max-"):
		return of <= px
	}
	return of == px
}

var mediaSizes = map[string]float64{"width": screenWidth, "height": screenHeight}

// rangeMatches answers a feature in the form of a comparison, or of two.
func rangeMatches(term string) bool {
	words := strings.Fields(strings.NewReplacer("<=", " <= ", ">=", " >= ", "<", " < ", ">", " > ", "=", " = ").Replace(term))
	size := func(word string) (float64, bool) {
		if n, ok := mediaSizes[word]; ok {
			return n, true
		}
		return lengthOf(word, rootSize, screenWidth)
	}
	for i := 1; i+1 < len(words); i += 2 {
		a, known := size(words[i-1])
		b, valid := size(words[i+1])
		if !known || !valid {
			return false
		}
		if less, equal := strings.HasPrefix(words[i], "<"), strings.HasSuffix(words[i], "="); a == b && !equal || a < b && !less || a > b && (less || words[i] == "=") {
			return false
		}
	}
	return len(words) == 3 || len(words) == 5
}
