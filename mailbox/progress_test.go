package mailbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"linkmail/internal/standin"
	"linkmail/mailbox"
)

func TestALongSearchTellsHowFarItHasGot(t *testing.T) {
	r := newRig(t, standin.Config{})
	r.fill(60)
	told := func(n int) (said []int) {
		ctx := mailbox.WithProgress(t.Context(), func(done, total int, what string) {
			if total != n || what != "mails" {
				t.Errorf("told of %d of %d %s, want of %d mails", done, total, what, n)
			}
			said = append(said, done)
		})
		if _, err := r.Search(ctx, mailbox.Query{Text: "in:inbox", Max: n}); err != nil {
			t.Fatal(err)
		}
		return said
	}
	if got := told(20); len(got) != 0 {
		t.Errorf("a search of one batch told of %v", got)
	}
	r = newRig(t, standin.Config{})
	r.fill(60)
	if got, want := told(50), []int{20, 40}; !slices.Equal(got, want) {
		t.Errorf("told of %v mails, want %v", got, want)
	}
}

// report is what a call told: of each step, and of what in all.
type report struct {
	done  []int
	total int
	what  string
}

// following runs a call that tells how far it has got, and checks what holds
// for every one.
func following(t *testing.T, do func(context.Context) error) (r report) {
	t.Helper()
	if err := do(mailbox.WithProgress(t.Context(), func(done, total int, what string) {
		if len(r.done) > 0 && (done <= r.done[len(r.done)-1] || total != r.total || what != r.what) || done >= total {
			t.Errorf("told of %d of %d %s after %+v", done, total, what, r)
		}
		r.done, r.total, r.what = append(r.done, done), total, what
	})); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestManyRequestsTellHowFarTheyHaveGot(t *testing.T) {
	r := newRig(t, standin.Config{})
	inbox := slices.Repeat([]string{"INBOX"}, 45)
	var threads, read []string
	for i := range 45 {
		threads = append(threads, r.deliver(fmt.Sprintf("From: Fay <fay@example.net>\r\nSubject: thread %d\r\n\r\nHello.\r\n", i)))
		read = append(read, r.deliver(fmt.Sprintf("From: Fay <fay@example.net>\r\nSubject: read %d\r\n\r\nHello.\r\n", i), "INBOX"))
	}
	for name, test := range map[string]struct {
		do   func(context.Context) error
		want report
	}{
		"labels are counted": {func(ctx context.Context) error {
			_, err := r.CountLabels(ctx, inbox)
			return err
		}, report{[]int{20, 40}, 45, "labels"}},
		"a few labels are": {func(ctx context.Context) error {
			_, err := r.CountLabels(ctx, inbox[:20])
			return err
		}, report{}},
		"threads go to the trash": {func(ctx context.Context) error {
			_, err := r.Relabel(ctx, mailbox.Change{Threads: threads, Add: []string{"TRASH"}})
			return err
		}, report{[]int{20, 40}, 45, "threads"}},
		"mails that may not exist are asked about": {func(ctx context.Context) error {
			_, err := r.Relabel(ctx, mailbox.Change{Messages: read, Remove: []string{"UNREAD"}})
			return err
		}, report{[]int{20, 40}, 45, "mails"}},
	} {
		if got := following(t, test.do); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: told of %v, want %v", name, got, test.want)
		}
	}
}

func TestAThreadWithTextsApartTellsOfEach(t *testing.T) {
	r := newRig(t, standin.Config{})
	thread, _ := r.talk(3, func(i int) string { return strings.Repeat(number(i)+"\r\n", 50_000*i) })
	got := following(t, func(ctx context.Context) error {
		_, err := r.Thread(ctx, mailbox.ThreadQuery{ID: thread})
		return err
	})
	if want := (report{[]int{1, 2}, 3, "mails"}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told of %v, want %v", got, want)
	}
}

const mega = 1 << 20

// tells checks that a transfer tells of at most every tenth of size bytes.
func (r report) tells(t *testing.T, name string, size int) {
	t.Helper()
	if n := len(r.done); n < 4 || n > 10 || r.what != "bytes" || r.total < size || r.total > size+size/2 {
		t.Errorf("%s: told of %+v, want of every tenth of %d bytes", name, r, size)
	}
}

func TestALargeAttachmentTellsHowMuchIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{})
		id := r.attach(file("a.bin", "application/octet-stream", strings.Repeat("x", 12*mega)), file("b.bin", "application/octet-stream", strings.Repeat("x", mega/2)))
		fetch := func(name string) report {
			return following(t, func(ctx context.Context) error {
				_, err := r.AttachedFile(ctx, id, mailbox.PartRef{Name: name}, 20*mega)
				return err
			})
		}
		fetch("a.bin").tells(t, "12 MB", 12*mega)
		if got := fetch("b.bin"); len(got.done) != 0 {
			t.Errorf("half a megabyte told of %v", got)
		}
	})
}

func TestALargeMailTellsHowMuchIsHandedOver(t *testing.T) {
	r := newRig(t, standin.Config{})
	large, small := letter, letter
	large.Attachments = []mailbox.File{{Attachment: mailbox.Attachment{Name: "a.bin", Type: "application/octet-stream"}, Content: make([]byte, 12*mega)}}
	small.Attachments = []mailbox.File{{Attachment: mailbox.Attachment{Name: "a.bin", Type: "application/octet-stream"}, Content: make([]byte, mega)}}
	for name, do := range map[string]func(context.Context, mailbox.Outgoing) error{
		"sent": func(ctx context.Context, o mailbox.Outgoing) error {
			_, err := r.Send(ctx, o)
			return err
		},
		"saved": func(ctx context.Context, o mailbox.Outgoing) error {
			_, err := r.Draft(ctx, o)
			return err
		},
	} {
		following(t, func(ctx context.Context) error { return do(ctx, large) }).tells(t, name, 12*mega)
		if got := following(t, func(ctx context.Context) error { return do(ctx, small) }); len(got.done) != 0 {
			t.Errorf("%s: a mail of a megabyte told of %v", name, got)
		}
	}
	if sent := r.world.Sent(standin.DefaultUser); len(sent) != 2 || !slices.ContainsFunc(sent, func(s standin.RawMessage) bool { return len(s.Raw) > 12*mega }) {
		t.Errorf("%d mails were sent, want both whole", len(sent))
	}
}

func TestATransferThatBeginsAgainTellsNoStepBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Config{}, func(cfg *mailbox.Config) {
			whole, cut := cfg.HTTP("gmail"), false
			cfg.HTTP = func(string) http.RoundTripper {
				return roundTripper(func(req *http.Request) (*http.Response, error) {
					resp, err := whole.RoundTrip(req)
					if err == nil && strings.Contains(req.URL.Path, "/attachments/") && !cut {
						cut = true
						resp.Body = struct {
							io.Reader
							io.Closer
						}{io.MultiReader(io.LimitReader(resp.Body, 8*mega), broken{}), resp.Body}
					}
					return resp, err
				})
			}
		})
		id := r.attach(file("a.bin", "application/octet-stream", strings.Repeat("x", 12*mega)))
		following(t, func(ctx context.Context) error {
			_, err := r.AttachedFile(ctx, id, mailbox.PartRef{}, 20*mega)
			return err
		}).tells(t, "in two attempts", 12*mega)
		if n := r.fetches(); n != 2 {
			t.Errorf("it was asked for %d times, want twice", n)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// broken is what is left of a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
