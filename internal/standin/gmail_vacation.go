package standin

// vacationJSON is a VacationSettings.
type vacationJSON struct {
	Enabled  bool   `json:"enableAutoReply"`
	Subject  string `json:"responseSubject,omitempty"`
	Plain    string `json:"responseBodyPlainText,omitempty"`
	HTML     string `json:"responseBodyHtml,omitempty"`
	Contacts bool   `json:"restrictToContacts"`
	Domain   bool   `json:"restrictToDomain"`
	// Start and End are milliseconds since 1970.
	Start int64 `json:"startTime,omitempty,string"`
	End   int64 `json:"endTime,omitempty,string"`
}

func getVacation(g *gmailState, c *call) (any, error) {
	var out vacationJSON
	err := g.inside(c, func(b *inbox) error {
		out = b.vacation
		return nil
	})
	return out, err
}

func updateVacation(g *gmailState, c *call) (any, error) {
	var in vacationJSON
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.Enabled && in.Subject == "" && in.Plain == "" && in.HTML == "":
		return nil, badRequest("Either the response subject or the response body must be nonempty")
	case in.Start != 0 && in.End != 0 && in.Start >= in.End:
		return nil, badRequest("Start time must precede end time")
	case in.HTML != "":
		in.Plain = "" // of the two, the HTML is kept
	}
	return in, g.inside(c, func(b *inbox) error {
		b.vacation = in
		return nil
	})
}

// SetVacationHTML makes the body of user's vacation responder HTML, as Gmail's
// own settings page does, and switches it on.
func (w *World) SetVacationHTML(user, subject, body string) {
	w.gmail.mu.Lock()
	defer w.gmail.mu.Unlock()
	w.gmail.box(user).vacation = vacationJSON{Enabled: true, Subject: subject, HTML: body}
}
