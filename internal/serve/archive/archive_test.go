package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// contents are what the tests put into a backup.
func contents() map[string]string {
	return map[string]string{
		Catalog: strings.Repeat("a page of the catalog\n", 3000), "keys/person.key": "0123456789abcdef0123456789abcdef", AuditKey: "sign",
	}
}

// written is a backup in a folder of its own.
func written(t *testing.T, force bool) (path string) {
	t.Helper()
	folder := t.TempDir()
	var sources []Source
	for _, name := range []string{Catalog, "keys/person.key", AuditKey} {
		at := filepath.Join(folder, filepath.Base(name))
		if err := os.WriteFile(at, []byte(contents()[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, Source{name, at})
	}
	path = filepath.Join(t.TempDir(), "backup.tar")
	n, err := Write(t.Context(), path, force, manifest(), sources)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != n {
		t.Fatalf("%v, %v, said %d bytes", info, err, n)
	}
	return path
}

func manifest() Manifest {
	return Manifest{
		Program: "v1", Made: time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC), CatalogID: "C", Tables: 2, Revision: 7, Events: 9,
		Keys: []Key{{"person", "feed"}},
	}
}

// found reads all files of a folder.
func found(t *testing.T, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatGoesInComesOut(t *testing.T) {
	t.Parallel()
	path, into := written(t, false), t.TempDir()
	m, err := Extract(t.Context(), path, into)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(), found(t, into)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !m.Has("keys/person.key") || m.Has("keys/other.key") || len(m.Files) != 3 {
		t.Errorf("files are %+v", m.Files)
	}
	m.Files = nil
	want := manifest()
	want.Format = 1
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Every byte that is cut off or changed is found, save in what tar itself
// pads and does not read.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(written(t, false))
	if err != nil {
		t.Fatal(err)
	}
	try := func(data []byte) error {
		path := filepath.Join(t.TempDir(), "damaged.tar")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Extract(t.Context(), path, t.TempDir())
		return err
	}
	end := bytes.LastIndex(whole, []byte("sign")) + len("sign")
	for n := 0; n < end; n += 997 {
		if err := try(whole[:n]); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("cut off at %d of %d: %v", n, len(whole), err)
		}
	}
	if err := try(whole[:end-1]); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("its last byte cut off: %v", err)
	}
	at := bytes.Index(whole, []byte("a page of"))
	for _, i := range []int{at, at + 40_000, bytes.Index(whole, []byte("0123456789abcdef0123456789abcdef")), bytes.Index(whole, []byte(`"sha256"`)) + 13} {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if err := try(changed); !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if err := try(append(bytes.Clone(whole[:len(whole)-1024]), whole...)); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("two in one: %v", err)
	}
}

// entry is a file of a tar that a test writes by hand.
type entry struct {
	name, text string
	kind       byte
}

func handmade(t *testing.T, m any, entries ...entry) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append([]entry{{manifestName, string(text), tar.TypeReg}}, entries...) {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o600}
		if e.kind == tar.TypeReg {
			h.Size = int64(len(e.text))
		} else {
			h.Linkname = e.text
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.kind == tar.TypeReg {
			_, _ = w.Write([]byte(e.text))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "handmade.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNothingLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		entries []entry
		files   []File
	}{
		{"up", []entry{{"../evil", "x", tar.TypeReg}}, []File{{Name: "../evil", Bytes: 1}}},
		{"absolute", []entry{{"/tmp/evil", "x", tar.TypeReg}}, []File{{Name: "/tmp/evil", Bytes: 1}}},
		{"up within keys", []entry{{"keys/../../evil.key", "x", tar.TypeReg}}, []File{{Name: "keys/../../evil.key", Bytes: 1}}},
		{"the configuration", []entry{{"cadastre.yaml", "x", tar.TypeReg}}, []File{{Name: "cadastre.yaml", Bytes: 1}}},
		{"a link", []entry{{Catalog, "/etc/passwd", tar.TypeSymlink}}, []File{{Name: Catalog}}},
		{"another than listed", []entry{{"keys/a.key", "x", tar.TypeReg}}, []File{{Name: Catalog, Bytes: 1}}},
		{"no catalog", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			into := filepath.Join(parent, "into")
			if err := os.Mkdir(into, 0o700); err != nil {
				t.Fatal(err)
			}
			if _, err := Extract(t.Context(), handmade(t, Manifest{Format: 1, Files: test.files}, test.entries...), into); !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("got %v, want invalid", err)
			}
			if got := found(t, parent); len(got) > 0 {
				t.Errorf("written: %v", got)
			}
		})
	}
}

func TestWhatIsNoBackupIsToldSo(t *testing.T) {
	t.Parallel()
	put := func(data string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name, path, text string
		kind             error
	}{
		{"nothing", put(""), "no backup", graph.ErrInvalid},
		{"a text", put(strings.Repeat("Dear diary, ", 200)), "no backup", graph.ErrInvalid},
		{"not there", filepath.Join(t.TempDir(), "gone"), "there is no file", graph.ErrNotFound},
		{"of a newer program", handmade(t, Manifest{Format: 2}), "newer program", graph.ErrConflict},
		{"without a form", handmade(t, map[string]int{"other": 1}), "manifest.json", graph.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Extract(t.Context(), test.path, t.TempDir()); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %v with %q", err, test.kind, test.text)
			}
		})
	}
}

// A bare copy of a catalog is taken as it is; whoever extracts it looks at it.
func TestABareCopyIsABackup(t *testing.T) {
	t.Parallel()
	path, into := filepath.Join(t.TempDir(), "store.db.v1.bak"), t.TempDir()
	if err := os.WriteFile(path, []byte(sqliteMagic+"and the rest"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Extract(t.Context(), path, into)
	if err != nil || m.Format != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if diff := cmp.Diff(map[string]string{Catalog: sqliteMagic + "and the rest"}, found(t, into)); diff != "" {
		t.Error(diff)
	}
}

func TestABackupIsNotOverwritten(t *testing.T) {
	t.Parallel()
	path := written(t, false)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	sources := []Source{{Catalog, other}}
	if _, err := Write(t.Context(), path, false, Manifest{}, sources); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want that it exists", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("it was changed: %v", err)
	}
	if _, err := Write(t.Context(), path, true, Manifest{}, sources); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	if _, err := Extract(t.Context(), path, into); err != nil || found(t, into)[Catalog] != "other" {
		t.Errorf("by force: %v, %v", found(t, into), err)
	}
}

func TestAnInterruptedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(ctx, filepath.Join(folder, "b.tar"), true, Manifest{}, []Source{{Catalog, source}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Write(t.Context(), filepath.Join(folder, "b.tar"), true, Manifest{}, []Source{{"cadastre.yaml", source}}); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("another file: %v", err)
	}
	if got := found(t, folder); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
	if _, err := Extract(ctx, written(t, false), t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("extract: %v", err)
	}
}

// FuzzExtract holds that no file makes Extract panic or write beside its
// folder.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("nothing"))
	f.Add([]byte(sqliteMagic))
	var small bytes.Buffer
	w := tar.NewWriter(&small)
	text := `{"format":1,"files":[{"name":"cadastre.db","bytes":1,"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}]}`
	_ = w.WriteHeader(&tar.Header{Name: manifestName, Size: int64(len(text)), Typeflag: tar.TypeReg})
	_, _ = w.Write([]byte(text))
	_ = w.WriteHeader(&tar.Header{Name: Catalog, Size: 1, Typeflag: tar.TypeReg})
	_, _ = w.Write([]byte("x"))
	_ = w.Close()
	f.Add(small.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		parent := t.TempDir()
		into := filepath.Join(parent, "into")
		if err := os.Mkdir(into, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := extract(t.Context(), bytes.NewReader(data), into)
		for name := range found(t, parent) {
			if !isName(strings.TrimPrefix(name, "into/")) {
				t.Errorf("wrote %q, %v", name, err)
			}
		}
	})
}
