package broker

import (
	_ "embed"
	"net/http"

	"linkmail/broker/wire"
)

//go:embed openapi.json
var openAPI []byte

// description is GET /openapi.json.
func (b *Broker) description(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", wire.TypeJSON)
	_, _ = w.Write(openAPI)
	return nil
}
