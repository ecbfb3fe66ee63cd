package main

import (
	"context"
	"slices"

	"linkmail/auth"
	"linkmail/tools"
)

// settingsScope is what changing filters and the vacation responder needs on
// top of gmailScope.
const settingsScope = "https://www.googleapis.com/auth/gmail.settings.basic"

// widen makes the sign-in ask for what the offered tools need beyond the
// default ones, and for nothing that none of them needs. Scopes that the user
// has configured stay as they are.
func (in *signIn) widen(o offer, auth0 bool) {
	if o.readOnly || !slices.Contains(o.toolsets, tools.Settings) || in.scopes["gmail"] != nil {
		return
	}
	scopes := []string{gmailScope, settingsScope}
	if auth0 { // it wants these of a Google connection
		scopes = append([]string{"openid", "profile", "email"}, scopes...)
	}
	if in.scopes == nil {
		in.scopes = map[string][]string{}
	}
	in.scopes["gmail"] = scopes
}

// granted are the scopes that the sign-in covers for the mailbox, as far as the
// provider said. Nobody is asked for it, and no access token is renewed.
func granted(ctx context.Context, keeper auth.Keeper) []string {
	who, ok := auth.PrincipalFrom(ctx)
	if !ok {
		who = localUser
	}
	kept, err := keeper.Status(ctx, who)
	if err != nil {
		return nil
	}
	for _, s := range kept.Services {
		if s.Scope == mailService {
			return s.Granted
		}
	}
	return nil
}
