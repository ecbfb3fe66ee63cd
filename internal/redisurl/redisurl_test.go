package redisurl_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"linkmail/internal/redisurl"
	"linkmail/internal/secret"
)

func TestOnlyURLsOfRedisAreAccepted(t *testing.T) {
	for url, ok := range map[string]bool{
		"redis://127.0.0.1": true, "redis://127.0.0.1:6379/3": true, "rediss://user:canary@redis.example:6380": true, "redis://:canary@h": true,
		"": false, "127.0.0.1:6379": false, "http://canary.example": false, "redis://": false, "redis://h?max_retries=3": false, "redis://h#canary": false,
		"redis://u:canary@h/x": false, "redis://u:canary@h:port": false, "redis://u:can%ary@h": false, "unix:///canary": false,
	} {
		err := redisurl.Check(secret.New(url))
		if (err == nil) != ok || !ok && !errors.Is(err, redisurl.ErrForm) {
			t.Errorf("%q: %v, want accepted: %v", url, err, ok)
		}
		if err != nil && strings.Contains(err.Error(), "can") {
			t.Errorf("the error repeats the URL: %v", err)
		}
		if _, same := redisurl.Options(secret.New(url)); !errors.Is(same, err) {
			t.Errorf("%q: Check says %v and Options %v", url, err, same)
		}
	}
}

func TestTheURLSaysWhereAndAsWhom(t *testing.T) {
	opt, err := redisurl.Options(secret.New("redis://user:canary@redis.example:6380/3"))
	if err != nil {
		t.Fatal(err)
	}
	if opt.Addr != "redis.example:6380" || opt.Username != "user" || opt.Password != "canary" || opt.DB != 3 || opt.TLSConfig != nil {
		t.Errorf("got %s, user %s, database %d, TLS %v", opt.Addr, opt.Username, opt.DB, opt.TLSConfig != nil)
	}
}

func TestTLSIsForItsHostAndNotOld(t *testing.T) {
	opt, err := redisurl.Options(secret.New("rediss://redis.example"))
	if err != nil {
		t.Fatal(err)
	}
	if c := opt.TLSConfig; c == nil || c.ServerName != "redis.example" || c.MinVersion != tls.VersionTLS12 || c.InsecureSkipVerify {
		t.Errorf("got %+v, want a check of redis.example with TLS 1.2 or later", c)
	}
}

func TestNoWaitIsWithoutABound(t *testing.T) {
	opt, err := redisurl.Options(secret.New("redis://h"))
	if err != nil {
		t.Fatal(err)
	}
	for name, wait := range map[string]time.Duration{
		"dial": opt.DialTimeout, "read": opt.ReadTimeout, "write": opt.WriteTimeout, "pool": opt.PoolTimeout,
	} {
		if wait != redisurl.Wait {
			t.Errorf("%s: %v, want %v", name, wait, redisurl.Wait)
		}
	}
	if !opt.ContextTimeoutEnabled {
		t.Error("a context that ends does not end the wait for an answer")
	}
}
