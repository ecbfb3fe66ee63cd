package standin

// The Google client that a new World knows. It opens nothing but the stand-in.
const (
	DemoGoogleClientID     = "123456789-demo.apps.googleusercontent.com"
	DemoGoogleClientSecret = "GOCSPX-stand-in-that-opens-nothing" //nolint:gosec // and that is what it does
)

// Kinds of [GoogleProject.Type]. Every other one, an Android client for
// example, is refused at the authorization page.
const (
	GoogleDesktop = "desktop"
	GoogleWeb     = "web"
)

// GoogleProject is what a mail agent depends on in a Google Cloud project. A
// new World has one in which all is well.
type GoogleProject struct {
	ClientID string
	// ClientSecret is asked for at the token endpoint unless it is empty.
	ClientSecret string
	Name         string
	Type         string
	// RedirectURIs of a web client are compared byte for byte.
	RedirectURIs []string
	// Testing is the publishing status in which refresh tokens die after
	// seven days.
	Testing bool
	// TestUsers, unless empty, are the only accounts that may consent.
	TestUsers []string
	// GmailOff means that the Gmail API was never switched on in the project.
	GmailOff bool
}

// demoProject is the project's number, with which its clients' ids begin.
const demoProject = "123456789"

// gmailOff reports whether the project has no Gmail API.
func (w *World) gmailOff() bool {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	return w.google.project.GmailOff
}

func newGoogleState(w *World) *googleState {
	return &googleState{
		world: w,
		project: GoogleProject{
			ClientID: DemoGoogleClientID, ClientSecret: DemoGoogleClientSecret, Name: "linkmail", Type: GoogleDesktop,
		},
		flows: map[string]*googleFlow{}, codes: map[string]*googleFlow{}, grants: map[string]*googleGrant{},
		consented: map[string][]string{}, asked: map[string]int{},
	}
}

// Google runs f with the project's settings, which f may read and change. f
// must keep no reference to them and call no other method of the World.
func (w *World) Google(f func(*GoogleProject)) {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	f(&w.google.project)
}

// RevokeGoogle is the user removing the access of the project's client in the
// Google account: refresh tokens and access tokens die.
func (w *World) RevokeGoogle(user string) {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	w.google.revokeAccount(user)
}

// GoogleRefreshToken returns a refresh token as if user had just consented to
// scopes, so that a test can use up the account's hundred tokens.
func (w *World) GoogleRefreshToken(user string, scopes ...string) string {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	now := w.cfg.Now()
	return w.google.keep(&googleGrant{account: w.auth0.mustUser(user), scopes: scopes, issued: now, used: now})
}

// GoogleTokenRequests counts the requests to Google's token endpoint for one
// grant type that had the client's credentials right.
func (w *World) GoogleTokenRequests(grant string) int {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	return w.google.asked[grant]
}
