package broker_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"linkmail/broker/wire"
)

var update = flag.Bool("update", false, "write openapi.json") //nolint:forbidigo // go test parses it

// operation is one route for the description.
type operation struct {
	route, summary  string
	request, answer any // messages of package wire; nil if the body is none
	status          string
	security        []string
	media           string // of the answer, if it is not JSON
	query           []string
}

var operations = []operation{
	{"POST /v1/sessions", "Open a session", wire.Create{}, wire.Created{}, "201", []string{"key"}, "", nil},
	{"GET /v1/sessions/{id}", "Poll; a ready session gives its envelope away, once", nil, wire.Poll{}, "200", []string{"key", "poll"}, "", nil},
	{"GET /v1/sessions/{id}/events", "Follow the status as server-sent events", nil, wire.Event{}, "200", []string{"key", "poll"}, wire.TypeEvents, nil},
	{"POST /v1/sessions/{id}/webhook", "Deposit in place of the person, once; any body up to 64 KiB", nil, wire.Deposited{}, "200", nil, "", []string{"token"}},
	{"POST /v1/proxy", "Send a request to a listed host", wire.ProxyRequest{}, wire.ProxyResponse{}, "200", []string{"key"}, "", nil},
	{"POST /v1/oauth/refresh", "Renew tokens with the broker's client secret", wire.Refresh{}, wire.Tokens{}, "200", []string{"key"}, "", nil},
	{"POST /v1/oauth/vault", "Get a connected service's token from Auth0's Token Vault", wire.Vault{}, wire.Tokens{}, "200", []string{"key"}, "", nil},
	{"POST /v1/oauth/revoke", "End a refresh token with the broker's client secret", wire.Revoke{}, nil, "204", []string{"key"}, "", nil},
	{"POST /v1/connect/resolve", "Find the pending session of a code that was typed", wire.Resolve{}, wire.Connect{}, "200", nil, "", nil},
	{"GET /v1/connect/{code}", "Find the pending session of a code", nil, wire.Connect{}, "200", nil, "", nil},
	{"GET /v1/connect/{code}/status", "How it ended, for the browser that confirmed", nil, wire.Outcome{}, "200", nil, "", nil},
	{"POST /v1/connect/{code}/confirm", "Let this browser in, and no other", nil, wire.Confirmation{}, "200", nil, "", nil},
	{"POST /v1/connect/{code}/complete", "Store what the browser encrypted", wire.Complete{}, nil, "204", nil, "", nil},
	{"GET /v1/oauth/authorize/{code}", "Leave for the provider", nil, nil, "302", nil, "", []string{"connect_token"}},
	{"POST /v1/oauth/authorize/{code}", "Leave for the provider; a form with connect_token", nil, wire.Location{}, "200", nil, "", nil},
	{"GET /v1/oauth/callback", "Come back from the provider", nil, nil, "303", nil, "", []string{"state"}},
	{"GET /v1/oauth/callback/{provider}", "Come back from a provider with a callback of its own", nil, nil, "303", nil, "", []string{"state"}},
	{"GET /connect", "The page for typing a code", nil, nil, "200", nil, "text/html", nil},
	{"GET /connect/{code}", "The page of a session", nil, nil, "200", nil, "text/html", nil},
	{"GET /static/{file}", "A file of the page", nil, nil, "200", nil, "application/octet-stream", nil},
	{"GET /healthz", "Whether the broker runs", nil, nil, "200", nil, wire.TypeJSON, nil},
	{"GET /health", "The same, as other brokers call it", nil, nil, "200", nil, wire.TypeJSON, nil},
	{"GET /readyz", "Whether the store answers", nil, nil, "200", nil, wire.TypeJSON, nil},
	{"GET /metrics", "Counters in Prometheus' text format, for the broker's own network", nil, nil, "200", nil, "text/plain", nil},
	{"GET /openapi.json", "This description", nil, nil, "200", nil, wire.TypeJSON, nil},
}

type object = map[string]any

// describe makes the description of operations.
func describe(t *testing.T) []byte {
	t.Helper()
	schemas := object{}
	ref := func(v any) object {
		kind := reflect.TypeOf(v)
		schema, err := jsonschema.ForType(kind, &jsonschema.ForOptions{})
		if err != nil {
			t.Fatalf("%v: %v", kind, err)
		}
		// Unknown members are ignored, on both sides.
		schema.AdditionalProperties = nil
		schemas[kind.Name()] = schema
		return object{"schema": object{"$ref": "#/components/schemas/" + kind.Name()}}
	}
	paths := object{}
	for _, op := range operations {
		method, path, _ := strings.Cut(op.route, " ")
		var params []object
		for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
			params = append(params, object{"name": name[1], "in": "path", "required": true, "schema": object{"type": "string"}})
		}
		for _, name := range op.query {
			params = append(params, object{"name": name, "in": "query", "required": true, "schema": object{"type": "string"}})
		}
		good := object{"description": op.summary}
		media := op.media
		switch {
		case op.answer != nil && media == "":
			good["content"] = object{wire.TypeJSON: ref(op.answer)}
		case op.answer != nil:
			ref(op.answer)
			good["content"] = object{media: object{"schema": object{"type": "string", "description": "each event's data is an " + reflect.TypeOf(op.answer).Name()}}}
		case media != "":
			good["content"] = object{media: object{}}
		}
		o := object{"summary": op.summary, "responses": object{
			op.status: good,
			"default": object{"description": "an RFC 9457 problem", "content": object{wire.TypeProblem: object{"schema": object{"$ref": "#/components/schemas/Problem"}}}},
		}}
		if params != nil {
			o["parameters"] = params
		}
		if op.request != nil {
			o["requestBody"] = object{"required": true, "content": object{wire.TypeJSON: ref(op.request)}}
		}
		if op.security != nil {
			needs := object{}
			for _, name := range op.security {
				needs[name] = []string{}
			}
			o["security"] = []object{needs}
		}
		item, ok := paths[path].(object)
		if !ok {
			item = object{}
			paths[path] = item
		}
		item[strings.ToLower(method)] = o
	}
	text := object{"type": "string"}
	schemas["Problem"] = object{"type": "object", "properties": object{
		"type": text, "title": text, "status": object{"type": "integer"}, "detail": object{}, "error": text, "interval": object{"type": "integer"}, "refusal": text,
		"errors": object{"type": "array", "items": object{"type": "object", "properties": object{"loc": object{"type": "array", "items": text}, "msg": text}}},
	}}
	doc, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info":    object{"title": "LinkAuth broker", "version": "1"},
		"paths":   paths,
		"components": object{"schemas": schemas, "securitySchemes": object{
			"key":  object{"type": "apiKey", "in": "header", "name": wire.HeaderAPIKey},
			"poll": object{"type": "http", "scheme": "bearer", "description": "the poll_token of the session"},
		}},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(doc, '\n')
}

func TestOpenAPIDescribesTheRoutesAndMessages(t *testing.T) {
	source, err := os.ReadFile("edge.go")
	if err != nil {
		t.Fatal(err)
	}
	var routes, described []string
	for _, match := range regexp.MustCompile(`"((?:GET|POST|PUT|DELETE|PATCH) /[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		routes = append(routes, match[1])
	}
	for _, op := range operations {
		described = append(described, op.route)
	}
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Errorf("described are %q\nrouted are %q", described, routes)
	}
	want := describe(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("openapi.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("openapi.json is behind the code (%v); run go test ./broker -run OpenAPI -update", err)
	}
	served := newRig(t, nil).send("GET", "/openapi.json", "").want(200)
	if !*update && served.body != string(want) { // -update changes what the next build embeds
		t.Error("another description is served")
	}
}
