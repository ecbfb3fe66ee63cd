package mailbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	gmail "google.golang.org/api/gmail/v1"
	"google.golang.org/api/option"
)

const (
	defaultEndpoint = "https://gmail.googleapis.com/"
	// me stands for the signed-in user in every path.
	me = "me"
	// refreshAfter is how long what changes rarely (label names, sender
	// addresses, the account itself) is taken from memory.
	refreshAfter = 10 * time.Minute
)

// Client works for one mailbox. It is safe for concurrent use.
type Client struct {
	service *gmail.Service
	http    *http.Client
	root    *url.URL
	host    host
	now     func() time.Time
	quota   *quota
	batches batches
	known   known
	reading chan struct{} // holds the document that is read

	account  remembered[string]
	labels   remembered[labelSet]
	identity remembered[[]sender]
}

// New returns a client. It sends nothing: call [Client.Warm] to open the
// connection ahead of the first question.
func New(cfg Config) (*Client, error) {
	if cfg.HTTP == nil {
		return nil, errors.New("mailbox: Config.HTTP is missing")
	}
	root, err := endpoint(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	if cfg.UnitsPerMinute == 0 {
		cfg.UnitsPerMinute = DefaultUnits
	}
	if cfg.UnitsPerMinute < MinUnits {
		return nil, fmt.Errorf("mailbox: Config.UnitsPerMinute is %d, but a single send costs %d", cfg.UnitsPerMinute, MinUnits)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
	base := cfg.HTTP("gmail")
	if base == nil {
		return nil, errors.New(`mailbox: Config.HTTP has no transport for "gmail"`)
	}
	c := &Client{
		http: &http.Client{
			Transport: &transport{base: base, agent: "linkmail/" + cfg.Version + " (gzip)"},
			// Gmail does not redirect. What does is a sign-in page on the way.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		root:    root,
		host:    host(root.Host),
		now:     cfg.Now,
		quota:   &quota{limit: cfg.UnitsPerMinute, now: cfg.Now, nearly: cfg.NearlySpent},
		batches: batches{slot: make(chan struct{}, 1), size: maxPart},
		known:   newKnown(),
		reading: make(chan struct{}, 1),
	}
	// An environment variable of the library would otherwise make it write
	// whole mails to standard error.
	silent := slog.New(slog.DiscardHandler) //nolint:forbidigo // the library takes no other kind of logger
	c.service, err = gmail.NewService(context.Background(), option.WithHTTPClient(c.http),
		option.WithEndpoint(root.String()), option.WithLogger(silent))
	if err != nil {
		return nil, fmt.Errorf("mailbox: set up the Gmail service: %w", err)
	}
	return c, nil
}

// endpoint checks the root of the API: https, or http on a loopback address.
func endpoint(s string) (*url.URL, error) {
	if s == "" {
		s = defaultEndpoint
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("mailbox: the Gmail endpoint is not a plain URL such as " + defaultEndpoint)
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme != "http":
		return nil, errors.New("mailbox: the Gmail endpoint has to be an https URL")
	case !loopback(u.Hostname()):
		return nil, errors.New("mailbox: the Gmail endpoint may be http on a loopback address only, as it is given tokens")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// idForm is what an id may look like. Gmail's are hexadecimal; other servers
// that speak its API use letters. None of these has a meaning in a path.
var idForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// checkID refuses an id that cannot be one.
func checkID(id string) error {
	if !idForm.MatchString(id) {
		return invalid("the message id is not in the form of one", "Use an id exactly as a search returned it.")
	}
	return nil
}

// Warm opens the connection, has the transport fetch its token, and learns the
// account. Calling it is optional and costs one quota unit.
func (c *Client) Warm(ctx context.Context) error {
	return c.host.exists(c.read(ctx, newBudget(), profileOp, unitsProfile, c.profile))
}

// Account returns the mailbox's own address, from memory if it was read
// within the last ten minutes.
func (c *Client) Account(ctx context.Context) (string, error) {
	if address, ok := c.account.recall(c.now()); ok {
		return address, nil
	}
	if err := c.Warm(ctx); err != nil {
		return "", err
	}
	address, _ := c.account.recall(c.now())
	return address, nil
}

const profileOp = "read the account"

// readProfile learns the account beside something else, for which there is no
// trying again, and reports whether that worked.
func (c *Client) readProfile(ctx context.Context) bool {
	return c.once(ctx, profileOp, unitsProfile, c.profile) == nil
}

// profile asks for the address and the position in the mailbox's history. An
// address other than before means that another account was signed in:
// everything that is remembered belongs to the one before.
func (c *Client) profile(ctx context.Context) error {
	p, err := c.service.Users.GetProfile(me).Fields("emailAddress", "historyId").Context(ctx).Do()
	if err != nil {
		return err
	}
	address, _ := cleanLine(p.EmailAddress)
	if before := c.account.store(address, c.now()); before != "" && before != address {
		c.known.forget()
		c.labels.forget()
		c.identity.forget()
	}
	c.known.startAt(p.HistoryId)
	return nil
}

// remembered is a value that is good for refreshAfter.
type remembered[T any] struct {
	mu    sync.Mutex
	value T
	until time.Time
}

func (r *remembered[T]) recall(now time.Time) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value, now.Before(r.until)
}

// last returns the value even if it is too old, or the zero value.
func (r *remembered[T]) last() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

// store returns the value that was there before.
func (r *remembered[T]) store(value T, now time.Time) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.value
	r.value, r.until = value, now.Add(refreshAfter)
	return before
}

// age makes the value too old, but keeps it as the last.
func (r *remembered[T]) age() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = time.Time{}
}

func (r *remembered[T]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var none T
	r.value, r.until = none, time.Time{}
}
