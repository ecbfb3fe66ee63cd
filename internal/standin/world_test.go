package standin_test

import (
	"testing"

	"linkmail/internal/standin"
)

func BenchmarkNewWorld(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		standin.NewWorld(standin.Config{Now: clock})
	}
}
