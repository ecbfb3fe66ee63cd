package standin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// What the tenant's authorization server and Google's have in common. Their
// order of checks, their codes and their sentences are their own.

// How long a person may look at a page, and how long a code is good for.
const (
	pageLife = 10 * time.Minute
	codeLife = time.Minute
)

// oauthError is an error answer of the OAuth endpoints (RFC 6749, section 5.2).
type oauthError struct {
	status            int
	code, description string
	extra             map[string]any
}

func (e *oauthError) body() map[string]any {
	body := oauthBody(e.code, e.description)
	maps.Copy(body, e.extra)
	return body
}

func oauthBody(code, description string) map[string]any {
	return map[string]any{"error": code, "error_description": description}
}

func oauthDenied(description string) *oauthError {
	return &oauthError{status: http.StatusForbidden, code: "access_denied", description: description}
}

func oauthInvalidRequest(description string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

func oauthInvalidGrant(status int, description string) *oauthError {
	return &oauthError{status: status, code: "invalid_grant", description: description}
}

// writeGrant answers a token request.
func writeGrant(rw http.ResponseWriter, answer any, e *oauthError) {
	if e != nil {
		tenantJSON(rw, e.status, e.body())
		return
	}
	tenantJSON(rw, http.StatusOK, answer)
}

// readParams reads a form or a JSON object of strings, and the client's name
// and secret from the Authorization header if they are there (RFC 6749,
// section 2.3.1).
func readParams(r *http.Request) (map[string]string, *oauthError) {
	p := map[string]string{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, oauthInvalidRequest("The body is not a JSON object.")
		}
		for k, v := range body {
			text, ok := v.(string)
			if !ok {
				return nil, oauthInvalidRequest("Parameter '" + k + "' must be a string.")
			}
			p[k] = text
		}
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, oauthInvalidRequest("The body is not a form.")
		}
		for k := range r.PostForm {
			p[k] = r.PostForm.Get(k)
		}
	default:
		return nil, oauthInvalidRequest("Content-Type must be application/json or application/x-www-form-urlencoded.")
	}
	if id, secret, ok := r.BasicAuth(); ok {
		id, errID := url.QueryUnescape(id)
		secret, errSecret := url.QueryUnescape(secret)
		if errID != nil || errSecret != nil {
			return nil, oauthInvalidRequest("The Authorization header is not form-encoded.")
		}
		p["client_id"], p["client_secret"] = id, secret
	}
	return p, nil
}

// sameSecret compares a client secret with the one it should be.
func sameSecret(got, want string) bool {
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// redeem takes an authorization code, which is gone whatever comes of it.
func redeem[Flow any](codes map[string]*Flow, code string) *Flow {
	flow := codes[code]
	delete(codes, code)
	return flow
}

// checkChallenge holds a PKCE challenge to RFC 7636, section 4.2. None is fine.
func checkChallenge(challenge, method string) *oauthError {
	switch {
	case challenge == "" && method == "":
		return nil
	case method != "S256":
		return oauthInvalidRequest("Parameter 'code_challenge_method' must be S256.")
	case len(challenge) < 43 || len(challenge) > 128:
		return oauthInvalidRequest("Parameter 'code_challenge' must have 43 to 128 characters.")
	}
	return nil
}

// verifies checks a PKCE verifier (RFC 7636, section 4.6). A verifier for a
// request that had no challenge is refused (RFC 9700, section 4.8.2).
func verifies(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}

// answerForm takes in what a person chose on a page and sends the browser on.
func answerForm(rw http.ResponseWriter, r *http.Request, page string, finish func(page string, form url.Values) (string, *oauthError)) {
	if err := r.ParseForm(); err != nil {
		errorPage(rw, http.StatusBadRequest, "invalid_request", "The form could not be read.")
		return
	}
	to, e := finish(page, r.PostForm)
	if e != nil {
		errorPage(rw, e.status, e.code, e.description)
		return
	}
	sendTo(rw, to)
}

// sendTo redirects the browser: to a path of the server, or to a redirect URI
// that the server has checked.
func sendTo(rw http.ResponseWriter, address string) {
	rw.Header().Set("Location", address)
	rw.WriteHeader(http.StatusFound)
}

// backTo adds parameters to a redirect URI, which may have some of its own.
func backTo(redirectURI, state string, add url.Values) string {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return redirectURI // unreachable: the server has checked it
	}
	q := u.Query()
	maps.Copy(q, add)
	if state != "" {
		q.Set("state", state)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
