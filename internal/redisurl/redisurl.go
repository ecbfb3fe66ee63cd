// Package redisurl owns how we connect to a Redis: what its URL may say, and
// which settings of the driver follow from it. All who keep something in Redis
// take their options from here; what they promise beyond them, as how often a
// command is repeated, is theirs.
package redisurl

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"linkmail/internal/secret"
)

// Wait bounds each wait for the server: for a connection, for one of the pool,
// for a question to be taken and for its answer.
const Wait = 2 * time.Second

// ErrForm says that a URL is not one of Redis. Nothing of the URL is repeated:
// it may hold a password.
var ErrForm = errors.New("it is not redis://[user:password@]host[:port][/database], or rediss:// for TLS")

// Check reports whether [Options] would accept the URL.
func Check(text secret.Text) error {
	_, err := parse(text)
	return err
}

// Options returns how to connect to the Redis at a URL; its only error is
// [ErrForm]. TLS is 1.2 or later. From here on the driver, which has one logger
// for the whole process, writes nothing to standard error by itself.
func Options(text secret.Text) (*redis.Options, error) {
	opt, err := parse(text)
	if err != nil {
		return nil, err
	}
	silence()
	if opt.TLSConfig != nil {
		opt.TLSConfig = &tls.Config{ServerName: opt.TLSConfig.ServerName, MinVersion: tls.VersionTLS12}
	}
	opt.Protocol = 2
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = Wait, Wait, Wait, Wait
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return opt, nil
}

func parse(text secret.Text) (*redis.Options, error) {
	raw := text.Reveal()
	// Options of the driver, as in ?max_retries=3, would undo what its users
	// promise, so there are none.
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrForm
	}
	opt, err := redis.ParseURL(raw)
	if err != nil {
		return nil, ErrForm
	}
	return opt, nil
}

// silence drops what the driver would log; our errors say it.
var silence = sync.OnceFunc(func() { redis.SetLogger(mute{}) })

type mute struct{}

// Printf drops what it is given.
func (mute) Printf(context.Context, string, ...any) {}
