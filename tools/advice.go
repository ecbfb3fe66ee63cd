package tools

import "strings"

// advice is what to do instead of giving an argument that a tool does not
// have, where another argument or tool serves the purpose but means something
// else, so that it is no synonym. Left out, such an argument would change what
// the call does. The names are folded.
var advice = map[string]map[string]string{
	"search_emails": {
		"from": inQuery("from:anna"), "to": inQuery("to:anna"), "subject": inQuery("subject:report"), "label": inQuery("label:work"), "labels": inQuery("label:work"),
		"labelids": inQuery("label:work"), "folder": inQuery("in:inbox"), "unread": inQuery("is:unread"), "isunread": inQuery("is:unread"),
		"hasattachment": inQuery("has:attachment"), "hasattachments": inQuery("has:attachment"), "threadid": "Use get_thread, which reads a thread.", "messageid": "Use read_email, which reads a mail.",
	},
	"read_email": {
		"threadid": "Use get_thread, which reads a thread.", "query": "Use search_emails, which finds mail and names the ids.",
		"partid": "Use get_attachment, which opens one.", "draftid": "A search for in:draft names the messageId of a draft.",
	},
	"get_thread":     {"query": "Use search_emails, which finds mail and names the ids."},
	"get_attachment": {"threadid": "Give the messageId of the mail that has the attachment.", "path": `Give as: "save"; the name under which it was saved is in the answer.`},
	"modify_emails": {
		"read": oneAction("mark_read or mark_unread"), "unread": oneAction("mark_unread or mark_read"), "isread": oneAction("mark_read or mark_unread"),
		"starred": oneAction("star or unstar"), "star": oneAction("star or unstar"), "archive": oneAction("archive or unarchive"),
		"trash": "Use trash_emails, which can also restore.", "query": "Use search_emails, which finds the ids.",
	},
	"trash_emails": {
		"action": "Give restore: true to take mails out; without it they are moved there.",
		"query":  "Use search_emails, which finds the ids.",
	},
	"send_email": {
		"threadid": inThread, "inreplyto": inThread, "messageid": inThread, "asdraft": "Use draft_email, which saves a draft.", "draft": "Use draft_email, which saves a draft.",
		"confirm": confirming, "confirmed": confirming,
	},
	"draft_email": {"threadid": inThread, "inreplyto": inThread, "messageid": "Give replyToMessageId to stay in the thread of that mail, or draftId to change that draft."},
	"reply_email": {
		"threadid": "Give messageId: the mail of the thread that is answered.", "to": chosen, "subject": chosen, "cc": chosen, "bcc": chosen,
		"send": "Give asDraft: false to send it.", "htmlbody": "Give body as text or Markdown.", "confirm": confirming, "confirmed": confirming,
	},
	"forward_email": {
		"bcc": "Let it be a draft, and give draft_email its draftId and bcc.", "subject": "Let it be a draft, and give draft_email its draftId and subject.",
		"threadid": "Give messageId: the mail that is passed on.", "send": "Give asDraft: false to send it.", "confirm": confirming, "confirmed": confirming,
	},
	"manage_filter": {"forward": "Tell the user that forwarding is set up in Gmail's own settings.", "removelabels": "Give do, for example archive or mark_read."},
	"list_changes": {
		"since": sinceCursor, "after": sinceCursor, "date": sinceCursor, "days": sinceCursor, "newerthan": sinceCursor, "query": sinceCursor,
	},
	"attachments": {"filename": "Give partId, as read_email lists it.", "content": "Give path: the file has to be in the directory that LINKMAIL_DOWNLOADS names."},
}

const (
	inThread    = "Give replyToMessageId to stay in the thread of that mail."
	confirming  = "Give confirmationToken as the previous answer has it, once the user agreed."
	chosen      = "Recipients and subject come from the mail, with replyAll everybody's; draft_email with replyToMessageId leaves them to you."
	sinceCursor = "It goes on from a cursor only, the nextCursor of a previous answer. search_emails with after shows what came since a time."
)

func inQuery(example string) string { return "Write it into query, for example " + example + "." }

func oneAction(words string) string { return "Give action: " + words + "." }

// instead says what to do in place of giving the argument key to a tool, or to
// the elements of one of its arguments.
func instead(tool string, params []parameter, key string) string {
	owner, _, _ := strings.Cut(tool, "[")
	if hint := advice[owner][folded(key)]; hint != "" {
		return hint
	}
	meant := map[string]string{}
	var names []string
	for _, p := range params {
		for _, name := range append([]string{p.name}, synonyms[p.name]...) {
			meant[name] = p.name
			names = append(names, name)
		}
	}
	if near := nearest(key, names); near != "" {
		return "Did you mean " + meant[near] + "?"
	}
	return "If none of these says what you mean, " + owner + " cannot do it."
}
