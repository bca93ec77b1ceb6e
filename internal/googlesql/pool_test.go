package googlesql

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"github.com/google/go-cmp/cmp"
)

func TestPoolAnswers(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	got, err := p.Analyze(t.Context(), Request{SQL: "SELECT 1"})
	if err != nil {
		t.Fatal(err)
	}
	want := Answer{Parsed: true, Outcome: Exact, Inputs: []string{"SELECT 1"}, Outputs: []string{}, Columns: []Output{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPoolStartsNothingBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	if got := p.Stats().Processes; got != 0 {
		t.Errorf("%d processes run before the first question", got)
	}
	if _, err := p.Analyze(t.Context(), Request{SQL: "x"}); err != nil {
		t.Fatal(err)
	}
	st := p.Stats()
	if st.Processes != 1 || st.RSSBytes <= 0 {
		t.Errorf("after one question: %+v", st)
	}
}

// The law of supervision: whatever a statement does to its worker, the statement
// is answered as failed with the reason, and the next one is answered well.
func TestPoolOutlivesItsWorkers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql, reason string
		change            func(*Config)
	}{
		{"hangs", "hang", "deadline", func(c *Config) { c.Deadline = 300 * time.Millisecond }},
		{"dies", "die", "died", nil},
		{"grows", "grow", "memory limit", func(c *Config) { c.MemoryLimit = 256 << 20 }},
		{"answers garbage", "garbage", "not understood", nil},
		{"answers another question", "stranger", "not understood", nil},
		{"answers in another shape", "misshapen", "not understood", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := fake(t, "good")
			cfg.Workers = 1
			if tt.change != nil {
				tt.change(&cfg)
			}
			p := newPool(t, cfg)
			for round := range 2 {
				got, err := p.Analyze(t.Context(), Request{SQL: tt.sql})
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if got.Outcome != Failed || !strings.Contains(got.Error, tt.reason) {
					t.Errorf("round %d: outcome %q, reason %q, want failed and %q", round, got.Outcome, got.Error, tt.reason)
				}
				after, err := p.Analyze(t.Context(), Request{SQL: "fine"})
				if err != nil || after.Outcome != Exact {
					t.Errorf("round %d: the statement after it: %+v, %v", round, after, err)
				}
			}
			if got := p.Stats(); got.Restarts != 2 || got.Processes != 1 {
				t.Errorf("stats %+v, want 2 restarts and 1 process", got)
			}
		})
	}
}

func TestPoolRefusalLeavesTheWorkerAlive(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	got, err := p.Analyze(t.Context(), Request{SQL: "refuse this"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != Failed || !strings.Contains(got.Error, "refused as asked") {
		t.Errorf("answer %+v", got)
	}
	if st := p.Stats(); st.Restarts != 0 || st.Processes != 1 {
		t.Errorf("stats %+v: the worker was replaced for a refusal", st)
	}
}

func TestPoolWorkersThatDoNotStart(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, mode, want string }{
		{"another protocol", "old", "protocol 0"},
		{"no greeting", "mute", "deadline"},
		{"ends at once", "stillborn", "died"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := fake(t, tt.mode)
			cfg.StartDeadline = 500 * time.Millisecond
			if tt.mode != "mute" {
				cfg.StartDeadline = time.Minute
			}
			_, err := newPool(t, cfg).Analyze(t.Context(), Request{SQL: "x"})
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrUnavailable and %q", err, tt.want)
			}
		})
	}
}

func TestPoolUsesAllWorkersAtOnce(t *testing.T) {
	t.Parallel()
	cfg := fake(t, "good")
	cfg.Workers = 3
	p := newPool(t, cfg)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := p.Analyze(ctx, Request{SQL: "hang"}); !errors.Is(err, enough) {
				t.Errorf("a hanging question ended with %v", err)
			}
		})
	}
	waitFor(t, func() bool { return p.Stats().Processes == 3 })
	cancel(enough)
	wg.Wait()
	if got := p.Stats().Processes; got != 0 {
		t.Errorf("%d processes still run after their questions were called off", got)
	}
}

func TestPoolConcurrentAnswersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			sql := "q" + strconv.Itoa(i)
			if i%7 == 0 {
				sql = "die"
			}
			got, err := p.Analyze(t.Context(), Request{SQL: sql})
			if err != nil {
				t.Error(err)
				return
			}
			if sql != "die" && !cmp.Equal(got.Inputs, []string{sql}) {
				t.Errorf("%s was answered with %v", sql, got.Inputs)
			}
		})
	}
	wg.Wait()
}

func TestPoolWaitingEndsWithContext(t *testing.T) {
	t.Parallel()
	cfg := fake(t, "good")
	cfg.Workers = 1
	p := newPool(t, cfg)
	busy, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.Analyze(busy, Request{SQL: "hang"})
	}()
	waitFor(t, func() bool { return p.Stats().Processes == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Analyze(ctx, Request{SQL: "x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a busy pool ended with %v", err)
	}
	stop()
	<-done
}

func TestPoolClosed(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	if _, err := p.Analyze(t.Context(), Request{SQL: "x"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Stats().Processes; got != 0 {
		t.Errorf("%d processes run after Close", got)
	}
	if _, err := p.Analyze(t.Context(), Request{SQL: "x"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a closed pool answers with %v", err)
	}
	if _, err := p.Names(t.Context(), Request{SQL: "x"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a closed pool names with %v", err)
	}
}

func TestPoolNames(t *testing.T) {
	t.Parallel()
	p := newPool(t, fake(t, "good"))
	got, err := p.Names(t.Context(), Request{SQL: "p.d.t"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Names{Parsed: true, Tables: []string{"p.d.t"}}, got); diff != "" {
		t.Error(diff)
	}
	got, err = p.Names(t.Context(), Request{SQL: "die"})
	if err != nil || got.Parsed || !strings.Contains(got.Error, "died") {
		t.Errorf("names of a fatal statement: %+v, %v", got, err)
	}
}

// waitFor polls until a condition holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("the condition never held")
		}
	}
}
