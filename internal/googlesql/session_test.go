package googlesql

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
)

func newSession(t *testing.T, cfg Config) *Session {
	t.Helper()
	s, err := NewSession(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSessionKeepsItsProcess(t *testing.T) {
	t.Parallel()
	s := newSession(t, fake(t, "good"))
	for want := int64(1); want <= 3; want++ {
		r, err := s.Exec(t.Context(), Query{SQL: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Affected != want {
			t.Errorf("the process has counted %d questions, want %d", r.Affected, want)
		}
	}
	if st := s.Stats(); st.Processes != 1 || st.RSSBytes <= 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestSessionRefusalKeepsTheState(t *testing.T) {
	t.Parallel()
	s := newSession(t, fake(t, "good"))
	_, err := s.Exec(t.Context(), Query{SQL: "refuse"})
	if !errors.Is(err, ErrInvalid) || !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), "refused as asked") {
		t.Errorf("error %v", err)
	}
	if r, err := s.Exec(t.Context(), Query{SQL: "x"}); err != nil || r.Affected != 2 {
		t.Errorf("after a refusal: %+v, %v", r, err)
	}
}

// A session that lost its process never answers from an empty one by itself:
// what it held is gone, and the caller must know.
func TestSessionDeathIsUnavailableUntilRestart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		also      error
		change    func(*Config)
	}{
		{"dies", "die", nil, nil},
		{"hangs", "hang", ErrDeadline, func(c *Config) { c.Deadline = 300 * time.Millisecond }},
		{"grows", "grow", ErrMemory, func(c *Config) { c.MemoryLimit = 256 << 20 }},
		{"answers garbage", "garbage", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := fake(t, "good")
			if tt.change != nil {
				tt.change(&cfg)
			}
			s := newSession(t, cfg)
			_, err := s.Exec(t.Context(), Query{SQL: tt.sql})
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("error %v, want ErrUnavailable", err)
			}
			if tt.also != nil && !errors.Is(err, tt.also) {
				t.Errorf("error %v, want %v too", err, tt.also)
			}
			if _, err := s.Exec(t.Context(), Query{SQL: "x"}); !errors.Is(err, ErrUnavailable) {
				t.Errorf("a dead session answers with %v", err)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Exec(t.Context(), Query{SQL: "x"}); err != nil || r.Affected != 1 {
				t.Errorf("after Restart: %+v, %v", r, err)
			}
		})
	}
}

func TestSessionCancelled(t *testing.T) {
	t.Parallel()
	s := newSession(t, fake(t, "good"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Exec(ctx, Query{SQL: "hang"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled statement ends with %v", err)
	}
}

func TestSessionClosed(t *testing.T) {
	t.Parallel()
	s := newSession(t, fake(t, "good"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	calls := map[string]func() error{
		"exec":     func() error { _, err := s.Exec(t.Context(), Query{}); return err },
		"describe": func() error { _, err := s.Describe(t.Context(), Query{}); return err },
		"create":   func() error { return s.CreateTable(t.Context(), "t", nil) },
		"load":     func() error { return s.Load(t.Context(), "t", nil, nil) },
		"view":     func() error { return s.CreateView(t.Context(), "t", Query{}) },
		"drop":     func() error { return s.Drop(t.Context(), "t") },
		"restart":  func() error { return s.Restart(t.Context()) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s of a closed session ends with %v", name, err)
		}
	}
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("stats of a closed session: %+v", st)
	}
}

func TestSessionWithoutWorker(t *testing.T) {
	t.Parallel()
	_, err := NewSession(t.Context(), Config{Path: t.TempDir() + "/none"})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "make build") {
		t.Errorf("error %v does not say what to do", err)
	}
}
