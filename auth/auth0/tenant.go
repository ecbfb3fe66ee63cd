package auth0

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"linkmail/auth"
)

// The parts of a tenant, by the request that reads them.
type part int

const (
	partClient part = iota
	partConnection
	partEnabled
	partAPI
	partMyAccount
	partGrant
	partMFA
	partTenant
	// partNone is that of what a tenant does not hold.
	partNone
)

// Views of the Management API: only what is looked at.
type (
	clientView struct {
		AppType      string                     `json:"app_type"`
		FirstParty   *bool                      `json:"is_first_party"`
		Conformant   *bool                      `json:"oidc_conformant"`
		AuthMethod   string                     `json:"token_endpoint_auth_method"`
		GrantTypes   []string                   `json:"grant_types"`
		Callbacks    []string                   `json:"callbacks"`
		RefreshToken map[string]json.RawMessage `json:"refresh_token"`
	}
	refreshPolicy struct {
		Audience string   `json:"audience"`
		Scope    []string `json:"scope"`
	}
	active struct {
		Active *bool `json:"active"`
	}
	connectionView struct {
		ID                string  `json:"id"`
		Name              string  `json:"name"`
		Strategy          string  `json:"strategy"`
		Authentication    *active `json:"authentication"`
		ConnectedAccounts *active `json:"connected_accounts"`
		// Options are left out where the token lacks read:connections_options.
		Options *struct {
			ClientID string          `json:"client_id"`
			Offline  bool            `json:"offline_access"`
			Upstream json.RawMessage `json:"upstream_params"`
		} `json:"options"`
	}
	apiView struct {
		ID          string `json:"id"`
		Identifier  string `json:"identifier"`
		Offline     bool   `json:"allow_offline_access"`
		SkipConsent bool   `json:"skip_consent_for_verifiable_first_party_clients"`
		Policy      *struct {
			ID string `json:"policy_id"`
		} `json:"authorization_policy"`
	}
	grantView struct {
		ID       string   `json:"id"`
		Audience string   `json:"audience"`
		Scope    []string `json:"scope"`
		All      bool     `json:"allow_all_scopes"`
		Subject  string   `json:"subject_type"`
	}
)

// tenant is what was read of a tenant. A thing that does not exist is nil; a
// part that could not be read has an error.
type tenant struct {
	m          *Management
	client     *clientView
	connection *connectionView
	enabled    []string
	api, mine  *apiView
	grants     []grantView
	mfa        []string
	skipPage   bool
	unread     map[part]error
}

// read reads parts, again if they were read before. The error is one that
// makes further requests pointless.
func (t *tenant) read(ctx context.Context, parts ...part) error {
	for _, p := range parts {
		err := t.readPart(ctx, p)
		if failure, ok := errors.AsType[*auth.Failure](err); ok {
			return failure
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if t.unread[p] = err; err == nil {
			delete(t.unread, p)
		}
	}
	return nil
}

func (t *tenant) readPart(ctx context.Context, p part) error {
	m, get := t.m, t.get
	switch p {
	case partClient:
		t.client = nil
		const fields = "app_type,is_first_party,oidc_conformant,token_endpoint_auth_method,grant_types,callbacks,refresh_token"
		err := get(ctx, "read the application", "clients/"+url.PathEscape(m.cfg.ClientID)+"?fields="+url.QueryEscape(fields), &t.client)
		if err == nil && t.client == nil {
			err = notAuth0(answer{call: "read the application", status: http.StatusOK})
		}
		return err
	case partConnection:
		return t.readConnection(ctx)
	case partEnabled:
		return t.readEnabled(ctx)
	case partAPI:
		t.api = nil
		err := get(ctx, "read the API that AUTH0_AUDIENCE names", "resource-servers/"+url.PathEscape(m.cfg.Audience), &t.api)
		return existing(err)
	case partMyAccount:
		t.mine = nil
		return existing(get(ctx, "read the My Account API", "resource-servers/"+url.PathEscape(m.audience()), &t.mine))
	case partGrant:
		var list listOf[grantView]
		err := get(ctx, "read the client grants", "client-grants?"+url.Values{
			"client_id": {m.cfg.ClientID}, "audience": {m.audience()},
		}.Encode(), &list)
		t.grants = list
		return err
	case partMFA:
		t.mfa = nil
		return get(ctx, "read the multi-factor policies", "guardian/policies", &t.mfa)
	case partTenant:
		var in struct {
			Skip bool `json:"skip_non_verifiable_callback_uri_confirmation_prompt"`
		}
		err := get(ctx, "read the tenant's settings", "tenants/settings", &in)
		t.skipPage = in.Skip
		return err
	}
	return nil
}

func (t *tenant) get(ctx context.Context, what, path string, out any) error {
	return t.m.call(ctx, what, http.MethodGet, path, nil, out)
}

// existing takes the absence of a thing for an answer.
func existing(err error) error {
	if missing(err) {
		return nil
	}
	return err
}

func (t *tenant) readConnection(ctx context.Context) error {
	t.connection = nil
	var list listOf[connectionView]
	err := t.get(ctx, "find the connection", "connections?"+url.Values{"name": {t.m.cfg.Connection}}.Encode(), &list)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(c connectionView) bool { return c.Name == t.m.cfg.Connection })
	if i < 0 {
		return nil
	}
	return t.get(ctx, "read the connection", "connections/"+url.PathEscape(list[i].ID), &t.connection)
}

// readEnabled lists the applications of the connection, at most 20 pages.
func (t *tenant) readEnabled(ctx context.Context) error {
	t.enabled = nil
	if t.connection == nil {
		return nil
	}
	query := url.Values{"take": {"50"}}
	for range 20 {
		var page struct {
			Clients []struct {
				ID string `json:"client_id"`
			} `json:"clients"`
			Next string `json:"next"`
		}
		path := "connections/" + url.PathEscape(t.connection.ID) + "/clients?" + query.Encode()
		if err := t.get(ctx, "read the connection's applications", path, &page); err != nil {
			return err
		}
		for _, c := range page.Clients {
			t.enabled = append(t.enabled, c.ID)
		}
		if page.Next == "" || slices.Contains(t.enabled, t.m.cfg.ClientID) {
			return nil
		}
		query.Set("from", page.Next)
	}
	return nil
}

// listOf decodes a list that may stand by itself or, with totals, as the one
// list of an object.
type listOf[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *listOf[T]) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return json.Unmarshal(data, (*[]T)(l))
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	for _, raw := range object {
		if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
			return json.Unmarshal(raw, (*[]T)(l))
		}
	}
	return nil
}

// policies reads the refresh token policies of the application.
func (c *clientView) policies() []refreshPolicy {
	var out []refreshPolicy
	if json.Unmarshal(c.RefreshToken["policies"], &out) != nil {
		return nil
	}
	return out
}

// word reads a text of refresh_token.
func (c *clientView) word(name string) string {
	var out string
	if json.Unmarshal(c.RefreshToken[name], &out) != nil {
		return ""
	}
	return out
}
