package storetest

import (
	"net"
	"sync"
	"testing"
)

// Nobody returns an address at which no store answers: whoever connects is hung
// up on. The test holds the port, because one that is free may be taken in the
// next moment, by a program that accepts and says nothing.
func Nobody(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
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
