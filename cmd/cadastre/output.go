package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"

	"cadastre.dev/cadastre/internal/serve"
)

// print writes v as one JSON document with --json, and otherwise what text
// writes.
func (s *streams) print(v any, text func(w io.Writer)) error {
	if !s.json {
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		text(w)
		return w.Flush()
	}
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// progress returns what shows how far a long work is: a bar on a terminal,
// nothing elsewhere.
func (s *streams) progress() serve.Progress {
	f, ok := s.err.(*os.File)
	if !ok || s.json || !isTerminal(f) {
		return nil
	}
	var mu sync.Mutex
	var bar *progressbar.ProgressBar
	var current string
	return func(what string, done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if what != current {
			if bar != nil {
				_ = bar.Finish()
			}
			current = what
			bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(s.err), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
		}
		if total > 0 {
			bar.ChangeMax(total)
		}
		_ = bar.Set(done)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// logger writes to w from level on.
func logger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// indent puts every line of text behind two spaces.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
