package crashtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Main(m, map[string]func(context.Context) error{
		"patient": func(ctx context.Context) error {
			fmt.Println("before")
			fmt.Println(Begin)
			fmt.Print("cut o")
			<-ctx.Done()
			return nil
		},
		"hasty": func(ctx context.Context) error {
			fmt.Println(Begin)
			fmt.Println(os.Getenv("WORD"))
			fmt.Println(End)
			<-ctx.Done()
			return nil
		},
		"failing": func(context.Context) error { return errors.New("on purpose") },
	})
}

func TestAVictimDiesInThePhase(t *testing.T) {
	t.Parallel()
	p := NewPhase(t, "patient", 2, time.Millisecond)
	for p.More() {
		said, inside := p.Strike(t, "patient")
		if !inside || !slices.Equal(said, []string{"before", Begin}) {
			t.Errorf("inside is %v, it said %q", inside, said)
		}
	}
	if p.killed != 2 || p.Number(1) != 0 {
		t.Errorf("%d were killed, want 2", p.killed)
	}
}

func TestAVictimThatLeftThePhaseDoesNotCount(t *testing.T) {
	t.Parallel()
	v := Start(t, "hasty", "WORD=a word")
	said := append(v.Await(End), End)
	if rest := v.Kill(); len(rest) > 0 || isInside(said) || !slices.Equal(said, []string{Begin, "a word", End}) {
		t.Errorf("it said %q and %q", said, rest)
	}
	p := &Phase{took: 100 * time.Millisecond, want: 1}
	p.count(false, 20*time.Millisecond)
	if p.took != 60*time.Millisecond || p.inside != 0 || !p.More() {
		t.Errorf("the phase is thought to take %v", p.took)
	}
	for range 3 {
		p.count(false, 0)
	}
	if p.More() || p.took != 60*time.Millisecond {
		t.Error("it goes on for ever")
	}
	p.count(true, 0)
	if p.took <= 60*time.Millisecond {
		t.Error("a phase that did not end is not thought to be longer")
	}
}

func TestAVictimThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	v := Start(t, "failing")
	if line, ok := v.Next(); ok {
		t.Errorf("it said %q", line)
	}
	v.Kill()
	if complaint := v.Complaint(); !strings.Contains(complaint, "on purpose") {
		t.Errorf("it complained %q", complaint)
	}
	other := Start(t, "nobody")
	other.Kill()
}
