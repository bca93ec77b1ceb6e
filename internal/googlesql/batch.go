package googlesql

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// batchQuestion is one line of a batch.
type batchQuestion struct {
	ID             json.RawMessage   `json:"id"`
	Dialect        string            `json:"dialect"`
	SQL            string            `json:"sql"`
	DefaultProject string            `json:"default_project"`
	DefaultDataset string            `json:"default_dataset"`
	Schemas        map[string]Schema `json:"schemas"`
}

// batchAnswer is one line of its answer.
type batchAnswer struct {
	ID      json.RawMessage `json:"id"`
	Parsed  bool            `json:"parsed"`
	Outcome Outcome         `json:"outcome"`
	Inputs  []string        `json:"inputs"`
	Outputs []string        `json:"outputs"`
	Columns []batchColumn   `json:"columns"`
	Error   string          `json:"error,omitempty"`
}

// batchColumn is one output column; Output is null for a bare SELECT.
type batchColumn struct {
	Output  *string       `json:"output"`
	Column  string        `json:"column"`
	Sources []batchSource `json:"sources"`
}

type batchSource struct {
	Asset  string `json:"asset"`
	Column string `json:"column"`
	Kind   Kind   `json:"kind"`
}

// Batch answers JSON Lines: one question a line of r ({id, dialect, sql,
// default_project, default_dataset, schemas}), one answer a line of w in the
// same order ({id, parsed, outcome, inputs, outputs, columns, error}). All
// workers are kept busy. A line that is no question is answered with an error,
// and the rest goes on; Batch itself fails only when r or w does, when there
// is no worker, or when ctx ends.
func (p *Pool) Batch(ctx context.Context, r io.Reader, w io.Writer) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	// The queue holds answers in the order of their questions, each a channel
	// that its task fills: as many are under way as there are workers, and a
	// few more wait for a slow one before them.
	queue := make(chan chan []byte, 8*p.cfg.Workers)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		defer close(queue)
		if err := p.askLines(ctx, r, queue, fail); err != nil {
			fail(err)
		}
	})
	tasks.Go(func() {
		if err := writeLines(ctx, w, queue); err != nil {
			fail(err)
		}
	})
	tasks.Wait()
	return context.Cause(ctx)
}

// askLines reads the questions and has each answered by a task of its own,
// all of which have ended when it returns.
func (p *Pool) askLines(ctx context.Context, r io.Reader, queue chan<- chan []byte, fail func(error)) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			answer := make(chan []byte, 1)
			select {
			case queue <- answer:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			tasks.Go(func() {
				out, err := p.batchLine(ctx, line)
				if err != nil {
					fail(err)
					return
				}
				answer <- out
			})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("batch: read question: %w", err)
		}
	}
}

// writeLines writes the answers in the order of the queue.
func writeLines(ctx context.Context, w io.Writer, queue <-chan chan []byte) error {
	out := bufio.NewWriterSize(w, 1<<16)
	for answer := range queue {
		select {
		case line := <-answer:
			if _, err := out.Write(line); err != nil {
				return fmt.Errorf("batch: write answer: %w", err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("batch: write answer: %w", err)
	}
	return nil
}

// batchLine answers one line. Whatever is wrong with the line is in the answer.
func (p *Pool) batchLine(ctx context.Context, line []byte) ([]byte, error) {
	var q batchQuestion
	if err := json.Unmarshal(line, &q); err != nil {
		return encodeLine(batchAnswer{ID: q.ID, Outcome: Failed, Error: "line is not a question: " + err.Error()})
	}
	a, err := p.Analyze(ctx, Request{
		SQL: q.SQL, Dialect: q.Dialect, DefaultProject: q.DefaultProject, DefaultDataset: q.DefaultDataset, Schemas: q.Schemas,
	})
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	out := batchAnswer{ID: q.ID, Parsed: a.Parsed, Outcome: a.Outcome, Inputs: a.Inputs, Outputs: a.Outputs, Error: a.Error}
	for _, c := range a.Columns {
		out.Columns = append(out.Columns, batchColumnOf(c))
	}
	return encodeLine(out)
}

func batchColumnOf(c Output) batchColumn {
	out := batchColumn{Column: c.Column, Sources: make([]batchSource, 0, len(c.Sources))}
	if c.Output != "" {
		out.Output = &c.Output
	}
	for _, s := range c.Sources {
		out.Sources = append(out.Sources, batchSource{s.Asset, s.Column, s.Kind})
	}
	return out
}

// encodeLine writes an answer, its lists never null.
func encodeLine(a batchAnswer) ([]byte, error) {
	if a.Inputs == nil {
		a.Inputs = []string{}
	}
	if a.Outputs == nil {
		a.Outputs = []string{}
	}
	if a.Columns == nil {
		a.Columns = []batchColumn{}
	}
	if a.ID == nil {
		a.ID = json.RawMessage("null")
	}
	out, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("batch: write answer: %w", err)
	}
	return append(out, '\n'), nil
}
