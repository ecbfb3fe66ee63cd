package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"linkmail/broker"
	"linkmail/broker/keyfile"
)

// keyFile returns the file with the API keys, or nil if there is none. Under
// --dev only a file that is named counts: keys of a real broker on the same
// machine do not close one that somebody tries out.
func (s *source) keyFile(dev bool) *keyfile.File {
	path := s.text("LINKAUTH_KEYS_FILE")
	if path == "" && !dev {
		path = s.p.dataFile("broker-keys.json")
	}
	if path == "" {
		return nil
	}
	return keyfile.New(keyfile.Config{Path: path})
}

// needKeys reports a broker that would have no keys.
func (s *source) needKeys(file *keyfile.File) {
	var keys []broker.HashedKey
	if file != nil {
		var err error
		if keys, err = file.APIKeys(); err != nil {
			s.problem("LINKAUTH_KEYS_FILE: %s", plain(err))
			return
		}
	}
	if len(keys) == 0 {
		s.problem("LINKAUTH_API_KEYS is not set and there is no key file; a broker without keys would serve anybody. Make one with \"linkmail broker keys add NAME\" (or use --dev on loopback)")
	}
}

// brokerEdges reads the settings of who may come in and what may go out.
func (s *source) brokerEdges(cfg *broker.Config) {
	cfg.CallbackAllow = list(s.text("LINKAUTH_CALLBACK_ALLOW"))
	cfg.Profile = s.choice("LINKAUTH_PROFILE", broker.Reference, broker.Reference, broker.Draft)
	cfg.ExpiredAsStatus = s.on("LINKAUTH_EXPIRED_AS_STATUS")
	for _, item := range list(s.text("LINKAUTH_TRUSTED_PROXIES")) {
		prefix, err := netip.ParsePrefix(item)
		if addr, addrErr := netip.ParseAddr(item); err != nil && addrErr == nil {
			prefix, err = addr.Prefix(addr.BitLen())
		}
		switch {
		case err != nil:
			s.problem("LINKAUTH_TRUSTED_PROXIES: %q is neither an address nor a network such as 10.0.0.0/8", clip(item))
		case prefix.Bits() == 0:
			s.problem("LINKAUTH_TRUSTED_PROXIES: %q trusts everybody; name the proxies", clip(item))
		default:
			cfg.TrustedProxies = append(cfg.TrustedProxies, prefix.Masked())
		}
	}
}

const keysSynopsis = "linkmail broker keys add NAME [--scopes LIST] [--expires WHEN]\n" +
	"       linkmail broker keys list [--json]\n       linkmail broker keys revoke NAME"

// brokerKeys changes and shows the key file. A running broker on the same file
// follows without a restart.
func (p process) brokerKeys(ctx context.Context, args []string) error {
	fs := newFlags(keysSynopsis,
		"API keys of the broker. The file has their hashes; a new key is printed once, on standard\noutput. Agents send it as LINKAUTH_API_KEY.")
	scopes := fs.String("scopes", "sessions,proxy,webhook,refresh", "`list` of what the key may do")
	expires := fs.String("expires", "", "`when` the key ends: 90d, 12h, or a date such as 2026-12-31; never without it")
	asJSON := fs.Bool("json", false, "list as JSON")
	keysOnly := slices.DeleteFunc(settingsFor(true), func(st setting) bool { return st.env != "LINKAUTH_KEYS_FILE" })
	src := fs.withSettings(keysOnly)
	rest, err := fs.parse(p, args)
	if err != nil {
		return err
	}
	src.read(p, fs)
	file := src.keyFile(false)
	if file == nil {
		src.problem("LINKAUTH_KEYS_FILE is not set and there is no home directory to keep keys in")
	}
	now := time.Now()
	end, err := keyEnd(*expires, now)
	if err != nil {
		src.problem("--expires: %v", err)
	}
	if err := src.err(); err != nil {
		return err
	}
	verb, names := "", []string{}
	if len(rest) > 0 {
		verb, names = rest[0], rest[1:]
	}
	switch {
	case verb == "add" && len(names) == 1:
		return p.addKey(ctx, file, names[0], *scopes, end)
	case verb == "list" && len(names) == 0:
		return p.listKeys(file, *asJSON, now)
	case verb == "revoke" && len(names) == 1:
		if err := file.Revoke(ctx, names[0]); err != nil {
			return keysFailed(err)
		}
		p.say("revoked %q; a running broker refuses it from now on", names[0])
		return nil
	}
	return usagef("usage: %s", keysSynopsis)
}

func (p process) addKey(ctx context.Context, file *keyfile.File, name, scopes string, end time.Time) error {
	var wanted []broker.Scope
	for _, word := range list(scopes) {
		wanted = append(wanted, broker.Scope(word))
	}
	key, err := file.Add(ctx, name, wanted, end)
	if err != nil {
		return keysFailed(err)
	}
	p.say("key %q, shown this once; the agent needs it as LINKAUTH_API_KEY:", name)
	_, err = fmt.Fprintln(p.stdout, key.Reveal())
	return err
}

// keysFailed is wrong usage, like every complaint about a name or a file that
// the user gave.
func keysFailed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return usagef("%s", plain(err))
}

func (p process) listKeys(file *keyfile.File, asJSON bool, now time.Time) error {
	keys, err := file.List()
	if err != nil {
		return keysFailed(err)
	}
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		if keys == nil {
			keys = []keyfile.Key{}
		}
		return enc.Encode(keys)
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tSCOPES\tCREATED\tEXPIRES\tSHA256")
	for _, k := range keys {
		end := "never"
		if !k.Expires.IsZero() {
			end = k.Expires.Format(time.DateTime)
			if !now.Before(k.Expires) {
				end += " (ended)"
			}
		}
		words := make([]string, 0, len(k.Scopes))
		for _, scope := range k.Scopes {
			words = append(words, string(scope))
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.Name, strings.Join(words, ","), k.Created.Format(time.DateTime), end, k.SHA256[:12])
	}
	return table.Flush()
}

// keyEnd reads when a key ends: after so many days or a duration, or at a
// date, whose day still counts.
func keyEnd(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 36500 {
			return now.AddDate(0, 0, n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 90d, 12h, 2026-12-31 or 2026-12-31T23:00:00Z", clip(text))
}
