package googlesql

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// protocol is the version of the JSON lines that this package speaks; a worker
// of another version is refused when it starts.
const protocol = 1

// memoryPoll is how often the memory of a busy worker is looked at.
const memoryPoll = 100 * time.Millisecond

// process is one running worker. One question is asked at a time; whoever
// holds the process may ask.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	gone   chan struct{} // closed once the process has been waited for
	asked  uint64
	rss    atomic.Int64
	kill   sync.Once
	limit  int64 // resident bytes; not positive for none
}

// envelope is what every answer line has beside its own fields.
type envelope struct {
	ID    string `json:"id"`
	Error *struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	} `json:"error"`
	Result json.RawMessage `json:"result"`
}

// startProcess runs the program and waits until it has said its version. All
// ways to fail are ErrUnavailable, save that ctx ended.
func startProcess(ctx context.Context, cfg Config) (*process, error) {
	path, err := Locate(cfg.Path)
	if err != nil {
		return nil, err
	}
	// The process outlives the call that starts it: its owner stops it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, cfg.Args...)
	cmd.Env = append(os.Environ(), cfg.Env...)
	if cfg.MemoryLimit > 0 {
		// The collector works harder at three quarters, before the cap kills.
		cmd.Env = append(cmd.Env, "GOMEMLIMIT="+strconv.FormatInt(cfg.MemoryLimit/4*3, 10))
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: start %s: %w", ErrUnavailable, path, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: start %s: %w", ErrUnavailable, path, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: start %s: %w", ErrUnavailable, path, err)
	}
	p := &process{cmd: cmd, stdin: stdin, stdout: bufio.NewReaderSize(stdout, 1<<16), gone: make(chan struct{}), limit: cfg.MemoryLimit}
	var hello struct {
		Protocol int `json:"protocol"`
	}
	if err := p.ask(ctx, cfg.StartDeadline, "version", nil, &hello); err != nil {
		p.stop()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("start %s: %w", path, context.Cause(ctx))
		}
		return nil, fmt.Errorf("%w: start %s: %w", ErrUnavailable, path, err)
	}
	if hello.Protocol != protocol {
		p.stop()
		return nil, fmt.Errorf("%w: %s speaks protocol %d and not %d: build it again with `make build`", ErrUnavailable, path, hello.Protocol, protocol)
	}
	return p, nil
}

// ask sends one question and waits for its answer. Four things may happen: the
// answer is read into into; the worker refuses (ErrInvalid) and lives on; it
// dies or is killed (errDied, errGone, ErrDeadline, ErrMemory); or ctx ends, and the
// worker is killed too, as nothing can interrupt it. After any but the first
// two the process is of no use.
func (p *process) ask(ctx context.Context, deadline time.Duration, op string, question, into any) error {
	p.asked++
	id := strconv.FormatUint(p.asked, 10)
	line, err := encode(id, op, question)
	if err != nil {
		return err
	}
	type reply struct {
		line []byte
		err  error // errDied or errGone
	}
	replies := make(chan reply, 1)
	go func() {
		if _, err := p.stdin.Write(line); err != nil {
			replies <- reply{err: errGone}
			return
		}
		got, err := p.stdout.ReadBytes('\n')
		if err != nil {
			err = errDied
		}
		replies <- reply{line: got, err: err}
	}()
	var expired <-chan time.Time
	if deadline > 0 {
		timer := time.NewTimer(deadline)
		defer timer.Stop()
		expired = timer.C
	}
	poll := time.NewTicker(memoryPoll)
	defer poll.Stop()
	for {
		select {
		case r := <-replies:
			p.measure()
			if r.err != nil {
				p.stop()
				return r.err
			}
			return p.decode(id, r.line, into)
		case <-ctx.Done():
			p.stop()
			return context.Cause(ctx)
		case <-expired:
			p.stop()
			return fmt.Errorf("%w after %s", ErrDeadline, deadline)
		case <-poll.C:
			if p.limit > 0 && p.measure() > p.limit {
				p.stop()
				return fmt.Errorf("%w of %d MiB", ErrMemory, p.limit>>20)
			}
		}
	}
}

// encode writes one question as a line: the question's own fields, its id and
// what is asked.
func encode(id, op string, question any) ([]byte, error) {
	line, err := json.Marshal(struct {
		ID       string `json:"id"`
		Op       string `json:"op"`
		Question any    `json:"question,omitempty"`
	}{id, op, question})
	if err != nil {
		return nil, fmt.Errorf("%w: write question: %w", ErrInvalid, err)
	}
	return append(line, '\n'), nil
}

// decode reads an answer. A line that is none, or that answers something else,
// means that the worker can no longer be trusted: it is stopped.
func (p *process) decode(id string, line []byte, into any) error {
	var e envelope
	if err := json.Unmarshal(line, &e); err != nil || e.ID != id {
		p.stop()
		return errors.Join(errDied, errors.New("its answer was not understood"))
	}
	if e.Error != nil {
		return fmt.Errorf("%w: %s", ErrInvalid, e.Error.Message)
	}
	if err := json.Unmarshal(e.Result, into); err != nil {
		p.stop()
		return errors.Join(errDied, errors.New("its answer was not understood"))
	}
	return nil
}

// measure looks at the resident memory and remembers it for Stats.
func (p *process) measure() int64 {
	if n, err := residentBytes(p.cmd.Process.Pid); err == nil {
		p.rss.Store(n)
	}
	return p.rss.Load()
}

// stop ends the process and waits for it. It is idempotent, and safe to call
// while ask is running.
func (p *process) stop() {
	p.kill.Do(func() {
		_ = p.stdin.Close()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		close(p.gone)
	})
	<-p.gone
}

// dead says whether the process has been stopped.
func (p *process) dead() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}
