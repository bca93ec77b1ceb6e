package googlesql

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// residentBytes reads the resident memory of a process from /proc.
func residentBytes(pid int) (int64, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("read memory of worker: %w", err)
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0, fmt.Errorf("read memory of worker: statm has %d fields", len(fields))
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory of worker: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
