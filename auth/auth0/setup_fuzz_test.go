package auth0_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkmail/auth/auth0"
	"linkmail/internal/secret"
)

// FuzzManagementAnswers answers every request with the same bytes: nothing that
// a tenant, or what stands in its place, may say ends the program or is quoted.
func FuzzManagementAnswers(f *testing.F) {
	const app = `{"app_type":"spa","grant_types":["a"],"callbacks":["https://a.example/"],"refresh_token":{"rotation_type":"rotating","policies":[{"audience":"https://t.example/me/","scope":["x"]}]}}`
	for _, seed := range []string{
		app, `null`, `[]`, `{}`, `[null]`, `{"clients":[{"client_id":"c"}],"next":"n"}`, `<html>`, `"x"`, `["all-applications"]`,
		`[{"id":"con_1","name":"google-oauth2","connected_accounts":{"active":null},"options":{"upstream_params":null}}]`,
		`{"id":"rs","identifier":"https://t.example/me/","authorization_policy":{"policy_id":"p"}}`,
		`{"refresh_token":null}`, `{"refresh_token":{"policies":"x"}}`,
		`{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: read:clients","errorCode":"insufficient_scope"}`,
		`{"statusCode":404,"message":"canary","errorCode":"canary canary"}`,
	} {
		f.Add(200, seed)
		f.Add(403, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 599 {
			return
		}
		m, err := auth0.NewManagement(auth0.ManagementConfig{
			Domain: "t.example", Token: secret.New("canary-token"), ClientID: "c", Audience: "https://api.example/", Callback: "http://127.0.0.1:1/",
			Pause: func(context.Context, time.Duration) error { return nil },
			HTTP: &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		changes, err := m.Apply(t.Context(), nil)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error quotes a secret: %v", err)
		}
		for _, c := range changes {
			if strings.Contains(c.Why+c.Have+c.After, "canary-token") {
				t.Errorf("the change quotes the token: %+v", c)
			}
		}
	})
}
