package broker_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"linkmail/broker"
	"linkmail/internal/secret"
)

func newSealer(t testing.TB) *broker.Sealer {
	t.Helper()
	s, err := broker.NewSealer(broker.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill gives every field of a session a value, also those that were added
// after this test was written.
func fill(t testing.TB, v reflect.Value, name string) {
	t.Helper()
	switch v.Interface().(type) {
	case secret.Text:
		v.Set(reflect.ValueOf(secret.New("secret of " + name)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("value of " + name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), name)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, name)
		fill(t, value, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("field %s is of kind %s, which this test cannot fill", name, v.Kind())
	}
}

func TestEveryFieldOfASessionSurvivesSealing(t *testing.T) {
	s := newSealer(t)
	var want broker.Session
	fill(t, reflect.ValueOf(&want).Elem(), "Session")
	sealed, err := s.Seal(want)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := s.Index(broker.Ref{ID: want.ID})
	got, err := s.Open(id, sealed)
	if err != nil {
		t.Fatal(err)
	}
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range w.NumField() {
		name := w.Type().Field(i).Name
		if text, ok := reflect.TypeAssert[secret.Text](w.Field(i)); ok {
			if other, ok := reflect.TypeAssert[secret.Text](g.Field(i)); !ok || !text.Equal(other) {
				t.Errorf("%s did not survive", name)
			}
		} else if !reflect.DeepEqual(w.Field(i).Interface(), g.Field(i).Interface()) {
			t.Errorf("%s = %v, want %v", name, g.Field(i), w.Field(i))
		}
	}
	for _, clear := range []string{"secret of", "value of"} {
		if bytes.Contains(sealed, []byte(clear)) {
			t.Errorf("%q shows in what was sealed", clear)
		}
	}
}

func TestASealedSessionOpensAsItselfOnly(t *testing.T) {
	s := newSealer(t)
	sealed, err := s.Seal(broker.Session{ID: "one", Ciphertext: "envelope"})
	if err != nil {
		t.Fatal(err)
	}
	one, _ := s.Index(broker.Ref{ID: "one"})
	two, _ := s.Index(broker.Ref{ID: "two"})
	if _, err := s.Open(one, sealed); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(two, sealed); err == nil {
		t.Error("it opens as another session")
	}
	if _, err := newSealer(t).Open(one, sealed); err == nil {
		t.Error("it opens with another key")
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := s.Open(one, damaged); err == nil {
			t.Errorf("it opens with bit 0 of byte %d flipped", i)
		}
		if _, err := s.Open(one, sealed[:i]); err == nil {
			t.Errorf("it opens when cut to %d bytes", i)
		}
	}
}

func TestIndexesDependOnKeyAndKind(t *testing.T) {
	s, other := newSealer(t), newSealer(t)
	digest := broker.Digest{1}
	seen := map[broker.Index]string{}
	for name, of := range map[string]func() (broker.Index, bool){
		"code":          func() (broker.Index, bool) { return s.Index(broker.Ref{Code: digest}) },
		"state":         func() (broker.Index, bool) { return s.Index(broker.Ref{State: digest}) },
		"id":            func() (broker.Index, bool) { return s.Index(broker.Ref{ID: string(digest[:])}) },
		"other code":    func() (broker.Index, bool) { return s.Index(broker.Ref{Code: broker.Digest{2}}) },
		"code, new key": func() (broker.Index, bool) { return other.Index(broker.Ref{Code: digest}) },
		"key":           func() (broker.Index, bool) { return s.KeyID(), true },
		"new key":       func() (broker.Index, bool) { return other.KeyID(), true },
	} {
		index, ok := of()
		if before := seen[index]; !ok || before != "" {
			t.Errorf("index of %s: %v, the same as of %q", name, ok, before)
		}
		seen[index] = name
	}
	if _, ok := s.Index(broker.Ref{}); ok {
		t.Error("an empty Ref has an index")
	}
}

func TestSealKeys(t *testing.T) {
	good := broker.NewSealKey().Reveal()
	for text, ok := range map[string]bool{
		good: true, " " + good + "\n": true, strings.TrimRight(good, "="): true,
		strings.NewReplacer("+", "-", "/", "_").Replace(good): true,
		"": false, good[:40]: false, good + "AAAA": false, "canary-not-base64!": false,
	} {
		_, err := broker.NewSealer(secret.New(text))
		if (err == nil) != ok {
			t.Errorf("a key of %d characters: %v, want accepted: %v", len(text), err, ok)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func FuzzOpenSealed(f *testing.F) {
	s := newSealer(f)
	id, _ := s.Index(broker.Ref{ID: "one"})
	sealed, err := s.Seal(broker.Session{ID: "one"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:20])
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := s.Open(id, data); (err == nil) != bytes.Equal(data, sealed) {
			t.Errorf("Open of %d bytes: %v", len(data), err)
		}
	})
}

func FuzzDecodeSession(f *testing.F) {
	var full broker.Session
	fill(f, reflect.ValueOf(&full).Elem(), "Session")
	text, err := broker.TestEncodeSession(&full)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"ID":"x","Expires":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"FromTheFuture":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := broker.TestDecodeSession(data)
		if err != nil {
			return
		}
		once, err := broker.TestEncodeSession(&s)
		if err != nil {
			t.Skip("a time outside the years that JSON has")
		}
		again, err := broker.TestDecodeSession(once)
		if err != nil || again.ID != s.ID || !again.Code.Equal(s.Code) || !again.Expires.Equal(s.Expires) {
			t.Errorf("decode, encode, decode: %+v, %v; want %+v", again, err, s)
		}
	})
}

func TestASessionOfANewerBrokerIsNotReadInPart(t *testing.T) {
	if _, err := broker.TestDecodeSession([]byte(`{"ID":"x","OnlyFor":"somebody"}`)); err == nil {
		t.Error("a field that is not known was dropped")
	}
	s, err := broker.TestDecodeSession([]byte(`{"ID":"x"}`))
	if err != nil || s.ID != "x" {
		t.Errorf("an older session: %+v, %v", s, err)
	}
}
