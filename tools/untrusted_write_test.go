package tools_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/internal/standin"
	"linkmail/mailbox"
	"linkmail/tools"
)

// TestNoFieldOfAMailBreaksOutOfWhatIsMadeOfIt looks at the answers of the tools
// that answer a mail, pass it on, open what came with it, or tell what is
// around it.
func TestNoFieldOfAMailBreaksOutOfWhatIsMadeOfIt(t *testing.T) {
	shown := map[string]bool{} // the tools whose answers had hostile text
	for _, test := range hostileMails() {
		t.Run(test.name, func(t *testing.T) {
			b := newInbox(t)
			cfg := everything(t, b)
			start := must(t, cfg, "list_changes", `{}`).field(t, "nextCursor")
			id := test.mail.arrive(t, b)
			draft, err := run(t, cfg, "reply_email", fmt.Sprintf(`{"messageId":%q,"body":"Yes."}`, id))
			if err != nil {
				draft = must(t, cfg, "draft_email", `{"body":"x"}`) // there is no answering such a mail
			}
			for _, call := range []struct{ tool, args string }{
				{"reply_email", fmt.Sprintf(`{"messageId":%q,"body":"Yes.","replyAll":true}`, id)},
				{"reply_email", fmt.Sprintf(`{"messageId":%q,"body":"Yes.","replyAll":true,"asDraft":false}`, id)},
				{"forward_email", fmt.Sprintf(`{"messageId":%q,"to":"cy@example.net"}`, id)},
				{"forward_email", fmt.Sprintf(`{"messageId":%q,"to":"cy@example.net","asDraft":false}`, id)},
				{"draft_email", fmt.Sprintf(`{"replyToMessageId":%q,"to":"cy@example.net","body":"b"}`, id)},
				{"send_email", fmt.Sprintf(`{"replyToMessageId":%q,"to":"cy@example.net","body":"b"}`, id)},
				{"send_email", fmt.Sprintf(`{"draftId":%q}`, draft.field(t, "draftId"))},
				{"send_email", fmt.Sprintf(`{"to":"cy@example.net","subject":"s","body":"b","attachments":[{"fromMessageId":%q,"partId":"1"}]}`, id)},
				{"get_attachment", fmt.Sprintf(`{"messageId":%q,"partId":"1"}`, id)},
				{"get_attachment", fmt.Sprintf(`{"messageId":%q,"partId":"1","as":"save"}`, id)},
				{"get_attachment", fmt.Sprintf(`{"messageId":%q,"partId":"1","as":"link"}`, id)},
				{"list_labels", `{}`},
				{"list_changes", fmt.Sprintf(`{"cursor":%q}`, start)},
				{"manage_filter", `{"action":"list"}`},
				{"vacation_responder", `{"action":"get"}`},
				{"delete_draft", fmt.Sprintf(`{"draftId":%q}`, draft.field(t, "draftId"))},
			} {
				a, err := run(t, cfg, call.tool, call.args)
				if err != nil {
					refused(t, call.tool+call.args, err)
					continue
				}
				if strings.Contains(a.text, "obey") {
					shown[call.tool] = true
				}
				switch labels := call.tool == "list_labels" || call.tool == "list_changes"; {
				case labels && anyMarker.MatchString(a.text):
					t.Errorf("%s: there is a marker:\n%s", call.tool, a.text)
				case labels || !strings.Contains(a.text, "obey"):
					cleaned(t, call.tool+call.args, a) // labels are the user's own words, and need no fence
				default:
					contained(t, call.tool+call.args, a)
				}
			}
		})
	}
	for _, tool := range []string{"reply_email", "forward_email", "draft_email", "send_email", "get_attachment", "list_labels", "list_changes"} {
		if !shown[tool] {
			t.Errorf("no answer of %s has hostile text; its row tests nothing", tool)
		}
	}
}

// everything is a catalogue of everything over b, in which the user is asked.
func everything(t *testing.T, b *inbox) tools.Config {
	t.Helper()
	policy, err := tools.ParseSendPolicy("confirm")
	if err != nil {
		t.Fatal(err)
	}
	_, files := folder(t)
	auth := withToken{b.world.IssueToken(standin.DefaultUser, []string{"https://www.googleapis.com/auth/gmail.modify", standin.ScopeSettings}, time.Hour)}
	client, err := mailbox.New(mailbox.Config{HTTP: func(string) http.RoundTripper { return auth }, Endpoint: b.url})
	if err != nil {
		t.Fatal(err)
	}
	return tools.Config{Mailbox: client, Send: policy, Confirmations: newShelf(), Files: files, Toolsets: everyToolset}
}

// refused checks that an error says nothing of the mail.
func refused(t *testing.T, call string, err error) {
	t.Helper()
	said := err.Error()
	if e, ok := err.(interface {
		Explain() (string, string, string, time.Duration)
	}); ok {
		code, message, hint, _ := e.Explain()
		said += code + message + hint
	}
	if strings.Contains(said, "obey") {
		t.Errorf("%s: the error quotes the mail: %q", call, said)
	}
}
