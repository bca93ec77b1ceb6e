package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockAgain is how often a lock that somebody else holds is asked for again.
const lockAgain = 20 * time.Millisecond

// exclusively does a work that one process at a time may do, and waits for its
// turn. The lock is the operating system's, so that a process that dies gives
// it back; the file stays, empty.
func exclusively(ctx context.Context, path string, work func() error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	tick := time.NewTicker(lockAgain)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return errors.Join(work(), file.Close())
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("lock %s: %w", path, context.Cause(ctx)), file.Close())
		case <-tick.C:
		}
	}
}
