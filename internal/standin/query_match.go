package standin

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// queryEnv is what a query is asked against, apart from the message.
type queryEnv struct {
	now    time.Time
	own    map[string]bool     // the user's addresses, in lower case
	labels map[string][]string // dashed name -> label ids
	user   []string            // ids of the user's own labels
}

// queryEnv snapshots the mailbox; the caller holds the lock.
func (b *inbox) queryEnv(now time.Time) queryEnv {
	env := queryEnv{now: now, own: map[string]bool{}, labels: map[string][]string{}}
	for _, s := range b.senders {
		if b.own(s.Address) {
			env.own[strings.ToLower(s.Address)] = true
		}
	}
	for _, l := range b.labels {
		env.labels[dashed(l.name)] = append(env.labels[dashed(l.name)], l.id)
		if !l.system {
			env.user = append(env.user, l.id)
		}
	}
	return env
}

// dashed is the form of a label's name that queries use.
func dashed(name string) string {
	return strings.NewReplacer(" ", "-", "/", "-", "&", "-", "(", "-", ")", "-").Replace(strings.ToLower(name))
}

// wordIndex is a message cut into words, by field.
type wordIndex struct {
	subject, from, list, body []string
	to, cc, bcc, delivered    []string
	fromAddress               []string
	toAddress, ccAddress      []string
	bccAddress                []string
	files                     [][]string
	links                     []string // what the body links to: drive, youtube, ...
	messageID                 string
	hasFile                   bool
}

func indexWords(root *node) *wordIndex {
	w := &wordIndex{}
	for _, f := range root.header {
		v := decodeHeader(f.value)
		switch strings.ToLower(f.name) {
		case "subject":
			w.subject = append(w.subject, tokens(v)...)
		case "from":
			w.from, w.fromAddress = append(w.from, tokens(v)...), append(w.fromAddress, addresses(f.value)...)
		case "to":
			w.to, w.toAddress = append(w.to, tokens(v)...), append(w.toAddress, addresses(f.value)...)
		case "cc":
			w.cc, w.ccAddress = append(w.cc, tokens(v)...), append(w.ccAddress, addresses(f.value)...)
		case "bcc":
			w.bcc, w.bccAddress = append(w.bcc, tokens(v)...), append(w.bccAddress, addresses(f.value)...)
		case "delivered-to":
			w.delivered = append(w.delivered, strings.ToLower(v))
		case "list-id":
			w.list = append(w.list, tokens(v)...)
		case "message-id":
			w.messageID = strings.Trim(v, "<> ")
		}
	}
	plain, markup := root.bodies()
	for kind, hosts := range links {
		if slices.ContainsFunc(hosts, func(h string) bool { return strings.Contains(plain, h) || strings.Contains(markup, h) }) {
			w.links = append(w.links, kind)
		}
	}
	w.body = append(tokens(plain), tokens(htmlText(markup, 0))...)
	root.walk(func(n *node) bool {
		if n.filename != "" {
			w.files = append(w.files, tokens(n.filename))
		}
		w.hasFile = w.hasFile || n.isFile()
		return n.mediaType != "message/rfc822"
	})
	return w
}

// addresses returns the bare addresses of a header field, in lower case.
func addresses(v string) []string {
	var out []string
	parser := mail.AddressParser{WordDecoder: &words}
	list, err := parser.ParseList(v)
	if err != nil {
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",;<> \t\"", r) }) {
			if strings.Contains(part, "@") {
				out = append(out, strings.ToLower(part))
			}
		}
		return out
	}
	for _, a := range list {
		out = append(out, strings.ToLower(a.Address))
	}
	return out
}

// hasPhrase reports whether the words stand in the text, one after another.
func hasPhrase(text, phrase []string) bool {
	if len(phrase) == 0 {
		return false
	}
	for i := 0; i+len(phrase) <= len(text); i++ {
		if text[i] == phrase[0] && slices.Equal(text[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}

// condition is the term for one value of one operator; no operator looks
// everywhere. A value that the operator cannot read makes the whole a phrase.
func condition(operator, value string) term {
	words := tokens(value)
	index := func(f func(*wordIndex) bool) term {
		return predicate(func(_ *queryEnv, r *row) bool { return f(r.open().words) })
	}
	switch operator {
	case "":
		if len(words) == 0 {
			return allOf{} // nothing but punctuation asks for nothing
		}
		return index(func(w *wordIndex) bool { return w.anywhere(words) })
	case "subject":
		return index(func(w *wordIndex) bool { return hasPhrase(w.subject, words) })
	case "from", "to", "cc", "bcc":
		return party(operator, value)
	case "list":
		return index(func(w *wordIndex) bool { return hasPhrase(w.list, words) })
	case "deliveredto":
		return index(func(w *wordIndex) bool {
			return slices.Contains(w.delivered, strings.ToLower(strings.Trim(value, "<>")))
		})
	case "rfc822msgid":
		return index(func(w *wordIndex) bool { return w.messageID == strings.Trim(value, "<>") })
	case "filename":
		return index(func(w *wordIndex) bool {
			return slices.ContainsFunc(w.files, func(name []string) bool { return hasPhrase(name, words) })
		})
	case "label", "in", "is", "has", "category":
		return place(operator, strings.ToLower(value))
	}
	if t := measure(operator, value); t != nil {
		return t
	}
	return condition("", operator+" "+value)
}

// anywhere looks for a phrase where a bare word is looked for.
func (w *wordIndex) anywhere(phrase []string) bool {
	for _, text := range [][]string{w.subject, w.from, w.to, w.cc, w.body} {
		if hasPhrase(text, phrase) {
			return true
		}
	}
	return slices.ContainsFunc(w.files, func(name []string) bool { return hasPhrase(name, phrase) })
}

// near finds two phrases at most n words apart.
func near(a, b []string, n int, ordered bool) term {
	return predicate(func(_ *queryEnv, r *row) bool {
		w := r.open().words
		for _, text := range [][]string{w.subject, w.body} {
			for i := range text {
				if len(a) == 0 || !hasPhrase(text[i:min(i+len(a), len(text))], a) {
					continue
				}
				after := text[i+len(a) : min(i+len(a)+n+len(b), len(text))]
				before := text[max(0, i-n-len(b)):i]
				if hasPhrase(after, b) || !ordered && hasPhrase(before, b) {
					return true
				}
			}
		}
		return false
	})
}

// party looks for a person. A whole address must be equal; anything else is
// looked for among the words of names and addresses.
func party(field, value string) term {
	value = strings.ToLower(strings.Trim(value, "<>"))
	phrase := tokens(value)
	local, domain, isAddress := strings.Cut(value, "@")
	isAddress = isAddress && local != "" && local != "*" && strings.Contains(domain, ".")
	return predicate(func(env *queryEnv, r *row) bool {
		text, bare := r.open().words.party(field)
		switch {
		case value == "me":
			return slices.ContainsFunc(bare, func(a string) bool { return env.own[a] })
		case isAddress:
			return slices.Contains(bare, value)
		}
		return hasPhrase(text, phrase)
	})
}

// party returns the words and the addresses of a field. What Gmail calls "to"
// is everyone a message went to.
func (w *wordIndex) party(field string) (text, bare []string) {
	switch field {
	case "from":
		return w.from, w.fromAddress
	case "cc":
		return w.cc, w.ccAddress
	case "bcc":
		return w.bcc, w.bccAddress
	}
	return slices.Concat(w.to, w.cc, w.bcc), slices.Concat(w.toAddress, w.ccAddress, w.bccAddress)
}
