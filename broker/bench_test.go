package broker_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"linkmail/broker"
	"linkmail/broker/redis"
	"linkmail/broker/sqlite"
	"linkmail/broker/storetest"
	"linkmail/internal/secret"
)

// BenchmarkStores measures a broker with 10,000 open sessions over each store.
// Redis is measured where LINKMAIL_BENCH_REDIS names one (redis://host:port).
func BenchmarkStores(b *testing.B) {
	var memory storetest.Speed
	b.Run("memory", func(b *testing.B) {
		memory = storetest.Bench(b, broker.NewMemory(broker.MemoryConfig{MaxSessions: 1 << 20}), nil)
	})
	b.Run("sqlite", func(b *testing.B) {
		dir := filepath.Join(b.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		store, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(dir, "broker.db"), Sealer: newSealer(b), MaxSessions: 1 << 20})
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		storetest.Bench(b, store, memory)
	})
	b.Run("redis", func(b *testing.B) {
		url := os.Getenv("LINKMAIL_BENCH_REDIS")
		if url == "" {
			b.Skip("LINKMAIL_BENCH_REDIS names no server")
		}
		store, err := redis.Open(b.Context(), redis.Config{URL: secret.New(url), Sealer: newSealer(b), Prefix: "bench-" + rand.Text(), MaxSessions: 1 << 20})
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		storetest.Bench(b, store, memory)
	})
}
