package standin

import (
	"slices"
	"time"
)

// Tenant runs f with the tenant's settings, which f may read and change. f must
// keep no reference to them and call no other method of the World.
func (w *World) Tenant(f func(*Tenant)) {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	f(&w.auth0.tenant)
}

// AllowCallback adds url to the application's allowed callback URLs.
func (w *World) AllowCallback(url string) {
	w.Tenant(func(t *Tenant) {
		if !slices.Contains(t.Application.Callbacks, url) {
			t.Application.Callbacks = append(t.Application.Callbacks, url)
		}
	})
}

// AddRefreshToken returns a refresh token as if the user with this e-mail
// address had just logged in without an audience. It panics if the tenant has
// no such user.
func (w *World) AddRefreshToken(user string) string {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	return w.auth0.startFamily(w.cfg.Now(), w.auth0.mustUser(user), "", oidcScopes)
}

// RevokeRefreshTokens makes every refresh token of user invalid.
func (w *World) RevokeRefreshTokens(user string) {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	sub := w.auth0.mustUser(user).Sub
	for _, rt := range w.auth0.refresh {
		if rt.family.sub == sub {
			rt.family.revoked = true
		}
	}
}

// RevokeRefreshToken makes one refresh token invalid, and those that descend
// from the same login.
func (w *World) RevokeRefreshToken(token string) {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	if rt := w.auth0.refresh[token]; rt != nil {
		rt.family.revoked = true
	}
}

// Connect puts the Google account of user into the vault as if the user had
// consented to scopes, by default those of the connection. It panics if the
// tenant has no such user or connection.
func (w *World) Connect(user, connection string, scopes ...string) {
	s := w.auth0
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c := s.mustUser(user), s.tenant.Connection(connection)
	if c == nil {
		panic("standin: no such connection: " + connection)
	}
	if len(scopes) == 0 {
		scopes = c.Scopes
	}
	s.consent(u.Email, "consent", scopes)
	s.store(u.Sub, newVaultAccount(w.cfg.Now(), connection, u.Email, scopes, c.OfflineAccess && !c.DevKeys))
}

// Disconnect empties the vault of every account of user at the connection.
func (w *World) Disconnect(user, connection string) {
	s := w.auth0
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.mustUser(user).Sub
	s.accounts[sub] = slices.DeleteFunc(s.accounts[sub], func(a *vaultAccount) bool {
		return a.connection == connection
	})
}

// Backdate makes the accounts of user at the connection older, as if they had
// been connected that much earlier.
func (w *World) Backdate(user, connection string, by time.Duration) {
	s := w.auth0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accountsOf(s.mustUser(user).Sub, connection) {
		a.created = a.created.Add(-by)
	}
}

// RevokeGrant is the user removing the application's access in the Google
// account: access tokens die, and the vault finds its refresh token dead. To
// kill the access tokens alone, use [World.RevokeTokens]; the vault then goes
// on handing out the dead token until it expires.
func (w *World) RevokeGrant(user, connection string) {
	s := w.auth0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accountsOf(s.mustUser(user).Sub, connection) {
		a.dead, a.token = true, ""
		delete(s.consented, a.google)
		w.RevokeTokens(a.google)
	}
}

// TokenRequests counts the requests to the token endpoint for one grant type
// that had the client's credentials right.
func (w *World) TokenRequests(grant string) int {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	return w.auth0.asked[grant]
}

// mustUser finds a user by e-mail address.
func (s *auth0State) mustUser(email string) TenantUser {
	u, ok := s.tenant.userByEmail(email)
	if !ok {
		panic("standin: no such user: " + email)
	}
	return u
}

// ConnectAccount is Connect for a Google account that is not the user's own,
// as when one person has several.
func (w *World) ConnectAccount(user, connection, google string, scopes ...string) {
	s := w.auth0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent(google, "consent", scopes)
	s.store(s.mustUser(user).Sub, newVaultAccount(w.cfg.Now(), connection, google, scopes, true))
}

// Accounts counts the accounts that user has connected at the connection.
func (w *World) Accounts(user, connection string) int {
	w.auth0.mu.Lock()
	defer w.auth0.mu.Unlock()
	return len(w.auth0.accountsOf(w.auth0.mustUser(user).Sub, connection))
}
