package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cadastre.dev/cadastre/internal/pgtest"
)

// TestTheDatabaseIsAway asks before, while and after the server is stopped:
// meanwhile the exit code says that something is not available, and the text
// what to do.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	folder := t.TempDir()
	url, config := filepath.Join(folder, "url"), filepath.Join(folder, "cadastre.yaml")
	if err := os.WriteFile(url, []byte(server.Database(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("data_dir: "+folder+"\ndatabase:\n  url: file:"+url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func() (code int, said string) {
		var out, complaint bytes.Buffer
		code = run(t.Context(), []string{"--config", config, "audit", "verify"}, nil, &out, &complaint)
		return code, complaint.String()
	}
	if code, said := verify(); code != exitOK {
		t.Fatalf("before: %d %s", code, said)
	}
	server.Stop(t)
	if code, said := verify(); code != exitUnavailable || !strings.Contains(said, "start it") {
		t.Errorf("meanwhile: %d %s, want %d and what to do", code, said, exitUnavailable)
	}
	server.Resume(t)
	if code, said := verify(); code != exitOK {
		t.Errorf("afterwards: %d %s", code, said)
	}
}
