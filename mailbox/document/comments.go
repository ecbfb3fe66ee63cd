package document

import (
	"strings"
	"unicode/utf8"
)

// comments returns what is said about the cells of a sheet, a line each, behind
// the name of the cell. Excel keeps conversations apart, and writes them a
// second time as notes for older programs; these are left out then.
func (a *archive) comments(sheet string, room int) (string, error) {
	relations := a.relations(sheet)
	part := related(relations, "threadedComment")
	if part == "" {
		part = related(relations, "comments")
	}
	if part == "" {
		return "", nil
	}
	var out, one strings.Builder
	cell, inText, written := "", false, 0
	err := a.visit(part, visitor{
		start: func(name string, attr attributes) {
			switch name {
			case "comment", "threadedComment":
				cell = attr.get("ref")
				one.Reset()
			case "text", "t":
				inText = true
			}
		},
		end: func(name string) {
			switch name {
			case "text", "t":
				inText = false
			case "comment", "threadedComment":
				if s := strings.Join(strings.Fields(one.String()), " "); s != "" {
					line := strings.TrimPrefix(cell+": "+s, ": ") + "\n"
					out.WriteString(line)
					written += utf8.RuneCountInString(line)
				}
			}
		},
		text: func(s string) {
			if inText {
				one.WriteString(s)
			}
		},
		full: func() bool { return written > room },
	})
	said := ""
	if out.Len() > 0 {
		said = "\nComments:\n" + out.String()
	}
	if err == nil {
		return said, nil
	}
	if err = reason(err); err != ErrDamaged { //nolint:errorlint // reason returns it bare
		return "", err
	}
	return said + "[the comments of this sheet are damaged]\n", nil
}
