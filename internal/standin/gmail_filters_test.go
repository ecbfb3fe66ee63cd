package standin_test

import (
	"slices"
	"testing"

	"google.golang.org/api/gmail/v1"

	"linkmail/internal/standin"
)

func TestFilters(t *testing.T) {
	s := play(t, standin.Config{}, standin.ScopeModify, standin.ScopeSettings)
	filters := s.users.Settings.Filters
	rule := func(change func(*gmail.Filter)) *gmail.Filter {
		f := &gmail.Filter{
			Criteria: &gmail.FilterCriteria{From: "shop.example", Subject: "order"},
			Action:   &gmail.FilterAction{AddLabelIds: []string{"Label_4", "STARRED"}, RemoveLabelIds: []string{"INBOX", "UNREAD"}},
		}
		if change != nil {
			change(f)
		}
		return f
	}
	made, err := filters.Create("me", rule(nil)).Do()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := filters.Get("me", made.Id).Do(); err != nil || got.Criteria.From != "shop.example" {
		t.Errorf("%v: got %+v", err, got)
	}
	if l, err := filters.List("me").Do(); err != nil || len(l.Filter) != 1 || l.Filter[0].Id != made.Id {
		t.Errorf("%v: list %+v", err, l)
	}

	for name, one := range map[string]struct {
		change  func(*gmail.Filter)
		message string
	}{
		"a second one of the same":     {nil, "Filter already exists"},
		"no criteria":                  {func(f *gmail.Filter) { f.Criteria = nil }, "criteria"},
		"no action":                    {func(f *gmail.Filter) { f.Action = nil }, "actions"},
		"a forwarding address":         {func(f *gmail.Filter) { f.Action.Forward = "x@example.com" }, "Unrecognized forwarding address"},
		"a label that does not exist":  {func(f *gmail.Filter) { f.Action.AddLabelIds = []string{"Label_99"} }, "Invalid label"},
		"two labels of the user's":     {func(f *gmail.Filter) { f.Action.AddLabelIds = []string{"Label_1", "Label_2"} }, "more than one"},
		"the inbox as a label":         {func(f *gmail.Filter) { f.Action.AddLabelIds = []string{"INBOX"} }, "Invalid label"},
		"removing a label of the user": {func(f *gmail.Filter) { f.Action.RemoveLabelIds = []string{"Label_1"} }, "Invalid label"},
		"a size of no kind":            {func(f *gmail.Filter) { f.Criteria.Size, f.Criteria.SizeComparison = 1, "about" }, "size_comparison"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := filters.Create("me", rule(one.change)).Do()
			wantError(t, err, 400, one.message)
		})
	}

	labels := func(subject string) []string {
		id := s.Deliver(standin.DefaultUser, []byte("From: a@shop.example\r\nSubject: "+subject+"\r\n\r\n"))
		m, err := s.users.Messages.Get("me", id).Format("minimal").Do()
		if err != nil {
			t.Fatal(err)
		}
		return m.LabelIds
	}
	if got := labels("Your order"); !slices.Contains(got, "Label_4") || !slices.Contains(got, "STARRED") || slices.Contains(got, "INBOX") {
		t.Errorf("a mail that the filter is for has %v", got)
	}
	if got := labels("Hello"); !slices.Contains(got, "INBOX") || slices.Contains(got, "Label_4") {
		t.Errorf("another mail has %v", got)
	}

	if err := filters.Delete("me", made.Id).Do(); err != nil {
		t.Fatal(err)
	}
	wantError(t, filters.Delete("me", made.Id).Do(), 404, "")
	_, err = filters.Get("me", made.Id).Do()
	wantError(t, err, 404, "")
}

func TestChangingSettingsNeedsAScopeOfItsOwn(t *testing.T) {
	s := play(t, standin.Config{}, standin.ScopeMail)
	if _, err := s.users.Settings.Filters.List("me").Do(); err != nil {
		t.Errorf("list: %v", err)
	}
	if _, err := s.users.Settings.GetVacation("me").Do(); err != nil {
		t.Errorf("vacation: %v", err)
	}
	_, err := s.users.Settings.Filters.Create("me", &gmail.Filter{}).Do()
	wantError(t, err, 403, "insufficient authentication scopes")
	wantError(t, s.users.Settings.Filters.Delete("me", "x").Do(), 403, "")
	_, err = s.users.Settings.UpdateVacation("me", &gmail.VacationSettings{}).Do()
	wantError(t, err, 403, "")
}

func TestVacation(t *testing.T) {
	s := play(t, standin.Config{}, standin.ScopeSettings)
	settings := s.users.Settings
	if v, err := settings.GetVacation("me").Do(); err != nil || v.EnableAutoReply {
		t.Errorf("%v: at first %+v", err, v)
	}
	_, err := settings.UpdateVacation("me", &gmail.VacationSettings{EnableAutoReply: true}).Do()
	wantError(t, err, 400, "nonempty")
	_, err = settings.UpdateVacation("me", &gmail.VacationSettings{EnableAutoReply: true, ResponseSubject: "Away", StartTime: 2000, EndTime: 1000}).Do()
	wantError(t, err, 400, "precede")
	if _, err := settings.UpdateVacation("me", &gmail.VacationSettings{EnableAutoReply: true, ResponseBodyPlainText: "p", ResponseBodyHtml: "<p>h</p>", StartTime: 1000, RestrictToContacts: true}).Do(); err != nil {
		t.Fatal(err)
	}
	v, err := settings.GetVacation("me").Do()
	if err != nil || !v.EnableAutoReply || v.StartTime != 1000 || !v.RestrictToContacts || v.ResponseBodyHtml != "<p>h</p>" || v.ResponseBodyPlainText != "" {
		t.Errorf("%v: then %+v", err, v)
	}
}

func TestLabelColorsComeFromThePalette(t *testing.T) {
	s := play(t, standin.Config{})
	for _, c := range []gmail.LabelColor{
		{TextColor: "#ffffff", BackgroundColor: "#123456"}, {TextColor: "#000000"}, {BackgroundColor: "red", TextColor: "#000000"},
	} {
		_, err := s.users.Labels.Patch("me", "Label_1", &gmail.Label{Color: &c}).Do()
		wantError(t, err, 400, "color palette")
	}
	if _, err := s.users.Labels.Patch("me", "Label_1", &gmail.Label{Color: &gmail.LabelColor{TextColor: "#ffffff", BackgroundColor: "#16a766"}}).Do(); err != nil {
		t.Error(err)
	}
}
