package standin

// The OAuth scopes that the stand-in tells apart.
const (
	ScopeMail     = "https://mail.google.com/"
	ScopeReadonly = "https://www.googleapis.com/auth/gmail.readonly"
	ScopeModify   = "https://www.googleapis.com/auth/gmail.modify"
	ScopeCompose  = "https://www.googleapis.com/auth/gmail.compose"
	ScopeSend     = "https://www.googleapis.com/auth/gmail.send"
	ScopeMetadata = "https://www.googleapis.com/auth/gmail.metadata"
	ScopeLabels   = "https://www.googleapis.com/auth/gmail.labels"
	ScopeSettings = "https://www.googleapis.com/auth/gmail.settings.basic"
)

// What each group of methods accepts, as the discovery document of the API
// lists it.
var (
	profileScopes     = []string{ScopeMail, ScopeCompose, ScopeMetadata, ScopeModify, ScopeReadonly}
	messageReadScopes = []string{ScopeMail, ScopeMetadata, ScopeModify, ScopeReadonly}
	contentScopes     = []string{ScopeMail, ScopeModify, ScopeReadonly}
	modifyScopes      = []string{ScopeMail, ScopeModify}
	sendScopes        = []string{ScopeMail, ScopeCompose, ScopeModify, ScopeSend}
	draftReadScopes   = []string{ScopeMail, ScopeCompose, ScopeModify, ScopeReadonly}
	draftWriteScopes  = []string{ScopeMail, ScopeCompose, ScopeModify}
	labelReadScopes   = []string{ScopeMail, ScopeLabels, ScopeMetadata, ScopeModify, ScopeReadonly}
	labelWriteScopes  = []string{ScopeMail, ScopeLabels, ScopeModify}
	settingsScopes    = []string{ScopeMail, ScopeModify, ScopeReadonly, ScopeSettings}
	// Not even the scope for everything covers these.
	settingsWriteScopes = []string{ScopeSettings}
)
