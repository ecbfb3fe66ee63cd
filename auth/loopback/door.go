package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// callbackPath is the only path that the listener knows.
const callbackPath = "/callback"

// door is the listener that the browser comes back to. It is open while a trip
// of this process waits for its browser, and no longer.
type door struct {
	arrive func(ctx context.Context, redirectURI string, params url.Values) error

	mu     sync.Mutex
	server *http.Server
	port   int
	// waits holds the states that this process waits for; a state stays known
	// after its trip has ended, so that no browser is opened twice for it.
	waits  map[string]bool
	timer  *time.Timer
	closed bool
	wg     sync.WaitGroup
}

var errClosed = errors.New("loopback: closed")

// open makes the door listen on port and returns the port it has; 0 takes a
// free one, or the one that it has already.
func (d *door) open(ctx context.Context, port int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return 0, errClosed
	case d.server != nil && (port == 0 || port == d.port):
		return d.port, nil
	case d.server != nil:
		d.stop(ctx) // for a trip of another process, whose port is asked for now
	}
	// Listening on loopback takes no time, so the lock may be held.
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return 0, fmt.Errorf("loopback: %w", err)
	}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(errors.New("loopback: the listener has no port"), ln.Close())
	}
	d.port = tcp.Port
	d.server = &http.Server{
		Handler: http.HandlerFunc(d.serve), MaxHeaderBytes: 16 << 10,
		ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
	}
	srv := d.server
	d.wg.Go(func() { _ = srv.Serve(ln) })
	if d.timer == nil {
		d.timer = time.AfterFunc(tripLife, d.tired)
	}
	return d.port, nil
}

// expect notes that the browser of state is waited for and reports whether
// that is new.
func (d *door) expect(state string, life time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Reset(max(life, time.Second))
	}
	if d.waits == nil {
		d.waits = map[string]bool{}
	}
	_, known := d.waits[state]
	d.waits[state] = true
	return !known
}

// tired closes a door through which nobody came in time.
func (d *door) tired() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop(context.Background())
}

// done notes that a state has arrived. With the last one the door closes.
func (d *door) done(ctx context.Context, state string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waits[state] {
		d.waits[state] = false
	}
	for _, waiting := range d.waits {
		if waiting {
			return
		}
	}
	d.stop(ctx)
}

// stop ends the server. The answer that is being written is still sent.
func (d *door) stop(ctx context.Context) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	srv := d.server
	if srv == nil {
		return
	}
	d.server = nil
	d.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
	})
}

func (d *door) close() {
	d.mu.Lock()
	d.closed = true
	d.stop(context.Background())
	d.mu.Unlock()
	d.wg.Wait()
}

// serve answers the browser. Whatever is not the callback of a trip, a
// favicon, a probe, a page of a stranger, changes nothing.
func (d *door) serve(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Connection", "close")
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	host := fmt.Sprintf("127.0.0.1:%d", port)
	// Another name for this address is how a stranger's page would reach it.
	if r.Host != host || r.URL.Path != callbackPath {
		http.NotFound(rw, r)
		return
	}
	if r.Method != http.MethodGet {
		h.Set("Allow", http.MethodGet)
		http.Error(rw, "This address takes GET only.", http.StatusMethodNotAllowed)
		return
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil {
		err = d.arrive(r.Context(), "http://"+host+callbackPath, params)
	}
	switch {
	case errors.Is(err, errUnknown), errors.Is(err, errUsed):
		page(rw, http.StatusBadRequest, "This link cannot be used", "It belongs to no sign-in that linkmail waits for, or was used before. Ask for a fresh link.")
	case err != nil:
		page(rw, http.StatusInternalServerError, "linkmail could not take this in", "Load this page again. If that does not help, ask for a fresh link.")
		return
	case params.Get("error") != "":
		page(rw, http.StatusOK, "Nothing was connected", "You, or the provider, said no. You can close this page.")
	default:
		page(rw, http.StatusOK, "Thank you", "You can close this page and go back to where you came from.")
	}
	if err == nil {
		d.done(r.Context(), params.Get("state"))
	}
}

// page writes one of the few pages. Its texts are constants.
func page(rw http.ResponseWriter, status int, title, text string) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head><body><h1>%s</h1><p>%s</p></body></html>\n", title, title, text)
}
