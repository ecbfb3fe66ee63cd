package standin

// Parts of the package that are tested, or fuzzed, directly.
var (
	ReadBatch    = readBatch
	ParseMail    = parseMail
	SelectFields = selectFields
	Tokens       = tokens
)

// RunQuery parses a query and asks it of every seeded message.
func (w *World) RunQuery(q string) int {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	b := w.gmail.box(DefaultUser)
	env := b.queryEnv(w.cfg.Now())
	parsed := parseQuery(q)
	n := 0
	for _, r := range b.rows {
		if parsed.matches(&env, r) {
			n++
		}
	}
	return n
}

// FullMessage is the type that field selectors are checked against.
func FullMessage() any {
	name, id := "a.txt", "0"
	return messageJSON{
		ID: "1", ThreadID: "2", LabelIDs: []string{"INBOX"},
		Payload: &partJSON{
			MimeType: "multipart/mixed", Headers: []headerJSON{{"Subject", "x"}, {"From", "y"}},
			Parts: []partJSON{{PartID: &id, Filename: &name, Body: &bodyJSON{Size: 3, Data: "YWJj"}}},
		},
	}
}
