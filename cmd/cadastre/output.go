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
	"unicode"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"cadastre.dev/cadastre/internal/serve"
)

// print writes v as one JSON document with --json, and otherwise what text
// writes.
func (s *streams) print(v any, text func(w io.Writer)) error {
	s.bars.end()
	if !s.json {
		var shown strings.Builder
		w := tabwriter.NewWriter(&shown, 0, 4, 2, ' ', 0)
		text(w)
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := io.WriteString(s.out, strings.Map(harmless, shown.String()))
		return err
	}
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// harmless replaces what a terminal would obey and not show: the catalog holds
// words of many people and sources.
func harmless(r rune) rune {
	turns := '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' // the order of what follows
	if turns || unicode.IsControl(r) && r != '\n' && r != '\t' {
		return utf8.RuneError
	}
	return r
}

// progress returns what shows how far a long work is: a bar on a terminal,
// nothing elsewhere.
func (s *streams) progress() serve.Progress {
	f, ok := s.err.(*os.File)
	if !ok || s.json || !isTerminal(f) {
		return nil
	}
	s.bars = &bars{w: f}
	return s.bars.show
}

// bars shows one bar at a time, that of the work which was last heard of.
type bars struct {
	w       io.Writer
	mu      sync.Mutex
	bar     *progressbar.ProgressBar
	current string
	ended   bool
}

func (b *bars) show(what string, done, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	if what != b.current || b.bar == nil {
		b.clear()
		b.current = what
		b.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(b.w), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
	}
	if total > 0 {
		b.bar.ChangeMax(total)
	}
	_ = b.bar.Set(done)
}

// end clears what is shown, for the answer follows; later works show nothing.
func (b *bars) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.ended = true
}

func (b *bars) clear() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
	b.bar = nil
}

// closing closes what a command opened, and tells where that went wrong.
func (s *streams) closing(c io.Closer) {
	if err := c.Close(); err != nil {
		_, _ = fmt.Fprintln(s.err, "cadastre: close:", err)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// logger writes to w from level on, as text or as JSON.
func logger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}
