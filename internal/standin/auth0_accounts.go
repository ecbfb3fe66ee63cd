package standin

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

func (s *tenantServer) listAccounts(sub string, r *http.Request) (int, any, *problem) {
	only := r.URL.Query()["connection"]
	s.state.mu.Lock()
	all := []connectedAccount{}
	for _, a := range s.state.accounts[sub] {
		if len(only) == 0 || slices.Contains(only, a.connection) {
			all = append(all, a.view())
		}
	}
	s.state.mu.Unlock()
	return listAnswer("accounts", all, r.URL.Query())
}

func (s *tenantServer) listConnections(_ string, r *http.Request) (int, any, *problem) {
	type connection struct {
		Name     string   `json:"name"`
		Strategy string   `json:"strategy"`
		Scopes   []string `json:"scopes"`
	}
	s.state.mu.Lock()
	all := []connection{}
	for _, c := range s.state.tenant.Connections {
		if s.state.tenant.connectable(c.Name) != nil {
			all = append(all, connection{c.Name, c.Strategy, append([]string{}, c.Scopes...)})
		}
	}
	s.state.mu.Unlock()
	return listAnswer("connections", all, r.URL.Query())
}

// listAnswer cuts the page out of all that from and take ask for.
func listAnswer[T any](name string, all []T, q url.Values) (int, any, *problem) {
	bad := &problem{Code: "A0E-400-0003", Status: http.StatusBadRequest, Title: "Validation Error", Detail: "Invalid query parameters"}
	take, from := 10, 0
	if v := q.Get("take"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 20 {
			bad.Errors = append(bad.Errors, validationError{Detail: "must be between 1 and 20", Field: "take", Source: "query"})
		}
		take = n
	}
	if v := q.Get("from"); v != "" {
		raw, err := base64.RawURLEncoding.DecodeString(v)
		n, errN := strconv.Atoi(string(raw))
		if err != nil || errN != nil || n < 0 || n > len(all) {
			bad.Errors = append(bad.Errors, validationError{Detail: "is not a cursor", Field: "from", Source: "query"})
		}
		from = n
	}
	if len(bad.Errors) > 0 {
		return 0, nil, bad
	}
	end := min(from+take, len(all))
	answer := map[string]any{name: all[from:end]}
	if end < len(all) {
		answer["next"] = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end)))
	}
	return http.StatusOK, answer, nil
}

var accountID = regexp.MustCompile(`^cac_[A-Za-z0-9]+$`)

// deleteAccount empties the vault of one account. Google keeps the grant: its
// access tokens live on, and it will not hand out a refresh token unasked.
func (s *tenantServer) deleteAccount(sub, id string) (int, any, *problem) {
	if !accountID.MatchString(id) {
		return 0, nil, &problem{
			Code: "A0E-400-0003", Status: http.StatusBadRequest, Title: "Validation Error", Detail: "Invalid path parameters",
			Errors: []validationError{{Detail: "is not the id of an account", Field: "id", Source: "path"}},
		}
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	i := slices.IndexFunc(s.state.accounts[sub], func(a *vaultAccount) bool { return a.id == id })
	if i < 0 {
		return 0, nil, meNotFound("The requested connected account was not found.")
	}
	s.state.accounts[sub] = slices.Delete(s.state.accounts[sub], i, i+1)
	return http.StatusNoContent, nil, nil
}
