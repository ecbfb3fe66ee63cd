package tools

import (
	"reflect"
	"strconv"
	"strings"
)

// A parameter is one argument of a tool, as the tags of its struct field
// declare it: json (the name), doc, enum, min, max, default, required.
type parameter struct {
	name     string
	kind     kind
	doc      string
	enum     []string
	min, max *int
	// byDefault is the default as JSON; empty if there is none.
	byDefault string
	required  bool
	// path leads to the field in the struct that is filled.
	path []int
	// fields are those of the objects in a list.
	fields []parameter
}

// kind is the JSON type of a parameter. Hardly any of them nests, because some
// models cannot fill in what nests.
type kind int

const (
	aString kind = iota
	anInteger
	aBoolean
	aList    // of strings
	aRecords // a list of objects that have only strings
)

func (k kind) String() string {
	return [...]string{"a string", "an integer", "true or false", "an array of strings", "an array of objects"}[k]
}

// parametersOf reads the parameters of an argument struct. A type or tag that
// it does not know is a programming error and panics when the catalogue is built.
func parametersOf(t reflect.Type) []parameter {
	var params []parameter
	for f := range fieldsOf(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := parameter{
			name:      name,
			doc:       f.Tag.Get("doc"),
			byDefault: f.Tag.Get("default"),
			required:  f.Tag.Get("required") == "true",
			min:       bound(f, "min"),
			max:       bound(f, "max"),
			path:      f.Index,
		}
		switch f.Type.Kind() {
		case reflect.String:
			p.kind = aString
		case reflect.Int:
			p.kind = anInteger
		case reflect.Bool:
			p.kind = aBoolean
		case reflect.Slice:
			p.kind = aList
			if f.Type.Elem().Kind() == reflect.Struct {
				p.kind, p.fields = aRecords, parametersOf(f.Type.Elem())
			}
		default:
			panic("tools: no argument can be a " + f.Type.String())
		}
		if s := f.Tag.Get("enum"); s != "" {
			p.enum = strings.Split(s, ",")
		}
		params = append(params, p)
	}
	return params
}

// call is what every tool takes: its own arguments, and which account is meant.
type call[In any] struct {
	In      In
	Account string `json:"account"`
}

// callParameters are those of a [call].
func callParameters[In any]() []parameter {
	params := parametersOf(reflect.TypeFor[In]())
	for i := range params {
		params[i].path = append([]int{0}, params[i].path...)
	}
	return append(params, parameter{name: "account", kind: aString, path: []int{1}})
}

func bound(f reflect.StructField, tag string) *int {
	s := f.Tag.Get(tag)
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("tools: tag " + tag + " of " + f.Name + " is no number")
	}
	return &n
}

// synonyms are names that models use for an argument out of habit, because
// other mail servers call it so. They are accepted silently. A name counts
// only in tools that have the argument. Case, "_" and "-" do not matter.
var synonyms = map[string][]string{
	"query":             {"q", "search", "searchquery", "filter"},
	"maxResults":        {"limit", "count", "pagesize", "max", "n", "top"},
	"pageToken":         {"cursor", "nextpagetoken", "token"},
	"includeSpamTrash":  {"includespam", "includetrash", "includespamandtrash"},
	"after":             {"since", "startdate", "datefrom"},
	"before":            {"until", "enddate", "dateto"},
	"timeZone":          {"tz", "zone"},
	"messageId":         {"id", "emailid", "mailid"},
	"threadId":          {"conversationid", "thread"},
	"order":             {"sort", "sortorder", "orderby"},
	"maxMessages":       {"limit", "count", "max", "maxresults", "n"},
	"messageIds":        {"ids", "emailids", "mailids", "messageid", "id"},
	"threadIds":         {"threadid", "threads"},
	"addLabels":         {"addlabelids", "addlabel", "labels", "labelids", "label"},
	"removeLabels":      {"removelabelids", "removelabel"},
	"restore":           {"untrash", "undelete", "recover"},
	"replyAll":          {"all", "replytoall"},
	"note":              {"body", "text", "comment", "message", "content", "notebody"},
	"fromMessageId":     {"messageid", "id", "emailid", "mailid"},
	"path":              {"file", "filepath"},
	"replyToMessageId":  {"inreplytomessageid", "replytoid"},
	"cursor":            {"nextcursor"},
	"filterId":          {"id"},
	"newName":           {"renameto"},
	"counts":            {"includecounts", "withcounts"},
	"format":            {"bodyformat"},
	"bodyOffset":        {"offset"},
	"maxBodyChars":      {"maxchars", "maxlength"},
	"to":                {"recipient", "recipients"},
	"body":              {"text", "content", "message", "textbody", "bodytext"},
	"htmlBody":          {"html", "bodyhtml"},
	"from":              {"sender", "fromaddress"},
	"partId":            {"part", "attachment", "attachmentid"},
	"filename":          {"name", "file", "attachmentname"},
	"as":                {"mode", "output", "format"},
	"page":              {"pagenumber", "startpage", "sheet", "slide"},
	"offset":            {"textoffset", "bodyoffset", "nextoffset"},
	"confirmationToken": {"token", "confirmation", "confirmtoken"},
}

// folded is a name without its spelling habits.
func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// nearest returns the name with the fewest edits to word, if it is near enough
// to be what was meant.
func nearest(word string, names []string) string {
	best, distance := "", 4
	for _, name := range names {
		if d := edits(folded(word), folded(name)); d < distance && d <= len(name)/2 {
			best, distance = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance. Its cost is bounded: a word that is much
// longer than any argument is not compared.
func edits(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
