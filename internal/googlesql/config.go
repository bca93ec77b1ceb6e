package googlesql

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Program is the file name of the worker.
const Program = "cadastre-googlesql"

// Config says how workers are run. Its zero value works.
type Config struct {
	// Path is the worker's program. Defaults to Program in the folder of the
	// running executable, and then in $PATH.
	Path string
	// Args are arguments for the program. Defaults to none.
	Args []string
	// Env are environment variables ("KEY=value") added to this process's own.
	// Defaults to none.
	Env []string
	// Workers is how many processes a Pool runs at most. Defaults to 2. A
	// Session always has one.
	Workers int
	// Deadline is how long one question may take before its worker is killed.
	// Defaults to 10 s. Negative means no deadline.
	Deadline time.Duration
	// StartDeadline is how long a fresh worker may take to say that it is
	// ready. Defaults to 30 s.
	StartDeadline time.Duration
	// MemoryLimit is how many resident bytes one worker may take before it is
	// killed. Defaults to 1 GiB. Negative means no limit.
	MemoryLimit int64
	// Logger is told of workers that start and die, never of SQL or rows.
	// Defaults to none.
	Logger *slog.Logger
}

const (
	defaultWorkers       = 2
	defaultDeadline      = 10 * time.Second
	defaultStartDeadline = 30 * time.Second
	defaultMemoryLimit   = 1 << 30
)

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = defaultWorkers
	}
	if c.Deadline == 0 {
		c.Deadline = defaultDeadline
	}
	if c.StartDeadline <= 0 {
		c.StartDeadline = defaultStartDeadline
	}
	if c.MemoryLimit == 0 {
		c.MemoryLimit = defaultMemoryLimit
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Locate finds the worker's program: path itself where it is given, else
// Program beside the running executable, else in $PATH. When there is none the
// error is ErrUnavailable and says what to do.
func Locate(path string) (string, error) {
	if path != "" {
		if err := executable(path); err != nil {
			return "", fmt.Errorf("%w: %w: build it with `make build` or correct the configured path", ErrUnavailable, err)
		}
		return path, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), Program)
		if executable(beside) == nil {
			return beside, nil
		}
	}
	if found, err := exec.LookPath(Program); err == nil {
		return found, nil
	}
	return "", fmt.Errorf("%w: no program %s beside this one or in $PATH: build it with `make build`", ErrUnavailable, Program)
}

func executable(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the operator names the program
	if err != nil {
		return fmt.Errorf("find %s: %w", path, err)
	}
	if info.IsDir() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("find %s: not a program", path)
	}
	return nil
}
