package auth0

// Claims reads the audience and the scopes of a token, for tests.
func Claims(token string) (audience, scopes []string, err error) {
	c, err := readClaims(token)
	return c.audience, c.scopes, err
}
