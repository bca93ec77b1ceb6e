package bigquery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/statement"
)

// keepTables is how many tables the executor keeps between statements before
// all are dropped to begin anew: rows change, and each change is a new table.
const keepTables = 512

// engine runs prepared statements, one at a time. It starts its worker with
// the first of them, and again after the worker died. Its tables are named by
// a word that no text of a statement can know.
type engine struct {
	cfg    googlesql.Config
	secret string

	mu      sync.Mutex
	session *googlesql.Session
	loaded  map[string]bool
	number  int
	closed  bool
}

func newEngine(cfg googlesql.Config) *engine {
	return &engine{cfg: cfg, secret: rand.Text(), loaded: map[string]bool{}}
}

// name is the executor's name for a table.
func (e *engine) name(table string) string { return "sandbox.s" + e.secret + "." + table }

// fresh is a name for rows that only one statement reads. The store's lock
// keeps the numbers apart.
func (e *engine) fresh() string {
	e.number++
	return e.name(fmt.Sprintf("r%d", e.number))
}

func (e *engine) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.session == nil {
		return nil
	}
	return e.session.Close()
}

// describe analyses a statement without running it and returns the fields of
// its rows.
func (e *engine) describe(ctx context.Context, p *prepared) ([]googlesql.Field, error) {
	var fields []googlesql.Field
	err := e.with(ctx, p, func(s *googlesql.Session, sql string) error {
		d, err := s.Describe(ctx, googlesql.Query{SQL: sql, Params: p.params})
		fields = d.Schema
		return err
	})
	return fields, err
}

// run executes a statement. For one that changes rows the target's rows as
// they are afterwards are returned in place of a result's.
func (e *engine) run(ctx context.Context, p *prepared) (googlesql.Result, error) {
	var result googlesql.Result
	err := e.with(ctx, p, func(s *googlesql.Session, sql string) error {
		var err error
		if result, err = s.Exec(ctx, googlesql.Query{SQL: sql, Params: p.params}); err != nil {
			return err
		}
		if !writesRows(p.kind) {
			return nil
		}
		name := e.name(fmt.Sprintf("t%d", p.targetTable.version))
		after, err := s.Exec(ctx, googlesql.Query{SQL: "SELECT * FROM " + statement.Quote(name)})
		result.Schema, result.Rows = after.Schema, after.Rows
		delete(e.loaded, name) // it no longer holds what its version says
		return errors.Join(err, s.Drop(ctx, name))
	})
	return result, err
}

// with hands a session that holds the statement's sources, and the rendering
// of its text that the caller may have, to f. A worker that died is replaced
// once: its tables are loaded again from the warehouse, which lost nothing.
func (e *engine) with(ctx context.Context, p *prepared, f func(*googlesql.Session, string) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("%w: the sandbox is stopped", googlesql.ErrUnavailable)
	}
	err := e.attempt(ctx, p, f)
	if err == nil || !errors.Is(err, googlesql.ErrUnavailable) || e.session == nil || ctx.Err() != nil {
		return err
	}
	clear(e.loaded)
	if err := e.session.Restart(ctx); err != nil {
		return err
	}
	if errors.Is(err, googlesql.ErrDeadline) || errors.Is(err, googlesql.ErrMemory) {
		return err // it was this statement that ended it, and would again
	}
	return e.attempt(ctx, p, f)
}

func (e *engine) attempt(ctx context.Context, p *prepared, f func(*googlesql.Session, string) error) error {
	if e.session == nil {
		session, err := googlesql.NewSession(ctx, e.cfg)
		if err != nil {
			return err
		}
		e.session = session
	}
	if err := e.load(ctx, p); err != nil {
		return err
	}
	sql, err := e.rendering(ctx, p)
	if err == nil {
		err = f(e.session, sql)
	}
	for name, s := range p.sources {
		if !s.keep {
			err = errors.Join(err, e.session.Drop(ctx, name))
		}
	}
	return err
}

// load puts the sources into the executor that it does not hold yet.
func (e *engine) load(ctx context.Context, p *prepared) error {
	if len(e.loaded) > keepTables {
		for name := range e.loaded {
			if err := e.session.Drop(ctx, name); err != nil {
				return err
			}
			delete(e.loaded, name)
		}
	}
	for name, s := range p.sources {
		if e.loaded[name] {
			continue
		}
		if err := e.session.CreateTable(ctx, name, s.fields); err != nil {
			return fmt.Errorf("load a table: %w", err)
		}
		if len(s.rows) > 0 {
			if err := e.session.Load(ctx, name, s.fields, s.rows); err != nil {
				return fmt.Errorf("load rows: %w", err)
			}
		}
		if s.keep {
			e.loaded[name] = true
		}
	}
	return nil
}

// rendering decides which text runs. Where columns are hidden from the caller
// it is the text over tables without them, provided that it means the same: a
// statement that no longer resolves, or that has other columns, wanted one of
// them and is denied.
func (e *engine) rendering(ctx context.Context, p *prepared) (string, error) {
	if p.narrow == "" {
		return p.sql, nil
	}
	whole, err := e.session.Describe(ctx, googlesql.Query{SQL: p.sql, Params: p.params})
	if err != nil {
		return "", err
	}
	narrow, err := e.session.Describe(ctx, googlesql.Query{SQL: p.narrow, Params: p.params})
	switch {
	case err == nil && reflect.DeepEqual(whole.Schema, narrow.Schema):
		return p.narrow, nil
	case err == nil, errors.Is(err, googlesql.ErrInvalid):
		return "", deniedHidden(p.hidden)
	}
	return "", err
}
