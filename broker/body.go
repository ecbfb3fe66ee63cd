package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"linkmail/broker/wire"
)

// Limits of request bodies, in bytes.
const (
	maxCreateBody   = 64 << 10
	maxCompleteBody = 256 << 10
	maxProxyBody    = 1 << 20
	maxSmallBody    = 4 << 10
)

// readBody reads a body of the given media type, up to limit bytes. The type
// is insisted on because a foreign page can send text/plain without asking.
func readBody(w http.ResponseWriter, r *http.Request, mediaType string, limit int64) ([]byte, error) {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || got != mediaType {
		return nil, newProblem(http.StatusUnsupportedMediaType, "Unsupported Media Type", "The body must be "+mediaType+".")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newProblem(http.StatusRequestEntityTooLarge, "Payload Too Large", fmt.Sprintf("The body may have %d bytes.", limit))
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, "Bad Request", "The body could not be read.")
	}
	return body, nil
}

// readJSON reads a JSON object into a T. Unknown members are ignored.
func readJSON[T any](w http.ResponseWriter, r *http.Request, limit int64) (v T, err error) {
	body, err := readBody(w, r, wire.TypeJSON, limit)
	if err != nil {
		return v, err
	}
	malformed := newProblem(http.StatusBadRequest, "Malformed JSON", "The body is not one JSON object in UTF-8.")
	if !utf8.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return v, malformed
	}
	err = json.Unmarshal(body, &v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		// Only the first step of the path is ours; further ones may be names
		// that the client chose.
		member, _, _ := strings.Cut(wrong.Field, ".")
		return v, invalid(fault(member, "has the wrong type, want "+jsonKind(wrong)))
	case err != nil || duplicated(body):
		return v, malformed
	}
	return v, nil
}

// jsonKind names the wanted type as a writer of JSON knows it.
func jsonKind(err *json.UnmarshalTypeError) string {
	switch kind := err.Type.Kind().String(); kind {
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	case "slice":
		return "a list"
	case "string":
		return "text"
	default:
		return "an object"
	}
}
