package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"linkmail/broker"
)

// Keys of what is counted, see limits_script.go.
const (
	kindRate   = "r:"
	kindMisses = "m:"
)

func (s *Store) known() string   { return s.prefix + "known" }
func (s *Store) charged() string { return s.prefix + "charged" }

// count runs a script that counts, once: what was counted and not answered
// stays counted.
func (s *Store) count(ctx context.Context, op string, script *redis.Script, keys []string, args ...any) ([]string, error) {
	var said []string
	err := s.fuse.try(func() (err error) {
		said, err = script.Run(ctx, s.write, keys, args...).StringSlice()
		return err
	})
	if err != nil {
		return nil, fault(op, err)
	}
	if len(said) == 0 {
		return nil, errAnswer
	}
	return said, nil
}

// Take implements [broker.Limits].
func (s *Store) Take(ctx context.Context, perMinute int, buckets ...broker.Digest) (time.Duration, error) {
	keys := make([]string, len(buckets))
	for i, bucket := range buckets {
		keys[i] = s.key(kindRate, s.sealer.Name(bucket))
	}
	minute := time.Minute.Microseconds()
	said, err := s.count(ctx, "take", takeScript, keys, max(1, minute/int64(perMinute)), perMinute, minute)
	if err != nil {
		return 0, err
	}
	wait, err := strconv.ParseInt(said[0], 10, 64)
	if err != nil {
		return 0, errAnswer
	}
	return time.Duration(wait) * time.Microsecond, nil
}

// Guess implements [broker.Limits].
func (s *Store) Guess(ctx context.Context, g broker.Guess) (broker.Turn, error) {
	address, pair := s.sealer.Name(g.Address), s.sealer.Name(g.Pair)
	said, err := s.count(ctx, "guess", guessScript, []string{s.key(kindMisses, address), s.known(), s.charged(), s.live()},
		address[:], pair[:], g.PerAddress, g.Window.Milliseconds(), g.Shared, g.Least)
	if err != nil {
		return broker.Turn{}, err
	}
	turn := broker.Turn{Verdict: broker.Verdict(said[0])}
	switch {
	case turn.Verdict == broker.Known && len(said) == 1:
		return turn, nil
	case (turn.Verdict == broker.Stopped || turn.Verdict == broker.Spent) && len(said) == 2:
		wait, err := strconv.ParseInt(said[1], 10, 64)
		turn.Wait = time.Duration(wait) * time.Millisecond
		if err == nil {
			return turn, nil
		}
	case turn.Verdict == broker.Charged && len(said) == 2:
		if turn.Charge, err = parseCharge(said[1]); err == nil {
			return turn, nil
		}
	}
	return broker.Turn{}, errAnswer
}

// A charge is a member of the misses of its address: the window of the shared
// count and its number in it.
func charge(c broker.Charge) string { return fmt.Sprintf("%d:%d", c.Window, c.Serial) }

func parseCharge(text string) (c broker.Charge, err error) {
	window, serial, _ := strings.Cut(text, ":")
	if c.Window, err = strconv.ParseInt(window, 10, 64); err != nil {
		return c, err
	}
	c.Serial, err = strconv.ParseInt(serial, 10, 64)
	return c, err
}

// Hit implements [broker.Limits].
func (s *Store) Hit(ctx context.Context, g broker.Guess, c broker.Charge) error {
	address, pair := s.sealer.Name(g.Address), s.sealer.Name(g.Pair)
	_, err := s.count(ctx, "hit", hitScript, []string{s.key(kindMisses, address), s.known(), s.charged()},
		address[:], pair[:], charge(c), c.Window, g.Window.Milliseconds(), g.Memory.Milliseconds(), g.MaxKnown)
	return err
}
