package broker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// maxURL bounds the URLs that agents send.
const maxURL = 8 << 10

// Reasons why a URL is not a destination. None repeats the URL: it may carry a
// ticket.
var (
	errBadURL  = errors.New("not a plain https URL")
	errForeign = errors.New("the host is not on the list")
)

// hostList says which hosts a URL may name.
type hostList struct {
	exact    map[string]bool // canonical names, port 443
	suffixes []string        // ".example.com"
	ports    map[string]bool // loopback "host:port", any scheme
}

// parseHosts reads host patterns; field names the setting in errors.
func parseHosts(field string, patterns []string, dev bool) (hostList, error) {
	l := hostList{exact: make(map[string]bool), ports: make(map[string]bool)}
	var faults []error
	for _, pattern := range patterns {
		name, wild := strings.CutPrefix(pattern, "*.")
		host, port, err := net.SplitHostPort(pattern)
		switch {
		case err == nil && dev && !wild && loopbackName(host) && validPort(port):
			l.ports[net.JoinHostPort(strings.ToLower(host), port)] = true
		case err == nil:
			faults = append(faults, fmt.Errorf("%s: %q: a port is for loopback under Dev only", field, pattern))
		default:
			host, err := canonicalHost(name)
			switch {
			case err != nil || strings.ContainsAny(name, "*/@"):
				faults = append(faults, fmt.Errorf(`%s: %q is neither a host name nor "*." and a domain`, field, pattern))
			case wild && !strings.Contains(host, "."):
				faults = append(faults, fmt.Errorf("%s: %q covers a whole top-level domain", field, pattern))
			case wild:
				l.suffixes = append(l.suffixes, "."+host)
			default:
				l.exact[host] = true
			}
		}
	}
	return l, errors.Join(faults...)
}

// add admits exactly the host of u.
func (l *hostList) add(u *url.URL) {
	if loopbackName(u.Hostname()) {
		l.ports[u.Host] = true
	} else {
		l.exact[u.Hostname()] = true
	}
}

// local lists the loopback targets.
func (l *hostList) local() []string { return slices.Collect(maps.Keys(l.ports)) }

func (l *hostList) empty() bool { return len(l.exact)+len(l.suffixes)+len(l.ports) == 0 }

// target reads a URL and checks it against the list. The URL it returns has
// the canonical host, so that what was checked is what is used.
func (l *hostList) target(raw string) (*url.URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	if l.ports[u.Host] {
		return u, nil
	}
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
		return nil, errBadURL
	}
	host := u.Hostname()
	if l.exact[host] {
		return u, nil
	}
	for _, suffix := range l.suffixes {
		if strings.HasSuffix(host, suffix) {
			return u, nil
		}
	}
	return nil, errForeign
}

// parseURL reads an absolute http or https URL in the narrow sense that no
// parser, ours or a browser's, can see two hosts in it.
func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL || strings.ContainsFunc(raw, func(c rune) bool {
		// Browsers read "\" as "/" and skip tabs and line breaks.
		return c <= ' ' || c == 0x7f || c == '\\' || c == '#'
	}) {
		return nil, errBadURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.User != nil {
		return nil, errBadURL
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil || u.Port() != "" && !validPort(u.Port()) || u.Port() == "" && strings.HasSuffix(u.Host, ":") {
		return nil, errBadURL
	}
	switch {
	case u.Port() != "":
		u.Host = net.JoinHostPort(host, u.Port())
	case strings.Contains(host, ":"):
		u.Host = "[" + host + "]"
	default:
		u.Host = host
	}
	return u, nil
}

// canonicalHost lower-cases a host name, maps other scripts to ASCII (full
// width digits become digits here, before any check) and drops a final dot.
func canonicalHost(host string) (string, error) {
	if strings.Contains(host, ":") { // an IPv6 address; zones have no business here
		if strings.Contains(host, "%") {
			return "", errBadURL
		}
		return strings.ToLower(host), nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || slices.Contains(strings.Split(ascii, "."), "") {
		return "", errBadURL
	}
	return ascii, nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// usualPort is the port of u, spelled out.
func usualPort(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}
