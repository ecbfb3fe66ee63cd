package standin

import "slices"

// GoodToken reports whether a Google access token is alive, of this user and
// good for the scope.
func (w *World) GoodToken(token, user, scope string) bool {
	g, ok := w.lookup(token)
	return ok && g.user == user && slices.Contains(g.scopes, scope)
}
