package standin_test

import (
	"testing"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

func TestLabels(t *testing.T) {
	s := play(t, standin.Config{})
	l, err := s.users.Labels.List("me").Do()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, x := range l.Labels {
		ids[x.Name] = x.Id
		if x.MessagesTotal != 0 {
			t.Error("the list counts")
		}
	}
	if ids["INBOX"] != "INBOX" || ids["Clients/Bluefin Media"] != "Label_3" || ids["Kunden/Köln"] == "" {
		t.Errorf("labels %v", ids)
	}
	inbox, err := s.users.Labels.Get("me", "INBOX").Do()
	if err != nil || inbox.MessagesTotal != int64(len(s.find(t, "in:inbox"))) || inbox.MessagesUnread == 0 || inbox.ThreadsTotal >= inbox.MessagesTotal || inbox.Type != "system" {
		t.Errorf("%v: inbox %+v", err, inbox)
	}

	made, err := s.users.Labels.Create("me", &gmail.Label{Name: "Kunden/Kiel", LabelListVisibility: "labelShowIfUnread", Color: &gmail.LabelColor{TextColor: "#000000", BackgroundColor: "#ffffff"}}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if made.Id != "Label_10" || made.Type != "user" || made.LabelListVisibility != "labelShowIfUnread" || made.Color == nil {
		t.Errorf("made %+v", made)
	}
	_, err = s.users.Labels.Create("me", &gmail.Label{Name: "kunden/KIEL"}).Do()
	wantError(t, err, 409, "Label name exists or conflicts")
	_, err = s.users.Labels.Create("me", &gmail.Label{Name: "inbox"}).Do()
	wantError(t, err, 400, "Invalid label name")
	_, err = s.users.Labels.Create("me", &gmail.Label{}).Do()
	wantError(t, err, 400, "Invalid label name")
	_, err = s.users.Labels.Create("me", &gmail.Label{Name: "x", LabelListVisibility: "sometimes"}).Do()
	wantError(t, err, 400, "label_list_visibility")

	id := s.find(t, "in:inbox")[0]
	if _, err := s.users.Messages.Modify("me", id, &gmail.ModifyMessageRequest{AddLabelIds: []string{made.Id}}).Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.users.Labels.Update("me", made.Id, &gmail.Label{Name: "Kunden/Flensburg"}).Do(); err != nil {
		t.Fatal(err)
	}
	if got := s.find(t, "label:kunden-flensburg"); len(got) != 1 || got[0] != id {
		t.Errorf("under the new name: %v", got)
	}
	if p, err := s.users.Labels.Patch("me", made.Id, &gmail.Label{MessageListVisibility: "hide"}).Do(); err != nil || p.Name != "Kunden/Flensburg" || p.MessageListVisibility != "hide" {
		t.Errorf("patched %v %+v", err, p)
	}
	_, err = s.users.Labels.Patch("me", made.Id, &gmail.Label{Name: "Clients"}).Do()
	wantError(t, err, 409, "")
	_, err = s.users.Labels.Patch("me", "INBOX", &gmail.Label{Name: "Eingang"}).Do()
	wantError(t, err, 400, "Invalid update request")
	if err := s.users.Labels.Delete("me", made.Id).Do(); err != nil {
		t.Fatal(err)
	}
	m, err := s.users.Messages.Get("me", id).Format("minimal").Do()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range m.LabelIds {
		if l == made.Id {
			t.Error("the message keeps a deleted label")
		}
	}
	wantError(t, s.users.Labels.Delete("me", made.Id).Do(), 404, "")
	wantError(t, s.users.Labels.Delete("me", "INBOX").Do(), 400, "Invalid delete request")
	_, err = s.users.Labels.Get("me", made.Id).Do()
	wantError(t, err, 404, "")
}
