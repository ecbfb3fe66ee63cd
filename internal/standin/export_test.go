package standin

// Parts of the package that are tested, or fuzzed, directly.
var (
	ReadBatch    = readBatch
	ParseMail    = parseMail
	SelectFields = selectFields
	Tokens       = tokens
)

// RunQuery parses a query, asks it of the newest messages, at most limit of
// them, and returns how many match.
func (w *World) RunQuery(q string, limit int) int {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	b := w.gmail.box(DefaultUser)
	env := b.queryEnv(w.cfg.Now())
	parsed := parseQuery(q)
	n := 0
	for _, r := range b.newest()[:min(limit, len(b.rows))] {
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

// Running is how many calls of a user are inside at this moment.
func (w *World) Running(user string) int {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	if u := w.gmail.usage[user]; u != nil {
		return u.running
	}
	return 0
}

// Snippet is what Gmail shows of a parsed message.
func (n *node) Snippet() string { return n.snippet() }

// SomeMail returns seeded messages of every kind that are short enough to be
// seeds of a fuzz test.
func (w *World) SomeMail() [][]byte {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	var out [][]byte
	kinds := map[string]bool{}
	for _, r := range w.gmail.box(DefaultUser).newest() {
		if n := r.tree(); len(r.raw()) < 8000 && !kinds[n.mediaType+n.charset] {
			kinds[n.mediaType+n.charset] = true
			out = append(out, r.raw())
		}
	}
	return out
}
