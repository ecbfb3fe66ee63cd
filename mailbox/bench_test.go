package mailbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/option"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

// The benchmarks run over TLS and HTTP/2 on loopback with 50 ms added to every
// request, and report how many round trips a search takes (median), next to how many
// times longer the plain way takes: a list and then each mail in turn.

// track is a server and a transport with a warm connection to it.
type track struct {
	world *standin.World
	url   string
	auth  http.RoundTripper
}

func newTrack(b *testing.B, wall int) *track {
	b.Helper()
	w := standin.NewWorld(standin.Config{Delay: roundTrip, Wall: wall})
	s := httptest.NewUnstartedServer(w.Gmail())
	s.EnableHTTP2 = true
	s.StartTLS()
	b.Cleanup(s.Close)
	token := w.IssueToken(standin.DefaultUser, []string{gmailModify}, time.Hour)
	return &track{w, s.URL, bearer{token: token, base: s.Client().Transport}}
}

// client returns a client that knows no mail yet, with its connection warm, as
// "linkmail serve" makes it before the first call.
func (k *track) client(b *testing.B) *mailbox.Client {
	b.Helper()
	c, err := mailbox.New(mailbox.Config{
		HTTP:     func(string) http.RoundTripper { return k.auth },
		Endpoint: k.url, UnitsPerMinute: 1 << 30,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	return c
}

// sequential is how long a list and n gets in turn take.
func (k *track) sequential(b *testing.B, n int) time.Duration {
	b.Helper()
	service, err := gmail.NewService(context.Background(),
		option.WithHTTPClient(&http.Client{Transport: k.auth}), option.WithEndpoint(k.url+"/"))
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	list, err := service.Users.Messages.List("me").MaxResults(int64(n)).Context(b.Context()).Do()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range list.Messages {
		if _, err := service.Users.Messages.Get("me", m.Id).Format("metadata").Context(b.Context()).Do(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// benchmarkSearch searches for n mails where Gmail works on wall of them at once
// and refuses more, each time with a client that knows none of them or, if known,
// with one that knows them all.
func benchmarkSearch(b *testing.B, n, wall int, known bool) {
	k := newTrack(b, wall)
	plain := k.sequential(b, n)
	search := func(c *mailbox.Client) {
		page, err := c.Search(b.Context(), mailbox.Query{Max: n})
		if err != nil || len(page.Items) != n || len(page.Failed) != 0 {
			b.Fatalf("got %d mails, failed %v, %v", len(page.Items), page.Failed, err)
		}
	}
	c := k.client(b)
	search(c)
	k.world.ForgetSeen()
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		if !known {
			c = k.client(b)
		}
		b.StartTimer()
		start := time.Now()
		search(c)
		took = append(took, time.Since(start))
	}
	refused := 0
	for _, s := range k.world.Seen() {
		if s.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused > n*b.N {
		b.Errorf("%d refusals in %d searches for %d mails", refused, b.N, n)
	}
	slices.Sort(took)
	each := took[len(took)/2] // the median, as others may use the machine too
	b.ReportMetric(float64(each)/float64(roundTrip), "roundtrips/op")
	b.ReportMetric(float64(plain)/float64(each), "times-faster")
	b.ReportMetric(float64(refused)/float64(b.N), "429s/op")
}

func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{20, 50} {
		for _, wall := range []int{10, 25} {
			b.Run(fmt.Sprintf("mails=%d/wall=%d", n, wall), func(b *testing.B) { benchmarkSearch(b, n, wall, false) })
		}
		b.Run(fmt.Sprintf("mails=%d/known", n), func(b *testing.B) { benchmarkSearch(b, n, 25, true) })
	}
}
