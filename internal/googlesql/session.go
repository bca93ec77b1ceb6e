package googlesql

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Session is one worker with an executor: tables, views and rows that live as
// long as its process. It is safe for concurrent use; calls run one after the
// other. When the process dies, by a deadline or otherwise, every call is
// ErrUnavailable until Restart, as what it held is gone.
type Session struct {
	cfg Config

	mu     sync.Mutex
	proc   *process // nil once it has died or the session is closed
	closed bool
}

// NewSession starts a worker and gives its empty session. Without a worker the
// error is ErrUnavailable.
func NewSession(ctx context.Context, cfg Config) (*Session, error) {
	s := &Session{cfg: cfg.withDefaults()}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Restart replaces the process by a fresh one without any table. It may be
// called at any time before Close.
func (s *Session) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%w: session is closed", ErrUnavailable)
	}
	if s.proc != nil {
		s.proc.stop()
		s.proc = nil
	}
	proc, err := startProcess(ctx, s.cfg)
	if err != nil {
		return fmt.Errorf("restart session: %w", err)
	}
	s.proc = proc
	return nil
}

// Exec runs one statement and gives all its rows. A statement that the analyzer
// or the executor refuses is ErrInvalid and leaves the session as it was.
func (s *Session) Exec(ctx context.Context, q Query) (Result, error) {
	var r Result
	err := s.ask(ctx, "exec", q, &r)
	return r, err
}

// Describe analyzes a statement against the session's tables without running
// it: the schema of its rows, and the tables it names.
func (s *Session) Describe(ctx context.Context, q Query) (Description, error) {
	var d Description
	err := s.ask(ctx, "describe", q, &d)
	return d, err
}

// CreateTable makes an empty table. The name is the full one
// ("project.dataset.table"), without quotes; a table or view of that name is
// replaced.
func (s *Session) CreateTable(ctx context.Context, table string, schema []Field) error {
	return s.ask(ctx, "create", tableQuestion{Table: table, Schema: schema}, &struct{}{})
}

// Load appends rows to a table that CreateTable or a statement made. The
// values travel as data and never as text of SQL. Either all rows are stored
// or, with ErrInvalid, none.
func (s *Session) Load(ctx context.Context, table string, schema []Field, rows []Row) error {
	return s.ask(ctx, "load", tableQuestion{Table: table, Schema: schema, Rows: rows}, &struct{}{})
}

// CreateView makes or replaces a view over tables of the session.
func (s *Session) CreateView(ctx context.Context, view string, q Query) error {
	return s.ask(ctx, "view", viewQuestion{Table: view, Query: q}, &struct{}{})
}

// Drop removes a table or a view; to remove what is not there is no error.
func (s *Session) Drop(ctx context.Context, table string) error {
	return s.ask(ctx, "drop", tableQuestion{Table: table}, &struct{}{})
}

// Stats says what the session's process takes.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return Stats{}
	}
	return Stats{Processes: 1, RSSBytes: s.proc.measure()}
}

// Close ends the process. It is idempotent.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.proc != nil {
		s.proc.stop()
		s.proc = nil
	}
	return nil
}

type tableQuestion struct {
	Table  string  `json:"table"`
	Schema []Field `json:"schema,omitempty"`
	Rows   []Row   `json:"rows,omitempty"`
}

type viewQuestion struct {
	Table string `json:"table"`
	Query
}

// ask puts one question to the process. Whatever ended the process also ends
// the state, which is why a deadline is ErrUnavailable as well.
func (s *Session) ask(ctx context.Context, op string, question, into any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%s: %w: session is closed", op, ErrUnavailable)
	}
	if s.proc == nil {
		return fmt.Errorf("%s: %w: its process died and was not restarted", op, ErrUnavailable)
	}
	err := s.proc.ask(ctx, s.cfg.Deadline, op, question, into)
	if s.proc.dead() {
		s.proc = nil
		s.cfg.Logger.Warn("googlesql session died", "err", err)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrInvalid), ctx.Err() != nil:
		return fmt.Errorf("%s: %w", op, err)
	default:
		return fmt.Errorf("%s: %w: %w", op, ErrUnavailable, err)
	}
}
