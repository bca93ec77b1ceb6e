// Package journal keeps the sandbox's state on disk: records by kind and key,
// the last one of each key counting.
//
// It owns one file of JSON lines, the order of its records, and its safety: a
// line that a crash tore is left out at the next start, and what was there
// before it stays. It does not own what the records mean.
//
// Only packages below internal/sandbox may import it.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Record is the state of one thing.
type Record struct {
	// Kind says what it is, as "table".
	Kind string `json:"kind"`
	// Key names it among its kind.
	Key string `json:"key"`
	// Value is its state; nil means that it is no more.
	Value json.RawMessage `json:"value,omitempty"`
}

// Journal writes records. The nil journal keeps nothing: memory only. It is
// safe for concurrent use.
type Journal struct {
	mu   sync.Mutex
	file file
	// size is what the file has of whole writes.
	size int64
	// torn is why the file may hold more than that; nothing is written then.
	torn error
}

// file is what the journal does with its file.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

const name = "state.jsonl"

// Open reads what the folder holds and opens it for writing; the folder is
// made if it is not there. The records come back in the order in which their
// keys were last written. An empty dir gives a nil journal and no records.
func Open(dir string) (*Journal, []Record, error) {
	if dir == "" {
		return nil, nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("open state: %w", err)
	}
	path := filepath.Join(dir, name)
	records, err := read(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open state %s: %w", path, err)
	}
	if err := compact(path, records); err != nil {
		return nil, nil, fmt.Errorf("compact state %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open state: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open state: %w", err), file.Close())
	}
	return &Journal{file: file, size: info.Size()}, records, nil
}

// read returns the last record of each key that is still there.
func read(path string) ([]Record, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var all []Record
	last := map[[2]string]int{}
	in := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what follows the last line end was never acknowledged
		}
		if err != nil {
			return nil, err
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		key := [2]string{r.Kind, r.Key}
		if i, known := last[key]; known {
			all[i].Value = nil
		}
		last[key] = len(all)
		all = append(all, r)
	}
	kept := all[:0]
	for _, r := range all {
		if r.Value != nil {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// compact writes the records to a new file and puts it in the place of the old
// one in a single step.
func compact(path string, records []Record) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	lines, err := encode(records)
	if err == nil {
		_, err = file.Write(lines)
	}
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Write appends the records and returns when they are on disk: all of them, or
// an error and none. Only a crash can leave the first of them. Where not even
// what was half written can be taken back, every later write fails.
func (j *Journal) Write(records ...Record) error {
	if j == nil || len(records) == 0 {
		return nil
	}
	lines, err := encode(records)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.torn != nil {
		return fmt.Errorf("write state: an earlier write could not be taken back: %w", j.torn)
	}
	_, err = j.file.Write(lines)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.torn = j.file.Truncate(j.size)
		return fmt.Errorf("write state: %w", errors.Join(err, j.torn))
	}
	j.size += int64(len(lines))
	return nil
}

// Close ends writing.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// Put makes the record of a thing's present state.
func Put(kind, key string, value any) (Record, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return Record{}, fmt.Errorf("write %s %s: %w", kind, key, err)
	}
	return Record{Kind: kind, Key: key, Value: data}, nil
}

// Gone makes the record of a thing's end.
func Gone(kind, key string) Record { return Record{Kind: kind, Key: key} }

func encode(records []Record) ([]byte, error) {
	var lines bytes.Buffer
	out := json.NewEncoder(&lines)
	for _, r := range records {
		if err := out.Encode(r); err != nil {
			return nil, err
		}
	}
	return lines.Bytes(), nil
}
