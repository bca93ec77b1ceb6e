//go:build !linux

package googlesql

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// residentBytes asks ps for the resident memory of a process, which it gives
// in KiB on macOS and the BSDs.
func residentBytes(pid int) (int64, error) {
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0, fmt.Errorf("read memory of worker: %w", err)
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory of worker: %w", err)
	}
	return kib << 10, nil
}
