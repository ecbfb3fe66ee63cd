package cache

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"

	"linkmail/internal/secret"
)

// Keyring keeps the one key of the cache. Nothing else goes there: a keyring
// takes as little as 2.5 kB.
type Keyring interface {
	// Load returns the text that was saved, the zero Text if there is none.
	// Any error means that there is no keyring to be had.
	Load() (secret.Text, error)
	// Save keeps text, replacing what was there.
	Save(text secret.Text) error
}

// keyringService and keyringUser name the entry of linkmail.
const (
	keyringService = "linkmail"
	keyringUser    = "cache key"
)

// SystemKeyring returns the keyring of the operating system: Keychain,
// Credential Manager, or the Secret Service on the D-Bus session whose address
// is given (DBUS_SESSION_BUS_ADDRESS). Where the Secret Service is the only
// one and there is no session, it returns nil: the client library would try to
// start a bus.
func SystemKeyring(busAddress string) Keyring {
	switch runtime.GOOS {
	case "darwin", "windows":
		return systemKeyring{}
	}
	if busAddress == "" || busAddress == "autolaunch:" {
		return nil
	}
	return systemKeyring{}
}

type systemKeyring struct{}

func (systemKeyring) Load() (secret.Text, error) {
	text, err := keyring.Get(keyringService, keyringUser)
	if errors.Is(err, keyring.ErrNotFound) {
		return secret.Text{}, nil
	}
	return secret.New(text), err
}

func (systemKeyring) Save(text secret.Text) error {
	return keyring.Set(keyringService, keyringUser, text.Reveal())
}

// ask calls the keyring. It reports false if there is none or it does not
// answer within cfg.Wait: a locked keyring may ask its user for a password and
// no one may be there. Such a keyring is not asked again. The error is that of
// ctx, whose end says nothing about the keyring.
//
// The call cannot be cancelled; one that is left behind ends when the keyring
// answers, or with the process.
func (cfg *KeyConfig) ask(ctx context.Context, call func(Keyring) (secret.Text, error)) (text secret.Text, ok bool, err error) {
	ring := cfg.Keyring
	if ring == nil {
		return secret.Text{}, false, ctx.Err()
	}
	type answer struct {
		text secret.Text
		err  error
	}
	answers := make(chan answer, 1) // takes the answer that no one waits for any more
	go func() {
		text, err := call(ring)
		answers <- answer{text, err}
	}()
	timeout := time.NewTimer(cfg.Wait)
	defer timeout.Stop()
	select {
	case a := <-answers:
		if a.err == nil {
			return a.text, true, nil
		}
	case <-timeout.C:
	case <-ctx.Done():
		return secret.Text{}, false, ctx.Err()
	}
	cfg.Keyring = nil
	return secret.Text{}, false, nil
}
