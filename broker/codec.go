package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"linkmail/internal/secret"
)

// The encoding of a session outside the process: a JSON object with one member
// per field of [Session], in the clear. Only [Sealer] uses it. It goes field by
// field because a secret.Text gives no encoder its content; a field that is
// added to Session is encoded without a change here, and a test holds that
// every field survives.

var (
	textType = reflect.TypeFor[secret.Text]()
	timeType = reflect.TypeFor[time.Time]()
)

// errForeignField says that a newer broker wrote the session. It is not
// dropped and not read in part: the field may be a restriction.
var errForeignField = errors.New("the session has a field that this version does not know")

func encodeSession(s *Session) ([]byte, error) {
	v := reflect.ValueOf(s).Elem()
	members := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		field := v.Field(i)
		if field.IsZero() {
			continue
		}
		value := field.Interface()
		switch value := value.(type) {
		case secret.Text:
			members[v.Type().Field(i).Name] = value.Reveal()
		default:
			members[v.Type().Field(i).Name] = value
		}
	}
	return json.Marshal(members)
}

func decodeSession(data []byte) (Session, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return Session{}, fmt.Errorf("the session cannot be read: %T", err)
	}
	var s Session
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		raw, ok := members[name]
		if !ok {
			continue
		}
		delete(members, name)
		if err := decodeField(v.Field(i), raw); err != nil {
			// The error of package json may repeat the value.
			return Session{}, fmt.Errorf("field %s of the session cannot be read", name)
		}
	}
	if len(members) > 0 {
		return Session{}, errForeignField
	}
	return s, nil
}

func decodeField(field reflect.Value, raw []byte) error {
	switch field.Type() {
	case textType:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		field.Set(reflect.ValueOf(secret.New(text)))
		return nil
	case timeType:
		var t time.Time
		if err := json.Unmarshal(raw, &t); err != nil {
			return err
		}
		field.Set(reflect.ValueOf(t.UTC()))
		return nil
	}
	return json.Unmarshal(raw, field.Addr().Interface())
}
