// Package crashtest kills programs in the middle of what they do.
//
// It owns the victim, which is the test program started again by itself, the
// random moment of its death, and the count of kills by phase. It does not own
// what the victim does, nor what must hold afterwards. Tests alone import it.
//
// A victim writes lines to its standard output: Begin when it enters the phase
// in which it is to die, End when it leaves it, and between them what its test
// wants to know. A kill counts only where the last of the marks was Begin.
package crashtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The marks of a victim.
const (
	Begin = "begin"
	End   = "end"
)

// victimName is the variable by which the test program, started again by
// itself, knows which victim it is.
const victimName = "CADASTRE_VICTIM"

// Main runs the tests, or the victim that the program was started as; a
// package with victims calls it from TestMain.
func Main(m *testing.M, victims map[string]func(context.Context) error) {
	name := os.Getenv(victimName)
	if name == "" {
		os.Exit(m.Run())
	}
	run, ok := victims[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no victim %q\n", name)
		os.Exit(1)
	}
	// Interrupts end no victim: it waits for its death, or does its work.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Victim is a running program that is to be killed.
type Victim struct {
	t      testing.TB
	cmd    *exec.Cmd
	errors *os.File
	lines  chan string
}

// Start starts the named victim of this test program, with variables of its
// own, each name=value. It dies with the test at the latest.
func Start(t testing.TB, name string, env ...string) *Victim {
	t.Helper()
	v := &Victim{t: t, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]), lines: make(chan string, 1024)} //nolint:gosec // this very program
	v.cmd.Env = append(append(os.Environ(), victimName+"="+name), env...)
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if v.errors, err = os.CreateTemp(t.TempDir(), "stderr"); err != nil {
		t.Fatal(err)
	}
	v.cmd.Stderr = v.errors
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go v.read(out)
	t.Cleanup(func() { v.Kill() })
	return v
}

// read hands on whole lines: one that the kill cut off was not said.
func (v *Victim) read(out io.Reader) {
	defer close(v.lines)
	for from := bufio.NewReader(out); ; {
		line, err := from.ReadString('\n')
		if err != nil {
			return
		}
		v.lines <- line[:len(line)-1]
	}
}

// Next waits for the next line; ok is false when there will be none.
func (v *Victim) Next() (line string, ok bool) {
	line, ok = <-v.lines
	return line, ok
}

// Await waits for one line and returns those before it. A victim that ends
// without it fails the test.
func (v *Victim) Await(line string) (before []string) {
	v.t.Helper()
	for {
		got, ok := v.Next()
		switch {
		case !ok:
			v.t.Fatalf("the victim ended by itself, before it said %q: %s", line, v.Complaint())
		case got == line:
			return before
		}
		before = append(before, got)
	}
}

// Kill ends the victim as a loss of power would, and returns what it said and
// nobody has read. A victim that has ended is left alone.
func (v *Victim) Kill() (rest []string) {
	v.t.Helper()
	if err := v.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		v.t.Error(err)
	}
	for line := range v.lines {
		rest = append(rest, line)
	}
	_ = v.cmd.Wait() // that it was killed is no news
	return rest
}

// Complaint is what the victim wrote to its standard error.
func (v *Victim) Complaint() string {
	said, err := os.ReadFile(v.errors.Name())
	if err != nil {
		return err.Error()
	}
	return string(said)
}

// Phase is what victims are killed in.
type Phase struct {
	name    string
	want    int
	started time.Time
	seed    uint64

	mu             sync.Mutex
	random         *rand.Rand
	took           time.Duration
	killed, inside int
}

// roundsName is the variable that multiplies the kills of every phase.
const roundsName = "CADASTRE_CRASH_ROUNDS"

// NewPhase returns a phase in which at least so many victims are to die, times
// the number in CADASTRE_CRASH_ROUNDS. Its counts are told at the test's end,
// which fails where there are fewer. Guess is about how long the phase takes;
// it is measured as victims die.
func NewPhase(t testing.TB, name string, kills int, guess time.Duration) *Phase {
	t.Helper()
	if text := os.Getenv(roundsName); text != "" {
		times, err := strconv.Atoi(text)
		if err != nil || times < 1 {
			t.Fatalf("%s is %q, want a number of times", roundsName, text)
		}
		kills *= times
	}
	p := &Phase{name: name, want: kills, started: time.Now(), seed: rand.Uint64(), took: guess} //nolint:gosec // told, so that it can be drawn again
	p.random = rand.New(rand.NewPCG(p.seed, 0))                                                 //nolint:gosec // see above
	t.Cleanup(func() {
		t.Logf("crash: %-20s %4d killed, %4d of them in the phase, %5.1f s, seed %d", p.name, p.killed, p.inside, time.Since(p.started).Seconds(), p.seed)
		if p.inside < p.want && !t.Failed() {
			t.Errorf("%d victims died in the phase %s, want %d", p.inside, p.name, p.want)
		}
	})
	return p
}

// More says whether more victims must die. One that died outside of the phase
// does not count; after four times as many kills as were wanted there are none
// more.
func (p *Phase) More() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inside < p.want && p.killed < 4*p.want
}

// Strike starts a victim, waits until it is in the phase, and kills it at a
// random moment of it. It returns all that the victim said, marks too, and
// whether it died in the phase.
func (p *Phase) Strike(t testing.TB, victim string, env ...string) (said []string, inside bool) {
	t.Helper()
	v := Start(t, victim, env...)
	said = append(v.Await(Begin), Begin)
	began, ended := time.Now(), time.Duration(0)
	moment := time.NewTimer(p.moment())
	defer moment.Stop()
	for alive := true; alive; {
		select {
		case <-moment.C:
			alive = false
		case line, ok := <-v.lines:
			if !ok {
				alive = false
				break
			}
			said = append(said, line)
			if line == End && ended == 0 {
				ended = time.Since(began)
			}
		}
	}
	said = append(said, v.Kill()...)
	if complaint := v.Complaint(); complaint != "" {
		t.Errorf("the victim of %s complained: %s", p.name, complaint)
	}
	inside = isInside(said)
	p.count(inside, ended)
	return said, inside
}

// moment draws when the victim dies, after it entered the phase.
func (p *Phase) moment() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(p.random.Int64N(int64(p.took) + 1))
}

// count counts a kill, and learns how long the phase takes: as long as it took
// where it was seen to end, and longer than it was thought where it was not.
func (p *Phase) count(inside bool, ended time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed++
	if inside {
		p.inside++
	}
	switch {
	case ended > 0:
		p.took = (p.took + ended) / 2
	case inside:
		p.took += p.took / 16
	}
}

func isInside(said []string) bool {
	inside := false
	for _, line := range said {
		switch line {
		case Begin:
			inside = true
		case End:
			inside = false
		}
	}
	return inside
}

// Number returns a number of the phase's own chance, from 0 up to n.
func (p *Phase) Number(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.random.IntN(n)
}
