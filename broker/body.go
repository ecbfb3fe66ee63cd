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

// readBody reads a body of the given media type, up to limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, mediaType string, limit int64) ([]byte, error) {
	if err := checkMedia(r, mediaType); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, unreadable(err, limit)
	}
	return body, nil
}

// checkMedia insists on the type of a body, because a foreign page can send
// text/plain without asking.
func checkMedia(r *http.Request, mediaType string) error {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || got != mediaType {
		return newProblem(http.StatusUnsupportedMediaType, "Unsupported Media Type", "The body must be "+mediaType+".")
	}
	return nil
}

// unreadable is the answer to a body that is too long or breaks off.
func unreadable(err error, limit int64) *problem {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, "Payload Too Large", fmt.Sprintf("The body may have %d bytes.", limit))
	}
	return newProblem(http.StatusBadRequest, "Bad Request", "The body could not be read.")
}

// readJSON reads a JSON object into a T. Unknown members are ignored.
func readJSON[T any](w http.ResponseWriter, r *http.Request, limit int64) (v T, err error) {
	body, err := readBody(w, r, wire.TypeJSON, limit)
	if err != nil {
		return v, err
	}
	return decodeJSON[T](body)
}

// readQuietJSON is readJSON for a body with tokens in it, which T holds as
// [quietText]: no other copy of the body is left in memory.
func readQuietJSON[T any](w http.ResponseWriter, r *http.Request, limit int64) (v T, err error) {
	defer forget(w, r)
	if err := checkMedia(r, wire.TypeJSON); err != nil {
		return v, err
	}
	buf := make([]byte, limit+1)
	defer clear(buf)
	n, err := io.ReadFull(http.MaxBytesReader(w, r.Body, limit), buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return v, unreadable(err, limit)
	}
	return decodeJSON[T](buf[:n])
}

// decodeJSON decodes the text of a JSON object.
func decodeJSON[T any](body []byte) (v T, err error) {
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
