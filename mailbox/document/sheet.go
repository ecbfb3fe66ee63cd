package document

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxSheets bounds the sheets of a workbook, maxShared the texts that its
	// cells share and maxColumns the columns of a row. Excel has 16,384.
	maxSheets  = 500
	maxShared  = 2_000_000
	maxColumns = 16_384
	// maxGap is how many empty cells in a row are shown as such.
	maxGap = 64
)

// workbook reads a workbook (ECMA-376, SpreadsheetML): each sheet as rows of
// cells, with the values as they were last calculated, and its comments. Numbers are shown as
// dates, times and percentages where their format does so.
func (a *archive) workbook() (Text, error) {
	t := Text{Unit: "sheet"}
	main := a.main()
	type sheet struct {
		name, relation string
		hidden         bool
	}
	var sheets []sheet
	b := &book{}
	err := a.visit(main, visitor{start: func(name string, attr attributes) {
		switch name {
		case "workbookPr":
			b.mac = attr.get("date1904") != "" && attr.on("date1904")
		case "sheet":
			if len(sheets) < maxSheets {
				state := attr.get("state")
				sheets = append(sheets, sheet{attr.get("name"), relationID(attr), state == "hidden" || state == "veryHidden"})
			}
		}
	}})
	if err != nil {
		return Text{}, reason(err)
	}
	relations := a.relations(main)
	if err := a.shared(related(relations, "sharedStrings"), b); err != nil {
		return Text{}, err
	}
	if part := related(relations, "styles"); part != "" {
		if err := a.styles(part, b); err != nil {
			return Text{}, err
		}
	}
	chars, hiddenSheets := 0, 0
	for _, s := range sheets {
		r := &sheetReader{book: b, room: maxChars - chars}
		if err := a.visit(relations[s.relation].target, visitor{start: r.start, end: r.end, text: r.chars, full: r.full}); err != nil {
			if err = reason(err); err != ErrDamaged { //nolint:errorlint // reason returns it bare
				return Text{}, err
			}
			r.out.WriteString("[the rest of this sheet is damaged]\n")
		}
		said, err := a.comments(relations[s.relation].target, r.room-r.written)
		if err != nil {
			return Text{}, err
		}
		r.out.WriteString(said)
		if s.hidden {
			hiddenSheets++
			t.Hidden += utf8.RuneCountInString(r.out.String())
			continue
		}
		t.Hidden += r.hidden
		t.Total++
		if !t.Cut {
			t.page("Sheet: "+s.name+"\n"+r.out.String(), &chars)
		}
	}
	if hiddenSheets > 0 {
		t.note("%s hidden, and left out.", count(hiddenSheets, "sheet"))
	}
	return t, nil
}

// book is what the sheets of a workbook share.
type book struct {
	strings []string
	formats []numberFormat // by style
	mac     bool           // dates count from 1904
}

// shared reads the texts that cells refer to by number.
func (a *archive) shared(part string, b *book) error {
	if part == "" {
		return nil
	}
	var one strings.Builder
	inText, phonetic := false, false
	err := a.visit(part, visitor{
		start: func(name string, _ attributes) {
			switch name {
			case "si":
				one.Reset()
			case "rPh":
				phonetic = true
			case "t":
				inText = !phonetic
			}
		},
		end: func(name string) {
			switch name {
			case "si":
				b.strings = append(b.strings, one.String())
			case "rPh":
				phonetic = false
			case "t":
				inText = false
			}
		},
		text: func(s string) {
			if inText {
				one.WriteString(s)
			}
		},
		full: func() bool { return len(b.strings) >= maxShared },
	})
	if err != nil {
		return reason(err)
	}
	return nil
}

// sheetReader makes rows of a sheet.
type sheetReader struct {
	book *book
	out  strings.Builder
	room int // how many characters may still be written

	columns     []hiddenColumns
	rowHidden   bool
	cells       []string
	column      int // of the present cell, from 0
	kind, style string
	value       strings.Builder
	formula     strings.Builder
	inValue     bool
	inFormula   bool
	hidden      int
	written     int
}

type hiddenColumns struct{ first, last int }

func (r *sheetReader) full() bool { return r.written > r.room }

func (r *sheetReader) start(name string, attr attributes) {
	switch name {
	case "col":
		if attr.get("hidden") != "" && attr.on("hidden") && len(r.columns) < 1000 {
			r.columns = append(r.columns, hiddenColumns{int(integer(attr.get("min"))) - 1, int(integer(attr.get("max"))) - 1})
		}
	case "row":
		r.rowHidden = attr.get("hidden") != "" && attr.on("hidden")
		r.cells, r.column = r.cells[:0], -1
	case "c":
		r.kind, r.style = attr.get("t"), attr.get("s")
		r.column = columnOf(attr.get("r"), r.column+1)
		r.value.Reset()
		r.formula.Reset()
	case "v", "t":
		r.inValue = true
	case "f":
		r.inFormula = true
	}
}

func (r *sheetReader) chars(s string) {
	switch {
	case r.inValue:
		r.value.WriteString(s)
	case r.inFormula:
		r.formula.WriteString(s)
	}
}

func (r *sheetReader) end(name string) {
	switch name {
	case "v", "t":
		r.inValue = false
	case "f":
		r.inFormula = false
	case "c":
		r.cell(r.shown())
	case "row":
		line := strings.TrimRight(strings.Join(r.cells, " | "), " |")
		if line != "" {
			r.out.WriteString(line + "\n")
			r.written += utf8.RuneCountInString(line) + 1
		}
		r.cells = r.cells[:0]
	}
}

// cell puts a value into its column.
func (r *sheetReader) cell(shown string) {
	if shown == "" || r.column >= maxColumns {
		return
	}
	hidden := r.rowHidden
	for _, c := range r.columns {
		hidden = hidden || c.first <= r.column && r.column <= c.last
	}
	if hidden {
		r.hidden += utf8.RuneCountInString(shown)
		return
	}
	if gap := r.column - len(r.cells); gap > 0 && gap <= maxGap {
		r.cells = append(r.cells, make([]string, gap)...)
	}
	r.cells = append(r.cells, strings.Join(strings.Fields(shown), " "))
}

// shown returns the present cell as its reader sees it.
func (r *sheetReader) shown() string {
	value := r.value.String()
	if value == "" && r.formula.Len() > 0 { // it was never calculated
		return "=" + r.formula.String()
	}
	switch r.kind {
	case "s":
		if i := integer(value); i >= 0 && i < int64(len(r.book.strings)) && value != "" {
			return r.book.strings[i]
		}
		return ""
	case "b":
		if value == "1" {
			return "TRUE"
		}
		return "FALSE"
	case "str", "inlineStr", "e", "d":
		return value
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return value
	}
	format := numberFormat("")
	if i := integer(r.style); i >= 0 && i < int64(len(r.book.formats)) && r.style != "" {
		format = r.book.formats[i]
	}
	return format.show(n, r.book.mac)
}

// columnOf reads the column of a cell's name such as "AB12"; next if it has none.
func columnOf(name string, next int) int {
	n := 0
	for i := 0; i < len(name) && i < 4; i++ {
		c := name[i] | 0x20
		if c < 'a' || c > 'z' {
			break
		}
		n = n*26 + int(c-'a') + 1
	}
	if n == 0 {
		return next
	}
	return n - 1
}

// integer reads a number; 0 if it is none.
func integer(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0
	}
	return n
}
