package standin

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// render turns an answer into JSON, cut down to the fields that were asked
// for. The answer nothing renders to no bytes.
func render(v any, query url.Values) ([]byte, error) {
	if _, ok := v.(nothing); ok {
		return nil, nil
	}
	if fields := query.Get("fields"); fields != "" {
		selected, err := selectFields(v, fields)
		if err != nil {
			return nil, err
		}
		v = selected
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	if pretty := query.Get("prettyPrint"); pretty != "false" && pretty != "0" {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeAnswer(rw http.ResponseWriter, r *http.Request, body []byte) {
	if body == nil {
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	rw.Header().Set("Content-Type", "application/json; charset=UTF-8")
	writeBody(rw, r, http.StatusOK, body)
}

func writeFault(rw http.ResponseWriter, r *http.Request, err error) {
	f := asRefusal(err).Fault
	maps.Copy(rw.Header(), f.Header)
	rw.Header().Set("Content-Type", "application/json; charset=UTF-8")
	writeBody(rw, r, f.Status, []byte(f.Body))
}

// writeBody compresses for everybody who can read it.
func writeBody(rw http.ResponseWriter, r *http.Request, status int, body []byte) {
	rw.Header().Add("Vary", "Accept-Encoding")
	rw.Header().Set("Cache-Control", "private")
	if !acceptsGzip(r.Header.Get("Accept-Encoding")) {
		rw.WriteHeader(status)
		_, _ = rw.Write(body) //nolint:gosec // JSON, and the caller is gone if this fails
		return
	}
	rw.Header().Set("Content-Encoding", "gzip")
	rw.WriteHeader(status)
	zip := gzip.NewWriter(rw)
	_, _ = zip.Write(body)
	_ = zip.Close()
}

func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if name == "gzip" && strings.TrimSpace(weight) != "q=0" {
			return true
		}
	}
	return false
}
