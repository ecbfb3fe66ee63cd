package broker

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The metrics. All label values are from small fixed sets: states, routes,
// providers of the configuration. No name of a key, address, code or session
// is one.
var (
	metricSessions  = family{"linkauth_sessions_created_total", "counter", "Sessions that were opened.", []string{"kind"}}
	metricMoves     = family{"linkauth_session_transitions_total", "counter", "Transitions of sessions.", []string{"kind", "to"}}
	metricRequests  = family{"linkauth_http_requests_total", "counter", "HTTP requests that were answered.", []string{"route", "status"}}
	metricSeconds   = family{"linkauth_http_request_seconds_total", "counter", "Time spent on HTTP requests.", []string{"route"}}
	metricCallbacks = family{"linkauth_callback_attempts_total", "counter", "Attempts to deliver a callback.", []string{"outcome"}}
	metricTrades    = family{"linkauth_token_requests_total", "counter", "Requests for tokens on behalf of agents.", []string{"kind", "provider", "outcome"}}
	metricCodes     = family{"linkauth_codes_refused_total", "counter", "Requests with a wrong code (missed), and those of addresses that had too many (stopped) or came when all had (spent).", []string{"reason"}}
	metricLimited   = family{"linkauth_rate_limited_total", "counter", "Requests of agents for more than one may have in a minute.", []string{"kind"}}
	metricOpen      = family{"linkauth_sessions", "gauge", "Sessions in the store.", nil}
	metricStreams   = family{"linkauth_event_streams", "gauge", "Streams of events that are open.", nil}
	metricUp        = family{"linkauth_store_up", "gauge", "Whether the store answers.", nil}
)

// family is what the samples of one metric have in common.
type family struct {
	name, kind, help string
	labels           []string
}

// metrics counts for Prometheus, in its text format (version 0.0.4). The
// format is a dozen lines; its client library would be eight more modules.
type metrics struct {
	mu      sync.Mutex
	samples map[string]map[string]float64 // by family and labels
}

func newMetrics() *metrics { return &metrics{samples: make(map[string]map[string]float64)} }

// add counts. There are as many values as the family has labels.
func (m *metrics) add(f family, n float64, values ...string) {
	var labels strings.Builder
	for i, value := range values {
		if i > 0 {
			labels.WriteByte(',')
		}
		labels.WriteString(f.labels[i] + "=" + quoteLabel(value))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.samples[f.name] == nil {
		m.samples[f.name] = make(map[string]float64)
	}
	m.samples[f.name][labels.String()] += n
}

// quoteLabel writes a label value; the format knows three escapes.
func quoteLabel(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}

func (m *metrics) moved(s Session, from State) {
	if from == "" {
		m.add(metricSessions, 1, string(s.Kind))
		return
	}
	m.add(metricMoves, 1, string(s.Kind), string(s.State))
}

// request counts an answered request. A path without a route is one row.
func (m *metrics) request(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.add(metricRequests, 1, route, strconv.Itoa(status))
	if !strings.HasSuffix(route, "/events") { // those last as long as people take
		m.add(metricSeconds, max(0, took.Seconds()), route)
	}
}

// write writes the counters, in a fixed order.
func (m *metrics) write(out *strings.Builder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range []family{metricSessions, metricMoves, metricRequests, metricSeconds, metricCallbacks, metricTrades, metricCodes, metricLimited} {
		f.head(out)
		for _, labels := range slices.Sorted(maps.Keys(m.samples[f.name])) {
			fmt.Fprintf(out, "%s{%s} %s\n", f.name, labels, number(m.samples[f.name][labels]))
		}
	}
}

func (f family) head(out *strings.Builder) {
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
}

func (f family) gauge(out *strings.Builder, n int) {
	f.head(out)
	fmt.Fprintf(out, "%s %d\n", f.name, n)
}

func number(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }

// scrape is GET /metrics. It is for the machine and its own network: to
// everyone else, and to whoever comes through a proxy that is not trusted to
// say who that is, there is no such page.
func (b *Broker) scrape(w http.ResponseWriter, r *http.Request) error {
	addr := clientAddr(r)
	_, told := r.Context().Value(clientKey{}).(netip.Addr)
	forwarded := r.Header.Get("X-Forwarded-For")+r.Header.Get("Forwarded") != ""
	if !addr.IsLoopback() && !addr.IsPrivate() || forwarded && !told {
		return newProblem(http.StatusNotFound, "Not Found", "")
	}
	var out strings.Builder
	b.metrics.write(&out)
	b.gauges(r.Context(), &out)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(out.String()))
	return nil
}

func (b *Broker) gauges(ctx context.Context, out *strings.Builder) {
	live, err := b.store.Count(ctx)
	if err == nil {
		metricOpen.gauge(out, live)
		metricUp.gauge(out, 1)
	} else {
		metricUp.gauge(out, 0)
	}
	metricStreams.gauge(out, b.streams.open())
}
