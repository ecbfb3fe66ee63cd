package broker

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"sync"

	"linkmail/broker/wire"
)

//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load its own script and style, talk to its own
// broker, and nothing else. The page leaves for the provider by navigation,
// not by a form that redirects: browsers hold form-action against every hop of
// a redirect, and a provider may pass the person on to hosts that nobody can
// list.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

var notices = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(pageFiles, "page/notice.html"))
})

// page is GET /connect and GET /connect/{code}. It is the same for every code,
// right or wrong, and changes nothing, so previews of the link do no harm.
func (b *Broker) page(w http.ResponseWriter, _ *http.Request) error {
	html, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		return err
	}
	b.writeHTML(w, http.StatusOK, html)
	return nil
}

// static is GET /static/{file}.
func (b *Broker) static(w http.ResponseWriter, r *http.Request) error {
	types := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": wire.TypeJSON,
	}
	file := r.PathValue("file")
	mediaType, ok := types[path.Ext(file)]
	if !ok {
		return newProblem(http.StatusNotFound, "Not Found", "")
	}
	content, err := pageFiles.ReadFile("page/" + file)
	if err != nil {
		return newProblem(http.StatusNotFound, "Not Found", "")
	}
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(content) //nolint:gosec // an embedded file
	return nil
}

// writeNotice shows a problem to the person in whose window it happened.
func (b *Broker) writeNotice(w http.ResponseWriter, r *http.Request, p *problem) {
	var html bytes.Buffer
	if err := notices().Execute(&html, noticeFor(r, p)); err != nil {
		writeProblem(w, p)
		return
	}
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	b.writeHTML(w, p.Status, html.Bytes())
}

func (b *Broker) writeHTML(w http.ResponseWriter, status int, html []byte) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(html)
}
