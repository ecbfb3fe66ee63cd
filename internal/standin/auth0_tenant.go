package standin

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// The application, the API and the secret that a new tenant knows. The secret
// opens nothing but the stand-in.
const (
	DemoClientID     = "linkmail-demo"
	DemoClientSecret = "stand-in-secret-that-opens-nothing"
	DemoAudience     = "https://api.linkmail.example/"
)

// SecondUser is a user of the tenant besides [DefaultUser].
const SecondUser = "sam.okafor@example.com"

// MyAccount is the audience of the tenant's own My Account API. An audience
// that starts with a slash is completed with the address that the tenant is
// reached by, because a tenant cannot know beforehand which port it gets.
const MyAccount = "/me/"

// Grant types that [Application.GrantTypes] may hold.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
	// GrantVault is the Token Vault exchange.
	GrantVault = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
)

// Policies of [API.UserPolicy].
const (
	AllowAll           = "allow_all"
	RequireClientGrant = "require_client_grant"
	DenyAll            = "deny_all"
)

// Tenant is every setting of an Auth0 tenant that a mail agent depends on. A
// new World has one in which all is well; each field switched to something else
// makes the flow fail as it would at Auth0.
type Tenant struct {
	Application  Application
	Connections  []Connection
	APIs         []API
	MyAccount    MyAccountAPI
	ClientGrants []ClientGrant
	Users        []TenantUser
	// MFAAlways is the policy "Always" of multi-factor authentication: every
	// grant without a person present is answered mfa_required.
	MFAAlways bool
	// DenyText, unless empty, is what a post-login Action says as it denies
	// every login, refresh and exchange.
	DenyText string
	// RateLimit is how many requests a minute the token endpoint and the My
	// Account API take; zero means no limit.
	RateLimit int
	// GrantsAsClient is how many of the next user grants that the Management
	// API is given it stores for the application itself, as has been seen.
	GrantsAsClient int
	// PlainTickets makes tickets of letters and digits only, for clients that
	// paste them into a URL as they are.
	PlainTickets bool
}

// Application is the registered client.
type Application struct {
	ID, Secret, Name string
	// Type is regular_web, or spa or native, which are public clients.
	Type string
	// AuthMethod is token_endpoint_auth_method. client_secret_post and
	// client_secret_basic are interchangeable; none is a public client.
	AuthMethod string
	// FirstParty and OIDCConformant are what the Token Vault asks of a client.
	FirstParty, OIDCConformant bool
	GrantTypes                 []string
	// Callbacks are compared byte for byte.
	Callbacks    []string
	RefreshToken RefreshTokens
}

// RefreshTokens says how the application's refresh tokens behave.
type RefreshTokens struct {
	// Rotation gives a new refresh token at every use of the refresh grant and
	// kills the whole family when an old one is used again.
	Rotation bool
	// Leeway is how long the immediately previous token may still be used.
	Leeway time.Duration
	// Lifetime counts from the login, IdleLifetime from the last use of the
	// refresh grant. Zero means for ever.
	Lifetime, IdleLifetime time.Duration
	// Policies make multi-resource refresh tokens: which other audiences a
	// refresh token may be used for. A token issued before a policy existed
	// does not profit from it.
	Policies []RefreshPolicy
	// Strict answers invalid_target for an audience outside the policies. The
	// default is what is harder to notice: a token for the original audience.
	Strict bool
}

// RefreshPolicy allows refresh tokens to be used for one more audience.
type RefreshPolicy struct {
	Audience string
	Scopes   []string
}

// Connection is an identity provider that users log in with or connect.
type Connection struct {
	Name, Strategy string
	// Authentication is the purpose "log in", ConnectedAccounts the purpose
	// "Token Vault". A connection may have both.
	Authentication, ConnectedAccounts bool
	// Enabled says that the application may use the connection.
	Enabled bool
	// OfflineAccess asks the provider for a refresh token.
	OfflineAccess bool
	// DevKeys means Auth0's own provider keys, with which the vault stays empty.
	DevKeys bool
	// Scopes are asked for when a connect request names none.
	Scopes []string
	// ApprovalPrompt is an upstream parameter that Google does not take
	// together with the prompt of a connect request.
	ApprovalPrompt string
}

// API is a registered resource server.
type API struct {
	Identifier         string
	Scopes             []string
	AllowOfflineAccess bool
	// UserPolicy says which clients get tokens on behalf of users.
	UserPolicy string
}

// MyAccountAPI is the resource server through which users manage their account.
type MyAccountAPI struct {
	Active bool
	// SkipConsent lets first-party clients have tokens without a consent page,
	// which the refresh grant needs as it has no page to show.
	SkipConsent bool
	// Require2FA is the policy that refuses a refresh without a fresh second factor.
	Require2FA bool
	// DashboardOnly means that the Management API cannot activate it.
	DashboardOnly bool
}

// ClientGrant allows the application scopes of an API.
type ClientGrant struct {
	Audience string
	Scopes   []string
	// SubjectType is user or client. Only user counts for tokens of users.
	SubjectType string
}

// TenantUser can log in at the tenant. Email is also the name of the user's
// Google account.
type TenantUser struct {
	Email, Sub, Name string
}

// myAccountScopes are the scopes of the My Account API.
var myAccountScopes = []string{
	"create:me:connected_accounts",
	"read:me:connected_accounts",
	"delete:me:connected_accounts",
}

// oidcScopes belong to the tenant itself and need no API.
var oidcScopes = []string{"openid", "profile", "email", "offline_access"}

func newTenant() Tenant {
	return Tenant{
		Application: Application{
			ID: DemoClientID, Secret: DemoClientSecret, Name: "linkmail",
			Type: "regular_web", AuthMethod: "client_secret_post",
			FirstParty: true, OIDCConformant: true,
			GrantTypes: []string{GrantAuthorizationCode, GrantRefreshToken, GrantVault},
			RefreshToken: RefreshTokens{
				Policies: []RefreshPolicy{{Audience: MyAccount, Scopes: slices.Clone(myAccountScopes)}},
			},
		},
		Connections: []Connection{{
			Name: "google-oauth2", Strategy: "google-oauth2",
			Authentication: true, ConnectedAccounts: true, Enabled: true, OfflineAccess: true,
			Scopes: []string{"openid", "profile", "email"},
		}},
		APIs: []API{{
			Identifier: DemoAudience, Scopes: []string{"use:agent"},
			AllowOfflineAccess: true, UserPolicy: AllowAll,
		}},
		MyAccount: MyAccountAPI{Active: true, SkipConsent: true},
		ClientGrants: []ClientGrant{{
			Audience: MyAccount, Scopes: slices.Clone(myAccountScopes), SubjectType: "user",
		}},
		Users: []TenantUser{
			newTenantUser(DefaultUser, "Alex Rivera"),
			newTenantUser(SecondUser, "Sam Okafor"),
		},
	}
}

func newTenantUser(email, name string) TenantUser {
	return TenantUser{Email: email, Sub: "google-oauth2|" + googleSub(email), Name: name}
}

// googleSub is the 21-digit account number that Google would have for email.
func googleSub(email string) string {
	sum := sha256.Sum256([]byte(email))
	return fmt.Sprintf("1%020d", binary.BigEndian.Uint64(sum[:]))
}

// Connection returns the named connection, or nil.
func (t *Tenant) Connection(name string) *Connection {
	for i := range t.Connections {
		if t.Connections[i].Name == name {
			return &t.Connections[i]
		}
	}
	return nil
}

// API returns the API with exactly this identifier, or nil.
func (t *Tenant) API(identifier string) *API {
	for i := range t.APIs {
		if t.APIs[i].Identifier == identifier {
			return &t.APIs[i]
		}
	}
	return nil
}

// user returns the user for whom match holds.
func (t *Tenant) user(match func(TenantUser) bool) (TenantUser, bool) {
	i := slices.IndexFunc(t.Users, match)
	if i < 0 {
		return TenantUser{}, false
	}
	return t.Users[i], true
}

func (t *Tenant) userByEmail(email string) (TenantUser, bool) {
	return t.user(func(u TenantUser) bool { return u.Email == email })
}

func (t *Tenant) userBySub(sub string) (TenantUser, bool) {
	return t.user(func(u TenantUser) bool { return u.Sub == sub })
}
