package googlesql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
)

// killIdle kills the worker of a slot while nobody asks it anything, as the
// system does where memory is short, and waits until it is gone.
func killIdle(t *testing.T, s *slot) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	killAndWait(t, s.proc)
}

func killAndWait(t *testing.T, p *process) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.stdout.Peek(1); err == nil {
		t.Fatal("a worker that nobody asked says something")
	}
	// Its pipes close one after the other: this one may still be open.
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if _, err := p.stdin.Write([]byte("\n")); err != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a worker that was killed still listens")
		}
	}
}

// TestPoolQuestionIsInnocentOfAnEarlierDeath holds that a worker which died
// between two questions costs neither of them its answer.
func TestPoolQuestionIsInnocentOfAnEarlierDeath(t *testing.T) {
	t.Parallel()
	cfg := fake(t, "good")
	cfg.Workers = 1
	p := newPool(t, cfg)
	for round := range 4 {
		sql := fmt.Sprint("question ", round)
		a, err := p.Analyze(t.Context(), Request{SQL: sql})
		if err != nil || a.Outcome != Exact || a.Inputs[0] != sql {
			t.Errorf("round %d: %+v, %v", round, a, err)
		}
		if got := p.Stats(); got.Restarts != round || got.Processes != 1 {
			t.Errorf("round %d: %+v", round, got)
		}
		killIdle(t, p.all[0])
	}
}

// TestPoolAsksOnceMoreAndNoMore lets the second worker do the misdeed: that is
// the statement's own, and it is answered as failed.
func TestPoolAsksOnceMoreAndNoMore(t *testing.T) {
	t.Parallel()
	cfg := fake(t, "good")
	cfg.Workers = 1
	p := newPool(t, cfg)
	if _, err := p.Analyze(t.Context(), Request{SQL: "first"}); err != nil {
		t.Fatal(err)
	}
	killIdle(t, p.all[0])
	a, err := p.Analyze(t.Context(), Request{SQL: "die"})
	if err != nil || a.Outcome != Failed || !strings.Contains(a.Error, "died") || strings.Contains(a.Error, "before it was asked") {
		t.Errorf("%+v, %v", a, err)
	}
	if got := p.Stats(); got.Restarts != 2 || got.Processes != 0 {
		t.Errorf("%+v, want two buried and none begun", got)
	}
}

// TestSessionThatDiedIdle holds that a session does not start again by itself:
// what it held is gone, and its caller must know.
func TestSessionThatDiedIdle(t *testing.T) {
	t.Parallel()
	s := newSession(t, fake(t, "good"))
	if _, err := s.Exec(t.Context(), Query{SQL: "first"}); err != nil {
		t.Fatal(err)
	}
	killAndWait(t, s.proc)
	for range 2 {
		if _, err := s.Exec(t.Context(), Query{SQL: "second"}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v, want unavailable", err)
		}
	}
	if got := s.Stats(); got != (Stats{}) {
		t.Errorf("%+v of a session without process", got)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Exec(t.Context(), Query{SQL: "third"}); err != nil || r.Affected != 1 {
		t.Errorf("after Restart: %+v, %v", r, err)
	}
}

// TestPoolIsTheModel asks random questions, good and bad, of a pool of one, and
// counts with it: each answer is of its own question, and each death is one.
func TestPoolIsTheModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			cfg := fake(t, "good")
			cfg.Workers = 1
			p := newPool(t, cfg)
			restarts := 0
			for n := range 40 {
				words := []string{"good", "die", "garbage", "stranger", "misshapen", "refuse", "good", "good"}
				word := words[rng.IntN(len(words))]
				sql := fmt.Sprint(word, " ", n)
				a, err := p.Analyze(t.Context(), Request{SQL: sql})
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				alive := 1
				switch word {
				case "good":
					if a.Outcome != Exact || len(a.Inputs) != 1 || a.Inputs[0] != sql {
						t.Fatalf("%s: %+v", sql, a)
					}
				case "refuse":
					if a.Outcome != Failed {
						t.Fatalf("%s: %+v", sql, a)
					}
				default:
					if a.Outcome != Failed || a.Inputs == nil || a.Outputs == nil || a.Columns == nil {
						t.Fatalf("%s: %+v", sql, a)
					}
					restarts, alive = restarts+1, 0
				}
				if got := p.Stats(); got.Restarts != restarts || got.Processes != alive {
					t.Fatalf("%s: %+v, want %d restarts and %d processes", sql, got, restarts, alive)
				}
				if alive == 1 && rng.IntN(6) == 0 {
					killIdle(t, p.all[0])
					restarts++
					if a, err := p.Analyze(t.Context(), Request{SQL: "good"}); err != nil || a.Outcome != Exact {
						t.Fatalf("after an idle death: %+v, %v", a, err)
					}
				}
			}
		})
	}
}

// TestACallerWhoGoesAwayKillsItsOwnWorkerOnly ends one question of two that
// are under way: the other is answered, and so is what comes after.
func TestACallerWhoGoesAwayKillsItsOwnWorkerOnly(t *testing.T) {
	t.Parallel()
	cfg := fake(t, "good")
	cfg.Workers = 2
	p := newPool(t, cfg)
	why := errors.New("went away")
	ctx, leave := context.WithCancelCause(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := p.Analyze(ctx, Request{SQL: "hang"})
		gone <- err
	}()
	for round := range 5 {
		if a, err := p.Analyze(t.Context(), Request{SQL: "fine"}); err != nil || a.Outcome != Exact {
			t.Fatalf("beside one that hangs, round %d: %+v, %v", round, a, err)
		}
	}
	leave(why)
	if err := <-gone; !errors.Is(err, why) {
		t.Errorf("who went away is told %v, want why", err)
	}
	for round := range 4 {
		if a, err := p.Analyze(t.Context(), Request{SQL: "fine"}); err != nil || a.Outcome != Exact {
			t.Errorf("after it, round %d: %+v, %v", round, a, err)
		}
	}
}

// TestNamesOutliveTheirWorkers holds for syntax what holds for lineage.
func TestNamesOutliveTheirWorkers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sql, reason string
		deadline          time.Duration
	}{
		{"dies", "die", "died", time.Minute},
		{"hangs", "hang", "deadline", 200 * time.Millisecond},
		{"answers garbage", "garbage", "not understood", time.Minute},
		{"refuses", "refuse", "refused as asked", time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := fake(t, "good")
			cfg.Workers, cfg.Deadline = 1, tt.deadline
			p := newPool(t, cfg)
			n, err := p.Names(t.Context(), Request{SQL: tt.sql})
			if err != nil || n.Tables == nil || len(n.Tables) != 0 || !strings.Contains(n.Error, tt.reason) {
				t.Errorf("%+v, %v, want no tables and %q", n, err, tt.reason)
			}
			if n, err := p.Names(t.Context(), Request{SQL: "fine"}); err != nil || n.Error != "" || len(n.Tables) != 1 {
				t.Errorf("the statement after it: %+v, %v", n, err)
			}
		})
	}
}
