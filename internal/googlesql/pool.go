package googlesql

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Pool answers questions about SQL with a few workers that keep no state, so
// that any may answer. Workers start when they are first needed and are
// replaced when they die. It is safe for concurrent use.
type Pool struct {
	cfg   Config
	slots chan *slot
	all   []*slot
	done  chan struct{}
	close sync.Once
}

// slot is the place of one worker; who has received it from the channel owns
// it until it is sent back.
type slot struct {
	mu       sync.Mutex
	proc     *process // nil before the first question and after a death
	restarts int
}

// Stats says how the workers are doing.
type Stats struct {
	// Processes is how many run.
	Processes int
	// Restarts is how many died and had to be replaced since the start.
	Restarts int
	// RSSBytes is the resident memory of all that run.
	RSSBytes int64
}

// NewPool makes a pool. The program must be there (else ErrUnavailable), but
// no process is started yet.
func NewPool(cfg Config) (*Pool, error) {
	cfg = cfg.withDefaults()
	path, err := Locate(cfg.Path)
	if err != nil {
		return nil, err
	}
	cfg.Path = path
	p := &Pool{cfg: cfg, slots: make(chan *slot, cfg.Workers), done: make(chan struct{})}
	for range cfg.Workers {
		s := &slot{}
		p.all = append(p.all, s)
		p.slots <- s
	}
	return p, nil
}

// Analyze finds the lineage of one text of SQL. What is wrong with the text is
// in the answer, never an error; so is the worker's death over it, as another
// attempt would end the same way. An error means that nobody could be asked:
// ErrUnavailable, or the end of ctx.
func (p *Pool) Analyze(ctx context.Context, r Request) (Answer, error) {
	var a Answer
	err := p.ask(ctx, "analyze", r, &a)
	if reason, ok := fatal(err); ok {
		return Answer{Outcome: Failed, Inputs: []string{}, Outputs: []string{}, Columns: []Output{}, Error: reason}, nil
	}
	if err != nil {
		return Answer{}, fmt.Errorf("analyze: %w", err)
	}
	return a, nil
}

// Names reads the syntax alone: which tables and functions the text names. It
// needs no schema, and is how a caller learns which to send to Analyze. Errors
// are as in Analyze.
func (p *Pool) Names(ctx context.Context, r Request) (Names, error) {
	var n Names
	err := p.ask(ctx, "parse", r, &n)
	if reason, ok := fatal(err); ok {
		return Names{Tables: []string{}, Error: reason}, nil
	}
	if err != nil {
		return Names{}, fmt.Errorf("names: %w", err)
	}
	return n, nil
}

// fatal says whether err is about the statement that killed its worker, and
// how.
func fatal(err error) (string, bool) {
	for _, kind := range []error{errDied, ErrDeadline, ErrMemory, ErrInvalid} {
		if errors.Is(err, kind) && !errors.Is(err, ErrUnavailable) {
			return err.Error(), true
		}
	}
	return "", false
}

// Stats says what the workers take at present.
func (p *Pool) Stats() Stats {
	var st Stats
	for _, s := range p.all {
		s.mu.Lock()
		st.Restarts += s.restarts
		if s.proc != nil {
			st.Processes++
			st.RSSBytes += s.proc.measure()
		}
		s.mu.Unlock()
	}
	return st
}

// Close lets questions that are being answered end, stops the workers and
// refuses what comes after. It is idempotent.
func (p *Pool) Close() error {
	p.close.Do(func() {
		close(p.done)
		for range p.all {
			s := <-p.slots
			s.mu.Lock()
			if s.proc != nil {
				s.proc.stop()
				s.proc = nil
			}
			s.mu.Unlock()
		}
	})
	return nil
}

// ask puts one question to whichever worker is free.
func (p *Pool) ask(ctx context.Context, op string, question, into any) error {
	select {
	case <-p.done:
		return fmt.Errorf("%w: pool is closed", ErrUnavailable)
	default:
	}
	var s *slot
	select {
	case s = <-p.slots:
	case <-p.done:
		return fmt.Errorf("%w: pool is closed", ErrUnavailable)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { p.slots <- s }()
	err := p.askSlot(ctx, s, op, question, into)
	if errors.Is(err, errGone) {
		// The question is innocent of that death and is asked once more.
		err = p.askSlot(ctx, s, op, question, into)
	}
	return err
}

func (p *Pool) askSlot(ctx context.Context, s *slot, op string, question, into any) error {
	proc, err := p.worker(ctx, s)
	if err != nil {
		return err
	}
	err = proc.ask(ctx, p.cfg.Deadline, op, question, into)
	if proc.dead() {
		p.bury(s, err)
	}
	return err
}

// worker gives the slot's process, started where there is none.
func (p *Pool) worker(ctx context.Context, s *slot) (*process, error) {
	s.mu.Lock()
	proc := s.proc
	s.mu.Unlock()
	if proc != nil {
		return proc, nil
	}
	proc, err := startProcess(ctx, p.cfg)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.proc = proc
	s.mu.Unlock()
	return proc, nil
}

// bury empties the slot of a dead process; the next question starts another.
func (p *Pool) bury(s *slot, cause error) {
	s.mu.Lock()
	s.proc = nil
	s.restarts++
	s.mu.Unlock()
	p.cfg.Logger.Warn("googlesql worker replaced", "err", cause)
}
