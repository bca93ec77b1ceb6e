// Package archive is the form of a backup: one file with the catalog, and the
// keys where somebody asked for them, each with its size and hash.
//
// It owns the file's form, that it is written whole or not at all, and that
// what comes out of it is what went in. It does not own what a catalog is, nor
// where things lie in a data directory; internal/serve does, and alone imports
// it. The hashes find damage. They do not find somebody who writes the whole
// file anew; an audit checkpoint kept elsewhere does.
package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"cadastre.dev/cadastre/graph"
)

// The names of what is in a backup, besides keys/ID.key.
const (
	Catalog  = "cadastre.db"
	AuditKey = "audit.key"

	manifestName = "manifest.json"
	format       = 1
	// maxManifest bounds what is read before anything is known of the file.
	maxManifest = 4 << 20
)

// Manifest says what a backup holds. It is the first thing in the file.
type Manifest struct {
	// Format is that of the file; this program writes and reads 1.
	Format int `json:"format"`
	// Program is the version that wrote it, Made when.
	Program string    `json:"program"`
	Made    time.Time `json:"made"`
	// CatalogID, Tables, Revision and Events are the catalog's: its id, the
	// version of its tables, its newest revision, the length of its audit log.
	CatalogID string         `json:"catalog"`
	Tables    int            `json:"tables"`
	Revision  graph.Revision `json:"revision"`
	Events    int64          `json:"events"`
	// Keys are the masking keys that there were, whether they are in the file
	// or not.
	Keys []Key `json:"keys"`
	// Files are in the file, in this order.
	Files []File `json:"files"`
}

// Key names a masking key without telling it.
type Key struct {
	ID string `json:"id"`
	// Print is the same for the same key; nothing can be masked with it.
	Print string `json:"print"`
}

// File is one thing in a backup.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Has says whether the file of that name is in the backup.
func (m Manifest) Has(name string) bool {
	for _, f := range m.Files {
		if f.Name == name {
			return true
		}
	}
	return false
}

// Source is a file to put into a backup.
type Source struct {
	// Name is what it is called in the backup, Path where it lies.
	Name, Path string
}

// Write writes a backup to path, readable by its owner alone. It is there
// whole or not at all; one that is there already is replaced only with force,
// and is otherwise fs.ErrExist. The sources must not change meanwhile.
func Write(ctx context.Context, path string, force bool, m Manifest, sources []Source) (bytes int64, err error) {
	m.Format, m.Files = format, nil
	for _, s := range sources {
		f, err := describe(ctx, s)
		if err != nil {
			return 0, err
		}
		m.Files = append(m.Files, f)
	}
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, ignoreGone(os.Remove(part.Name()))) }()
	if err := errors.Join(write(ctx, part, m, sources), part.Sync(), part.Close()); err != nil {
		return 0, err
	}
	info, err := os.Stat(part.Name())
	if err != nil {
		return 0, err
	}
	if force {
		err = os.Rename(part.Name(), path)
	} else {
		err = os.Link(part.Name(), path)
	}
	return info.Size(), err
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func describe(ctx context.Context, s Source) (File, error) {
	if !isName(s.Name) {
		return File{}, fmt.Errorf("%q is nothing that a backup holds: %w", s.Name, graph.ErrInvalid)
	}
	file, err := os.Open(s.Path)
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	n, err := io.Copy(h, reader{ctx, file})
	return File{s.Name, n, hex.EncodeToString(h.Sum(nil))}, errors.Join(err, file.Close())
}

func write(ctx context.Context, to io.Writer, m Manifest, sources []Source) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	w := tar.NewWriter(to)
	if err := put(w, manifestName, int64(len(text)), m.Made, bytes.NewReader(text)); err != nil {
		return err
	}
	for i, s := range sources {
		file, err := os.Open(s.Path)
		if err != nil {
			return err
		}
		if err := errors.Join(put(w, s.Name, m.Files[i].Bytes, m.Made, reader{ctx, file}), file.Close()); err != nil {
			return err
		}
	}
	return w.Close()
}

func put(w *tar.Writer, name string, size int64, at time.Time, r io.Reader) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: at, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err := io.Copy(w, r)
	return err
}

// Extract writes what a backup holds into a folder that is there and empty,
// and holds each file against its hash. A file that is no backup, or is
// damaged, is graph.ErrInvalid; one in a form of a newer program
// graph.ErrConflict. A bare copy of a catalog, as it is made before the tables
// are migrated, is a backup without a manifest: Format is 0.
func Extract(ctx context.Context, path, into string) (Manifest, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("there is no file %s: %w", path, graph.ErrNotFound)
	}
	if err != nil {
		return Manifest{}, err
	}
	m, err := extract(ctx, reader{ctx, file}, into)
	return m, errors.Join(err, file.Close())
}

// sqliteMagic begins every file of SQLite.
const sqliteMagic = "SQLite format 3\x00"

func extract(ctx context.Context, from io.Reader, into string) (Manifest, error) {
	head := make([]byte, len(sqliteMagic))
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Manifest{}, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), from)
	if string(head[:n]) == sqliteMagic {
		_, err := save(filepath.Join(into, Catalog), whole)
		return Manifest{}, err
	}
	return extractTar(ctx, tar.NewReader(whole), into)
}

func extractTar(ctx context.Context, r *tar.Reader, into string) (Manifest, error) {
	var m Manifest
	h, err := r.Next()
	if err != nil || h.Name != manifestName || h.Size > maxManifest {
		return m, errors.Join(ctx.Err(), fmt.Errorf("it is no backup of Cadastre: %w", graph.ErrInvalid))
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return m, damaged(ctx, manifestName, err)
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Format < 1 {
		return m, damaged(ctx, manifestName, errors.New("it is not to be read"))
	}
	if m.Format > format {
		return m, fmt.Errorf("the backup has form %d and this program reads up to %d; restore it with the newer program: %w", m.Format, format, graph.ErrConflict)
	}
	for _, f := range m.Files {
		if err := extractFile(r, f, into); err != nil {
			return m, damaged(ctx, f.Name, err)
		}
	}
	if !m.Has(Catalog) {
		return m, damaged(ctx, Catalog, errors.New("it is not there"))
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		return m, damaged(ctx, "its end", errors.New("something follows it"))
	}
	return m, nil
}

func extractFile(r *tar.Reader, f File, into string) error {
	h, err := r.Next()
	if err != nil {
		return err
	}
	if !isName(f.Name) || h.Name != f.Name || h.Typeflag != tar.TypeReg || h.Size != f.Bytes {
		return fmt.Errorf("%q stands in its place", h.Name)
	}
	path := filepath.Join(into, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	sum, err := save(path, r)
	if err == nil && sum != f.SHA256 {
		err = errors.New("its hash differs")
	}
	return err
}

// save writes a new file that its owner alone may read, waits for the disk,
// and returns its hash.
func save(path string, from io.Reader) (sum string, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, h), from)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, file.Sync(), file.Close())
}

// damaged tells what a backup lacks. What failed was the reading of the backup
// or the disk that it is written to; the error says which.
func damaged(ctx context.Context, name string, err error) error {
	var disk *fs.PathError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &disk):
		return fmt.Errorf("%w: %w", err, graph.ErrUnavailable)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the backup is damaged: it ends within %s; take another: %w", name, graph.ErrInvalid)
	}
	return fmt.Errorf("the backup is damaged: %s: %w; take another: %w", name, err, graph.ErrInvalid)
}

// isName says whether a backup may hold a file of that name. None leads out of
// the folder that it is extracted to.
func isName(name string) bool {
	return regexp.MustCompile(`^(cadastre\.db|audit\.key|keys/[a-z0-9_]+\.key)$`).MatchString(name)
}

// reader ends with its context.
type reader struct {
	ctx  context.Context //nolint:containedctx // lives as long as one copy
	from io.Reader
}

// Read reads, or says why not to go on.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
