package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// protocol is the version of the lines; a change that an older supervisor
// would misread raises it.
const protocol = 1

// question is one line in.
type question struct {
	ID       string          `json:"id"`
	Op       string          `json:"op"`
	Question json.RawMessage `json:"question"`
}

// answer is one line out; exactly one of Result and Error is set.
type answer struct {
	ID     string `json:"id"`
	Result any    `json:"result,omitempty"`
	Error  *fault `json:"error,omitempty"`
}

// The kinds of fault that a line may be answered with.
const (
	kindProtocol = "protocol"
	kindInvalid  = "invalid"
	kindInternal = "internal"
)

// fault is an error that is answered and does not end the worker.
type fault struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func (f *fault) Error() string { return f.Message }

// refuse says that a statement is wrong, with the reason of whoever refused it.
func refuse(err error) *fault { return &fault{Kind: kindInvalid, Message: plain(err)} }

// worker holds the two engines, each made when it is first needed: a lineage
// worker never pays for the executor, nor the other way round. It answers one
// question at a time, and there is one worker in a process: both engines run on
// one module of Google's code, in which two calls must never interleave.
type worker struct {
	engine  *engine
	session *executor
}

func newWorker() *worker { return &worker{} }

// serve answers the lines of r on w until r ends. Only a broken pipe is an
// error; whatever stands in a line is answered.
func serve(r io.Reader, w io.Writer, k *worker) error {
	in := bufio.NewReaderSize(r, 1<<16)
	out := bufio.NewWriterSize(w, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := write(out, k.answer(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read question: %w", err)
		}
	}
}

func write(out *bufio.Writer, a answer) error {
	line, err := json.Marshal(a)
	if err != nil {
		line, err = json.Marshal(answer{ID: a.ID, Error: &fault{kindInternal, "answer cannot be written: " + err.Error()}})
		if err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	if _, err := out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// answer reads one line and answers it, whatever it holds. A panic below is a
// fault of the analyzer's transpiled code: it is answered, and the engines are
// made anew, as their state can no longer be trusted.
func (k *worker) answer(line []byte) (a answer) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return answer{ID: q.ID, Error: &fault{kindProtocol, "line is not a question: " + err.Error()}}
	}
	a.ID = q.ID
	defer func() {
		if r := recover(); r != nil {
			k.engine = nil
			a = answer{ID: q.ID, Error: &fault{kindInternal, fmt.Sprintf("%s: %v", q.Op, r)}}
		}
	}()
	result, err := k.do(q)
	if err == nil {
		a.Result = result
		return a
	}
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{kindInternal, err.Error()}
	}
	a.Error = f
	return a
}

// do is the list of all ops.
func (k *worker) do(q question) (any, error) {
	switch q.Op {
	case "version":
		return versions(), nil
	case "parse":
		return ask(q, func(r request) (any, error) { return k.parse(r) })
	case "analyze":
		return ask(q, func(r request) (any, error) { return k.analyze(r) })
	case "exec":
		return ask(q, func(s statementQuestion) (any, error) { return k.execute(s) })
	case "describe":
		return ask(q, func(s statementQuestion) (any, error) { return k.describe(s) })
	case "create":
		return ask(q, func(t tableQuestion) (any, error) { return k.create(t) })
	case "load":
		return ask(q, func(t tableQuestion) (any, error) { return k.load(t) })
	case "view":
		return ask(q, func(t tableQuestion) (any, error) { return k.view(t) })
	case "drop":
		return ask(q, func(t tableQuestion) (any, error) { return k.drop(t) })
	default:
		return nil, &fault{kindProtocol, fmt.Sprintf("op %q is not known", q.Op)}
	}
}

// ask reads the question's own object and hands it to the verb.
func ask[Q any](q question, verb func(Q) (any, error)) (any, error) {
	var v Q
	if len(q.Question) > 0 {
		if err := json.Unmarshal(q.Question, &v); err != nil {
			return nil, &fault{kindProtocol, fmt.Sprintf("question of op %q: %s", q.Op, err)}
		}
	}
	return verb(v)
}
