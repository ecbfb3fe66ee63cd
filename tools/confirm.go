package tools

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"linkmail/mailbox"
)

// confirmationTTL is how long a user has to agree to a mail.
const confirmationTTL = 10 * time.Minute

// A confirmation lets one mail go out once. The token is random and says
// nothing; what is stored under its hash is the digest of the mail it was given
// for and the time it ends, so neither the store nor the model holds anything
// from which another mail could be confirmed.
type confirmation struct {
	key    string
	value  []byte // digest of the mail, then the Unix time of the end
	digest []byte
	ends   time.Time
}

// verdict is what a token is worth for a mail.
type verdict string

// The texts are what the user is told together with the new question.
const (
	confirmed     verdict = ""
	tokenUnknown  verdict = "The confirmationToken was not accepted: it is unknown, used or expired."
	tokenMismatch verdict = "The confirmationToken was not accepted: it was given for a mail with other recipients, subject, body, attachments or sender."
)

// storeError says that confirmations cannot be kept.
type storeError struct{ err error }

func (e *storeError) Error() string { return "tools: keep confirmation: " + e.err.Error() }

func (e *storeError) Unwrap() error { return e.err }

// Explain returns the error in the four parts that the server answers with.
func (e *storeError) Explain() (code, message, hint string, retryAfter time.Duration) {
	return "confirmation_unavailable", "the confirmation could not be kept, so the mail was not sent",
		"Make the cache directory writable, or let LINKMAIL_SEND say that mails are saved as drafts.", 0
}

// notKept is the error for a store that failed, unless it failed because the
// caller went away.
func notKept(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &storeError{err}
}

// errNoStore is the cause when nothing was configured to keep them.
var errNoStore = fmt.Errorf("no store is configured")

// issue keeps a new confirmation for mail and returns its token.
func issue(ctx context.Context, store Confirmations, mail mailbox.Outgoing, now time.Time) (token string, ends time.Time, err error) {
	token = rand.Text()
	ends = now.Add(confirmationTTL).Truncate(time.Second)
	value := binary.BigEndian.AppendUint64(digest(mail), uint64(ends.Unix())) //nolint:gosec // a time after 1970
	key := confirmationKey(token)
	err = noteOpen(ctx, store, key, ends, now)
	if err == nil {
		err = store.Put(ctx, key, value, confirmationTTL)
	}
	if err != nil {
		return "", time.Time{}, notKept(ctx, err)
	}
	return token, ends, nil
}

// redeem uses a token up, whatever it turns out to be worth. Of two callers
// with one token, in one process or in two, only one gets [confirmed].
func redeem(ctx context.Context, store Confirmations, token string, mail mailbox.Outgoing, now time.Time) (confirmation, verdict, error) {
	c := confirmation{key: confirmationKey(token), digest: digest(mail)}
	unlock, err := store.Lock(ctx, c.key)
	if err != nil {
		return c, tokenUnknown, notKept(ctx, err)
	}
	defer unlock()
	// A store that cannot be read holds no confirmation. Asking again is the
	// safe answer, and fails by itself if the store cannot be written either.
	c.value, err = store.Get(ctx, c.key)
	if err != nil || len(c.value) != sha256.Size+8 {
		return c, tokenUnknown, nil
	}
	if err := store.Delete(ctx, c.key); err != nil {
		return c, tokenUnknown, notKept(ctx, err)
	}
	c.ends = time.Unix(int64(binary.BigEndian.Uint64(c.value[sha256.Size:])), 0) //nolint:gosec // written by issue
	switch {
	case !now.Before(c.ends):
		return c, tokenUnknown, nil
	case subtle.ConstantTimeCompare(c.value[:sha256.Size], c.digest) != 1:
		return c, tokenMismatch, nil
	}
	return c, confirmed, nil
}

// restore makes a redeemed confirmation good again, after an error that says
// that nothing was sent: the user has agreed, and need not be asked twice.
func restore(ctx context.Context, store Confirmations, c confirmation, now time.Time) error {
	if ttl := c.ends.Sub(now); ttl > 0 {
		return store.Put(ctx, c.key, c.value, ttl)
	}
	return nil
}

func confirmationKey(token string) string {
	sum := sha256.Sum256([]byte("linkmail confirmation token\x00" + token))
	return "confirm-" + hex.EncodeToString(sum[:16])
}

// digest is the SHA-256 of everything that makes a mail what it is, and that a
// user is warned of with it. Every part
// is preceded by its length, so no two mails share an encoding.
func digest(mail mailbox.Outgoing) []byte {
	h := sha256.New()
	part := func(s string) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	part("linkmail confirmed mail 3")
	for _, list := range [][]string{mail.ReplyTo, mail.To, mail.Cc, mail.Bcc} {
		part(fmt.Sprint(len(list)))
		for _, address := range list {
			part(address)
		}
	}
	for _, s := range []string{
		mail.From, mail.Subject, mail.Text, mail.HTML, fmt.Sprint(mail.Markdown), mail.Signature.Text, mail.Signature.HTML,
		mail.Quoted.Text, mail.Quoted.HTML, mail.Thread.ID, mail.Thread.InReplyTo,
		fmt.Sprint(mail.Source), fmt.Sprint(len(mail.Thread.References)),
	} {
		part(s)
	}
	for _, s := range slices.Concat(mail.Thread.References, []string{mail.Draft.ID, mail.Draft.MessageID, fmt.Sprint(len(mail.Attachments))}) {
		part(s)
	}
	for _, f := range mail.Attachments {
		part(f.Name)
		part(f.Type)
		part(f.Charset)
		part(f.ContentID)
		part(string(f.Content))
	}
	return h.Sum(nil)
}
