package broker

import (
	"encoding/json"
	"errors"
	"mime"
	"strings"

	"linkmail/broker/wire"
)

// issued is what the broker itself looks at of a token endpoint's answer.
// Clear it after use.
type issued struct {
	AccessToken  quietText `json:"access_token"`
	RefreshToken quietText `json:"refresh_token"`
	// AuthedUser is where Slack has the token of the person, beside that of a
	// bot or, if no scopes of a bot were asked for, alone.
	AuthedUser struct {
		AccessToken quietText `json:"access_token"`
	} `json:"authed_user"`
}

// readIssued reads an answer. What is not as it should be in it is not there.
func readIssued(answer []byte) issued {
	var got issued
	err := json.Unmarshal(answer, &got)
	if wrong := (*json.UnmarshalTypeError)(nil); err != nil && !errors.As(err, &wrong) {
		got.clear()
		return issued{}
	}
	return got
}

// clear overwrites the tokens.
func (t *issued) clear() {
	t.AccessToken.clear()
	t.RefreshToken.clear()
	t.AuthedUser.AccessToken.clear()
}

// isTokenAnswer reports whether body is a JSON object with an access token.
func isTokenAnswer(contentType string, body []byte) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != wire.TypeJSON && !strings.HasSuffix(media, "+json") {
		return false
	}
	got := readIssued(body)
	defer got.clear()
	return len(got.AccessToken) > 0 || len(got.AuthedUser.AccessToken) > 0
}
