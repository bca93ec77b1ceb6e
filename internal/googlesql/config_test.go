package googlesql

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	plain := filepath.Join(dir, "plain")
	for path, mode := range map[string]os.FileMode{program: 0o755, plain: 0o644} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, path string
		found      bool
	}{
		{"a program", program, true},
		{"nothing there", filepath.Join(dir, "none"), false},
		{"a folder", dir, false},
		{"a file that cannot be run", plain, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Locate(tt.path)
			if tt.found {
				if err != nil || got != tt.path {
					t.Errorf("Locate(%q) = %q, %v", tt.path, got, err)
				}
				return
			}
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("Locate(%q) fails with %v", tt.path, err)
			}
		})
	}
}

func TestLocateInPath(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := Locate(""); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("without any program: %v", err)
	}
	want := filepath.Join(dir, Program)
	if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Locate(""); err != nil || got != want {
		t.Errorf("Locate = %q, %v, want %q", got, err, want)
	}
}

func TestNewPoolWithoutWorker(t *testing.T) {
	t.Parallel()
	if _, err := NewPool(Config{Path: "/nonexistent/worker"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("NewPool fails with %v", err)
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	c := Config{}.withDefaults()
	if c.Workers != 2 || c.Deadline != 10*time.Second || c.MemoryLimit != 1<<30 || c.StartDeadline != 30*time.Second || c.Logger == nil {
		t.Errorf("defaults %+v", c)
	}
	kept := Config{Workers: 5, Deadline: -1, MemoryLimit: -1}.withDefaults()
	if kept.Workers != 5 || kept.Deadline != -1 || kept.MemoryLimit != -1 {
		t.Errorf("what was set is lost: %+v", kept)
	}
}

func TestResidentBytes(t *testing.T) {
	t.Parallel()
	n, err := residentBytes(os.Getpid())
	if err != nil || n < 1<<20 {
		t.Errorf("this process takes %d bytes, %v", n, err)
	}
	if _, err := residentBytes(-1); err == nil {
		t.Error("no process has memory")
	}
}
