package standin

import (
	"slices"
	"time"
)

// GoodToken reports whether a Google access token is alive, of this user and
// good for the scope.
func (w *World) GoodToken(token, user, scope string) bool {
	g, ok := w.lookup(token)
	return ok && g.user == user && slices.Contains(g.scopes, scope)
}

// PressButton shows what the first form of a page sends: method, action, form.
func PressButton(page []byte, label string) string {
	f, ok := firstForm(page)
	if !ok {
		return ""
	}
	values, err := f.press(label)
	if err != nil {
		return ""
	}
	return f.method + " " + f.action + " " + values.Encode()
}

// VerifyJWT reads an access token.
func VerifyJWT(token, audience string, now time.Time) error {
	_, err := verifyJWT(token, audience, now)
	return err
}
