//nolint:forbidigo // mcp-go logs with log/slog, and this is where that ends
package server

import (
	"context"
	"log/slog"

	"github.com/rs/zerolog"
)

// bridge gives mcp-go a logger. Its messages go through; what it attaches to
// them (session ids, texts of errors) does not.
func bridge(log zerolog.Logger) *slog.Logger {
	return slog.New(slogHandler{log})
}

type slogHandler struct{ log zerolog.Logger }

func (h slogHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h slogHandler) Handle(_ context.Context, r slog.Record) error {
	level := zerolog.DebugLevel
	if r.Level >= slog.LevelWarn {
		level = zerolog.WarnLevel
	}
	h.log.WithLevel(level).Str("from", "mcp-go").Msg(r.Message)
	return nil
}

func (h slogHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h slogHandler) WithGroup(string) slog.Handler { return h }

// wordless is where net/http reports trouble. That it did is logged, what it
// said is not: it quotes panics and requests.
type wordless struct{ log zerolog.Logger }

func (w wordless) Write(p []byte) (int, error) {
	w.log.Debug().Msg("http server reports trouble with a connection")
	return len(p), nil
}
