package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/internal/sandbox/journal"
)

func put(t *testing.T, kind, key string, value any) journal.Record {
	t.Helper()
	r, err := journal.Put(kind, key, value)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t *testing.T, dir string) (*journal.Journal, []string) {
	t.Helper()
	j, records, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	var shown []string
	for _, r := range records {
		shown = append(shown, r.Kind+" "+r.Key+" "+string(r.Value))
	}
	return j, shown
}

// TestLastRecordOfAKeyCounts is the law of the journal, kept over any number
// of restarts.
func TestLastRecordOfAKeyCounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, records := open(t, dir)
	if len(records) != 0 {
		t.Fatalf("a new folder holds %v", records)
	}
	err := j.Write(put(t, "table", "a", 1), put(t, "table", "b", 2), put(t, "table", "a", 3),
		put(t, "dataset", "a", 4), put(t, "table", "c", 5), journal.Gone("table", "c"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"table b 2", "table a 3", "dataset a 4"}
	for range 3 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		j, got = open(t, dir)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestTornLineIsLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := open(t, dir)
	if err := j.Write(put(t, "table", "a", 1)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "state.jsonl")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, `{"kind":"table","key":"b","val`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again, got := open(t, dir)
	if diff := cmp.Diff([]string{"table a 1"}, got); diff != "" {
		t.Fatal(diff)
	}
	if err := again.Write(put(t, "table", "c", 2)); err != nil {
		t.Fatal(err)
	}
	if _, got := open(t, dir); len(got) != 2 {
		t.Errorf("after a torn line the state cannot grow: %v", got)
	}
}

func TestBrokenLineNamesItsNumber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := `{"kind":"table","key":"a","value":1}` + "\nnot json\n"
	if err := os.WriteFile(filepath.Join(dir, "state.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := journal.Open(dir)
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("want an error that names line 2, got %v", err)
	}
}

func TestNoFolderKeepsNothing(t *testing.T) {
	t.Parallel()
	j, records, err := journal.Open("")
	if err != nil || j != nil || records != nil {
		t.Fatalf("got %v, %v, %v", j, records, err)
	}
	if err := j.Write(put(t, "table", "a", 1)); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzOpen holds that no file panics, and that what was read is read again.
func FuzzOpen(f *testing.F) {
	f.Add("{\"kind\":\"a\",\"key\":\"b\",\"value\":1}\n{\"kind\":\"a\",\"key\":\"b\"}\n")
	f.Add("null\n")
	f.Add("{\"value\":null}\n{")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.jsonl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		j, first, err := journal.Open(dir)
		if err != nil {
			return
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j, second, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOpenNeedsAFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := journal.Open(file); err == nil {
		t.Error("a file was taken for a folder")
	}
}

// TestClosedJournalRefuses holds that nothing is lost in silence.
func TestClosedJournalRefuses(t *testing.T) {
	t.Parallel()
	j, _ := open(t, t.TempDir())
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Write(put(t, "table", "a", 1)); err == nil {
		t.Error("a closed journal took a record")
	}
	if _, err := journal.Put("table", "a", func() {}); err == nil {
		t.Error("what cannot be written became a record")
	}
}
