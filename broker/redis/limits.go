package redis

import (
	"context"
	"strconv"
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
	wait, err := integers(said)
	if err != nil {
		return 0, err
	}
	return time.Duration(wait[0]) * time.Microsecond, nil
}

// Guess implements [broker.Limits].
func (s *Store) Guess(ctx context.Context, g broker.Guess) (broker.Turn, error) {
	address, pair := s.sealer.Name(g.Address), s.sealer.Name(g.Pair)
	said, err := s.count(ctx, "guess", guessScript, []string{s.key(kindMisses, address), s.known(), s.charged(), s.live()},
		address[:], pair[:], g.PerAddress, g.Window.Milliseconds(), g.Shared, g.Least)
	if err != nil {
		return broker.Turn{}, err
	}
	numbers, err := integers(said[1:])
	if err != nil {
		return broker.Turn{}, err
	}
	turn := broker.Turn{Verdict: broker.Verdict(said[0])}
	switch {
	case turn.Verdict == broker.Known && len(numbers) == 0:
	case (turn.Verdict == broker.Stopped || turn.Verdict == broker.Spent) && len(numbers) == 1:
		turn.Wait = time.Duration(numbers[0]) * time.Millisecond
	case turn.Verdict == broker.Charged && len(numbers) == 2:
		turn.Charge = broker.Charge{Window: numbers[0], Serial: numbers[1]}
	default:
		return broker.Turn{}, errAnswer
	}
	return turn, nil
}

// integers reads the numbers of an answer, all of which is text.
func integers(said []string) ([]int64, error) {
	numbers := make([]int64, len(said))
	for i, text := range said {
		var err error
		if numbers[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, errAnswer
		}
	}
	return numbers, nil
}

// Hit implements [broker.Limits].
func (s *Store) Hit(ctx context.Context, g broker.Guess, c broker.Charge) error {
	address, pair := s.sealer.Name(g.Address), s.sealer.Name(g.Pair)
	_, err := s.count(ctx, "hit", hitScript, []string{s.key(kindMisses, address), s.known(), s.charged()},
		address[:], pair[:], c.Window, c.Serial, g.Window.Milliseconds(), g.Memory.Milliseconds(), g.MaxKnown)
	return err
}
