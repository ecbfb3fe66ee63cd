package standin

import "net/http"

// auth0State is one tenant. It has its own lock.
type auth0State struct{}

func newAuth0State() *auth0State { return &auth0State{} }

// Auth0 returns the handler of a tenant. Its domain is the host that requests name.
func (w *World) Auth0() http.Handler {
	return w.serve("auth0", http.NotFoundHandler())
}
