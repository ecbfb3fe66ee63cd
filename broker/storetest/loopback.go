package storetest

import (
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// listen takes a free port of this machine.
func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// serving serves until the test ends, and returns where.
func serving(t *testing.T, h http.Handler) string {
	t.Helper()
	ln := listen(t)
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	var work sync.WaitGroup
	work.Go(func() { _ = srv.Serve(ln) })
	t.Cleanup(func() {
		_ = srv.Close()
		work.Wait()
	})
	return "http://" + ln.Addr().String()
}

// Nobody returns an address at which no store answers: whoever connects is hung
// up on. The test holds the port, because one that is free may be taken in the
// next moment, by a program that accepts and says nothing.
func Nobody(t *testing.T) string {
	t.Helper()
	ln := listen(t)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		work.Wait()
	})
	return ln.Addr().String()
}
