package standin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
)

// stylePath serves the one style sheet of the pages, so that they need neither
// inline styles nor scripts.
const stylePath = "/stand-in/style.css"

//go:embed pages
var pageFiles embed.FS

var tenantPages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// showPage writes one page. redirectURI is where its form leads in the end:
// Chromium holds the redirect that follows a form to form-action, so its origin
// must be named there.
func showPage(rw http.ResponseWriter, status int, redirectURI, name string, data any) {
	var b bytes.Buffer
	if err := tenantPages.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the templates are embedded and their data is of this package
	}
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+formTarget(redirectURI))
	rw.WriteHeader(status)
	_, _ = b.WriteTo(rw)
}

// formTarget is the source expression of a redirect URI's origin.
func formTarget(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil || u.Scheme == "":
		return ""
	case u.Hostname() == "::1" || u.Host == "":
		return " " + u.Scheme + ":" // CSP cannot name an IPv6 host
	default:
		return " " + u.Scheme + "://" + u.Host
	}
}

// errorPage is what Auth0 shows when it must not redirect.
func errorPage(rw http.ResponseWriter, status int, code, description string) {
	showPage(rw, status, "", "error.html", map[string]string{"Code": code, "Description": description})
}

func serveStyle(rw http.ResponseWriter) {
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		panic(err) // embedded
	}
	rw.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = rw.Write(css)
}
