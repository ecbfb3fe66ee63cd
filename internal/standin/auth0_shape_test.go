package standin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A shape says what is wrong with a decoded JSON value, or nothing.
type shape func(v any) []string

// fields is an object with these fields and no other. A name that ends in "?"
// may be absent, which is not the same as null.
type fields map[string]shape

func (f fields) check(v any) []string {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf(": is %T, want an object", v)}
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		inner, known := f[name]
		if !known {
			inner, known = f[name+"?"]
		}
		if !known {
			wrong = append(wrong, "."+name+": is documented nowhere")
			continue
		}
		for _, w := range inner(m[name]) {
			wrong = append(wrong, "."+name+w)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if _, there := m[name]; !there && !strings.HasSuffix(name, "?") {
			wrong = append(wrong, "."+name+": is missing")
		}
	}
	return wrong
}

func wrongly(format string, args ...any) []string {
	return []string{": " + fmt.Sprintf(format, args...)}
}

// matching is a string of least to most characters that matches a pattern.
func matching(pattern string, least, most int) shape {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(v any) []string {
		s, ok := v.(string)
		switch {
		case !ok:
			return wrongly("is %T, want a string", v)
		case len(s) < least || len(s) > most:
			return wrongly("has %d characters, want %d to %d", len(s), least, most)
		case !re.MatchString(s):
			return wrongly("does not match %s", pattern)
		}
		return nil
	}
}

func oneOf(words ...string) shape {
	return func(v any) []string {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return wrongly("is %v, want one of %q", v, words)
		}
		return nil
	}
}

func list(of shape) shape {
	return func(v any) []string {
		items, ok := v.([]any)
		if !ok {
			return wrongly("is %T, want a list", v)
		}
		var wrong []string
		for i, item := range items {
			for _, w := range of(item) {
				wrong = append(wrong, fmt.Sprintf("[%d]%s", i, w))
			}
		}
		return wrong
	}
}

// number is a whole number of least to most.
func number(least, most float64) shape {
	return func(v any) []string {
		n, ok := v.(float64)
		if !ok || n != math.Trunc(n) || n < least || n > most {
			return wrongly("is %v, want a whole number of %v to %v", v, least, most)
		}
		return nil
	}
}

func boolean(v any) []string {
	if _, ok := v.(bool); !ok {
		return wrongly("is %T, want a boolean", v)
	}
	return nil
}

func address(v any) []string {
	s, _ := v.(string)
	if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme == "" || u.RawQuery != "" {
		return wrongly("is %v, want an address", v)
	}
	return nil
}

func instant(v any) []string {
	s, _ := v.(string)
	if _, err := time.Parse(time.RFC3339, s); err != nil || !strings.HasSuffix(s, "Z") {
		return wrongly("is %v, want a time in UTC", v)
	}
	return nil
}

// anything is an object whose fields are another's business.
func anything(v any) []string {
	if _, ok := v.(map[string]any); !ok {
		return wrongly("is %T, want an object", v)
	}
	return nil
}

var (
	text     = matching(`(?s).+`, 1, 4096)
	texts    = list(text)
	jwt      = matching(`[\w-]+\.[\w-]+\.[\w-]+`, 20, 8192)
	seconds  = number(0, 31557600)
	scopeSet = matching(`\S+( \S+)*`, 1, 4096)
	grants   = list(matching(`[a-z_]+|password|urn:\S+|http://auth0\.com/\S+`, 1, 200))
)

// The answers of the token endpoint: RFC 6749 section 5.1, with what Auth0 adds.
var (
	loginAnswer = fields{
		"access_token": text, "token_type": oneOf("Bearer"), "expires_in": number(1, 2592000),
		"scope?": scopeSet, "id_token?": jwt, "refresh_token?": matching(`v1\.M[\w-]+`, 20, 512),
	}
	vaultAnswer = fields{ // neither a refresh token nor an ID token
		"access_token": matching(`ya29\.\S+`, 20, 2048), "token_type": oneOf("Bearer"), "expires_in": number(1, 3600), "scope": scopeSet,
		"issued_token_type": oneOf("http://auth0.com/oauth/token-type/federated-connection-access-token"),
	}
)

// The answers of the My Account API.
var (
	connectAnswer = fields{
		"auth_session": matching(`\S+`, 1, 64), "connect_uri": address, "expires_in": number(300, 300),
		"connect_params": fields{"ticket": text}.check,
	}
	accountAnswer = fields{
		"id": matching(`cac_[A-Za-z0-9]+`, 5, 64), "connection": matching(`\S+`, 1, 128), "access_type": oneOf("offline", "online"),
		"scopes": list(matching(`\S+`, 1, 255)), "created_at": instant, "expires_at?": instant, "org_id?": text,
	}
	accountList    = fields{"accounts": list(accountAnswer.check), "next?": text}
	connectionList = fields{
		"connections": list(fields{"name": text, "strategy": text, "scopes": list(matching(`\S+`, 1, 255))}.check), "next?": text,
	}
	// A problem has no error key: whoever looks for one takes it for a success.
	problemAnswer = fields{
		"type":   matching(`https://auth0\.com/api-errors/A0E-\d{3}-\d{4}`, 1, 64),
		"status": number(400, 599), "title": text, "detail": text,
		"validation_errors?": list(fields{"detail": text, "field?": text, "pointer?": matching(`(/.+)+`, 2, 256), "source?": oneOf("body", "query", "path")}.check),
	}
)

// The resources of the Management API v2, in part.
var (
	clientFields = fields{
		"client_id": text, "name": text, "app_type": oneOf("regular_web", "spa", "native", "non_interactive"),
		"is_first_party": boolean, "oidc_conformant": boolean,
		"token_endpoint_auth_method": oneOf("client_secret_post", "client_secret_basic", "none"),
		"grant_types":                grants, "callbacks": list(text), "client_secret?": text,
		"refresh_token": fields{
			"rotation_type": oneOf("rotating", "non-rotating"), "expiration_type": oneOf("expiring", "non-expiring"),
			"leeway": seconds, "token_lifetime": seconds, "infinite_token_lifetime": boolean,
			"idle_token_lifetime": seconds, "infinite_idle_token_lifetime": boolean,
			"policies": list(fields{"audience": text, "scope": texts}.check),
		}.check,
	}
	connectionFields = fields{
		"id": matching(`con_\w+`, 5, 64), "name": text, "strategy": text, "is_domain_connection": boolean, "realms": texts,
		"authentication": fields{"active": boolean}.check, "connected_accounts": fields{"active": boolean}.check,
		// Left out for a token that may not read it.
		"options?": fields{
			"client_id?": text, "client_secret?": text, "offline_access": boolean, "scope": texts,
			"upstream_params?": anything,
		}.check,
	}
	apiFields = fields{
		"id": text, "name": text, "identifier": text, "is_system": boolean, "allow_offline_access": boolean,
		"signing_alg": oneOf("RS256"), "skip_consent_for_verifiable_first_party_clients": boolean,
		"scopes": list(fields{"value": text, "description?": text}.check),
		"subject_type_authorization": fields{
			"user":   fields{"policy": oneOf("allow_all", "require_client_grant", "deny_all")}.check,
			"client": fields{"policy": oneOf("require_client_grant", "deny_all")}.check,
		}.check,
		"authorization_policy?": fields{"policy_id": text}.check,
	}
	grantFields = fields{
		"id": matching(`cgr_\w+`, 5, 64), "client_id": text, "audience": text, "scope": texts, "subject_type": oneOf("user", "client"),
		"allow_all_scopes?": boolean,
	}
	settingsFields = fields{
		"friendly_name": text, "default_directory": matching(`.*`, 0, 64), "flags": anything,
		"skip_non_verifiable_callback_uri_confirmation_prompt": boolean,
	}
	faultFields = fields{"statusCode": number(400, 599), "error": text, "message": text, "errorCode?": matching(`[a-z_]+`, 1, 64)}
)

// discoveryFields is what OpenID Connect Discovery 1.0 section 3 requires, and
// what of the rest the tenant names.
var discoveryFields = fields{
	"issuer": address, "authorization_endpoint": address, "token_endpoint": address, "userinfo_endpoint": address,
	"jwks_uri": address, "revocation_endpoint": address, "scopes_supported": texts,
	"response_types_supported": texts, "response_modes_supported": texts, "grant_types_supported": grants,
	"code_challenge_methods_supported": list(oneOf("S256")), "subject_types_supported": list(oneOf("public")),
	"id_token_signing_alg_values_supported": list(oneOf("RS256")), "token_endpoint_auth_methods_supported": texts,
	"claims_supported": texts, "request_parameter_supported": boolean,
}

var keysFields = fields{"keys": list(fields{
	"kty": oneOf("RSA"), "use": oneOf("sig"), "alg": oneOf("RS256"), "kid": text, "n": text, "e": oneOf("AQAB"),
}.check)}

var userFields = fields{"sub": text, "email?": text, "email_verified?": boolean, "name?": text, "nickname?": text}

// refusals are the error codes of the OAuth endpoints, with the statuses under
// which Auth0 documents them or has been seen to use them.
var refusals = map[string][]int{
	"access_denied": {400, 401, 403},
	"federated_connection_refresh_token_flow_failed": {401},
	"federated_connection_refresh_token_not_found":   {401},
	"invalid_client":                    {401},
	"invalid_grant":                     {401, 403},
	"invalid_request":                   {400, 403},
	"invalid_target":                    {400, 403},
	"invalid_token":                     {401},
	"mfa_required":                      {403},
	"not_found":                         {404},
	"too_many_requests":                 {429},
	"unauthorized_client":               {400, 403},
	"unmet_authentication_requirements": {400, 401, 403},
	"unsupported_grant_type":            {400, 403},
	"user_not_found":                    {401},
}

// refusal is RFC 6749 section 5.2. Only a challenge for a second factor says more.
func refusal(status int) shape {
	return func(v any) []string {
		f := fields{"error": text, "error_description": text}
		m, _ := v.(map[string]any)
		code, _ := m["error"].(string)
		if code == "mfa_required" {
			f["mfa_token"], f["mfa_requirements?"] = text, anything
		}
		wrong := f.check(v)
		if !slices.Contains(refusals[code], status) {
			wrong = append(wrong, fmt.Sprintf(".error: %q comes with HTTP %d", code, status))
		}
		return wrong
	}
}

// sameStatus adds to the shape of an error that it repeats its status.
func sameStatus(f fields, name string, status int) shape {
	return func(v any) []string {
		wrong := f.check(v)
		if m, _ := v.(map[string]any); m[name] != float64(status) {
			wrong = append(wrong, fmt.Sprintf(".%s: is %v, and the status %d", name, m[name], status))
		}
		return wrong
	}
}

// decoded reads an answer.
func decodedJSON(raw []byte) (any, error) {
	var v any
	return v, json.Unmarshal(raw, &v)
}
